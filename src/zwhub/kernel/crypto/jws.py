"""Signed records (签名记录): compact JWS (RFC 7515), so strict that no altered text passes."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec
from pybase64 import b64decode

from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey
from zwhub.kernel.words import Words

MAX_HEADER = 1024  # bytes of JSON
MAX_NAME = 64  # characters of `kid`, and of `typ`

# RFC 8725 §3.10: a record must not bring its own key. RFC 7515 §4.1.11, RFC 7797: an extension
# that changes what is signed is not understood here, so it is refused.
_REFUSED = ("crit", "b64", "jwk", "jku", "x5u")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# By length modulo 4: the padding that is left out, and what the part may end with, the bits that
# are spare being zero (RFC 4648 §3.5). No length leaves one character over.
_ENDS = (
    (b"", _ALPHABET),
    (b"", b""),
    (b"==", _ALPHABET[::16]),
    (b"=", _ALPHABET[::4]),
)


class MalformedJws(ValueError):
    """A text that is no record the hub reads; `words` says why, without quoting it."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


class Jws(msgspec.Struct, frozen=True):  # made by the million: a sixth of a dataclass's time
    """A parsed record (签名记录), its signature not yet checked.

    `signing_input` is the exact bytes that were signed; nothing is ever serialised again.
    """

    algorithm: Algorithm
    kid: str
    typ: str | None
    header: Mapping[str, object]
    payload: bytes
    signing_input: bytes
    signature: bytes

    @property
    def text(self) -> bytes:
        """The record as it is exchanged, byte for byte."""
        return self.signing_input + b"." + _encoded(self.signature)

    def __repr__(self) -> str:
        return f"Jws({self.algorithm}, {self.kid!r}, {self.typ!r})"

    def signed_by(self, key: PublicKey) -> bool:
        """Whether `key` made the signature. The key fixes the algorithm (RFC 8725 §3.1)."""
        return key.algorithm is self.algorithm and key.verify(self.signature, self.signing_input)


def parse(text: str | bytes) -> Jws:
    """Read a compact JWS; MalformedJws when any rule of RFC 7515 or of the hub is broken."""
    octets = _ascii(text) if isinstance(text, str) else text
    parts = octets.split(b".")
    if len(parts) != 3:  # noqa: PLR2004 - RFC 7515 §7.1: header, payload, signature
        raise _malformed("签名记录须由三段组成", "a signed record has exactly three parts")
    head, payload, signature = parts
    return Jws(
        *_head(head),
        payload=decoded(payload),
        signing_input=octets[: -len(signature) - 1],
        signature=decoded(signature),
    )


@lru_cache(maxsize=1_024)  # an issuer writes the same header into each of its records
def _head(part: bytes) -> tuple[Algorithm, str, str | None, Mapping[str, object]]:
    header = _header(decoded(part))
    return (
        _algorithm(header.get("alg")),
        _name(header.get("kid"), "kid"),
        _name(header["typ"], "typ") if "typ" in header else None,
        MappingProxyType(header),
    )


def rebuilt(header: bytes, payload: bytes, signature: bytes) -> Jws:
    """As `parse` of what these octets encode to, without decoding them again."""
    head = _header_part(header)
    signing_input = head + b"." + _encoded(payload)
    return Jws(*_head(head), payload=payload, signing_input=signing_input, signature=signature)


@lru_cache(maxsize=1_024)
def _header_part(header: bytes) -> bytes:
    return _encoded(header)


def sign(key: PrivateKey, kid: str, payload: bytes, typ: str) -> str:
    """A compact JWS over `payload`, with `alg` from the key; MalformedJws for a bad kid or typ."""
    return signer(key, kid, typ)(payload)


def signer(key: PrivateKey, kid: str, typ: str) -> Callable[[bytes], str]:
    """`sign` for many payloads: the header is written once."""
    header = {"alg": key.algorithm.value, "kid": _name(kid, "kid"), "typ": _name(typ, "typ")}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    start = _encoded(text.encode()) + b"."

    def signed(payload: bytes) -> str:
        signing_input = start + _encoded(payload)
        return (signing_input + b"." + _encoded(key.sign(signing_input))).decode("ascii")

    return signed


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise _not_base64() from error


def _encoded(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")


def decoded(part: bytes) -> bytes:
    """The octets behind canonical base64url: spare bits zero (RFC 4648 §3.5), no padding (§5)."""
    padding, last = _ENDS[len(part) % 4]
    # The decoder takes what base64 writes in the place of `-` and `_`, too.
    if (part and part[-1] not in last) or b"+" in part or b"/" in part:
        raise _not_base64()
    try:
        return b64decode(part + padding, b"-_", True)
    except ValueError:
        raise _not_base64() from None


def _header(octets: bytes) -> dict[str, object]:
    if len(octets) > MAX_HEADER:
        raise _malformed("签名记录头过长", "the header is too long")
    try:
        header = json.loads(octets.decode(), object_pairs_hook=_distinct, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _malformed("签名记录头不是规范的 JSON", "the header is not proper JSON") from error
    if not isinstance(header, dict):
        raise _malformed("签名记录头不是对象", "the header is not an object")
    if any(name in header for name in _REFUSED):
        raise _malformed("签名记录头含不接受的成员", "the header has a member the hub refuses")
    return header


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # RFC 7515 §4: names are unique, or two readers could see two different headers.
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _constant(_: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


def _algorithm(value: object) -> Algorithm:
    if isinstance(value, str) and value in list(Algorithm):
        return Algorithm(value)
    raise _malformed("签名算法不受支持", "the algorithm is not supported")


def _name(value: object, member: str) -> str:
    # isprintable keeps out what a log line or a database column could trip over.
    if isinstance(value, str) and 1 <= len(value) <= MAX_NAME and value.isprintable():
        return value
    raise _malformed(f"{member} 须为 1 至 64 个字符", f"{member} must be 1 to 64 characters")


def _not_base64() -> MalformedJws:
    return _malformed("编码不是规范的 base64url", "a part is not canonical base64url")


def _malformed(zh: str, en: str) -> MalformedJws:
    return MalformedJws(Words(zh=zh, en=en))
