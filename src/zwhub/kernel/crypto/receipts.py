"""Receipts (回执): statements the hub signs, checked offline against its published keys.

Its status lists (状态列表) are signed with the same key, under a `typ` of their own.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import orjson

from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.jws import MalformedJws, parse, signer
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey
from zwhub.kernel.words import Words

TYP = "zwhub-receipt+jws"


class BadReceipt(Exception):
    """What the hub is said to have signed does not check out; nothing of it may be believed."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True)
class ReceiptKey:
    """The hub's own signing key (ES256, so that any JOSE library can check it)."""

    private: PrivateKey

    @classmethod
    def new(cls) -> "ReceiptKey":
        return cls(PrivateKey.generate(Algorithm.ES256))

    @cached_property
    def kid(self) -> str:
        return "receipt-" + sha256_hex(self.private.public.der())[:16]

    def seal(self, claims: Mapping[str, Any], typ: str = TYP) -> str:
        """The claims as a compact JWS."""
        return _signer(self, typ)(orjson.dumps(claims))

    def jwk(self) -> dict[str, str]:
        """The public key as a JSON Web Key (RFC 7517)."""
        point = self.private.public.point()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(point[1:33]),
            "y": _base64url(point[33:65]),
            "kid": self.kid,
            "use": "sig",
            "alg": "ES256",
        }


@lru_cache(maxsize=64)  # a process has one key, and few kinds of statements
def _signer(key: ReceiptKey, typ: str) -> Callable[[bytes], str]:
    return signer(key.private, key.kid, typ)


def read_receipt(text: str | bytes, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """What the receipt states, once its signature has been checked. Raises `BadReceipt`."""
    otherwise = Words("这不是 zwhub 回执", "this is not a receipt of a zwhub")
    return read_sealed(text, jwks, {TYP}, otherwise)[1]


def read_sealed(
    text: str | bytes, jwks: Mapping[str, Any], types: Collection[str], otherwise: Words
) -> tuple[str, dict[str, Any]]:
    """The `typ`, one of `types`, and the claims, once the signature has been checked.

    Raises `BadReceipt`, in the words of `otherwise` for what was signed as something else.
    """
    try:
        sealed = parse(text)
    except MalformedJws as malformed:
        raise BadReceipt(malformed.words) from None
    if sealed.typ is None or sealed.typ not in types:  # RFC 8725 §3.11
        raise BadReceipt(otherwise)
    if not sealed.signed_by(_find(jwks, sealed.kid)):
        raise BadReceipt(Words("签名无效", "the signature is not valid"))
    return sealed.typ, _object(sealed.payload)


def _find(jwks: Mapping[str, Any], kid: str) -> PublicKey:
    try:
        for jwk in jwks["keys"]:
            if jwk.get("kid") == kid and jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
                point = b"\x04" + _coordinate(jwk["x"]) + _coordinate(jwk["y"])
                return PublicKey.from_point(Algorithm.ES256, point)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadReceipt(Words("公钥集（JWKS）格式有误", "the JWKS is malformed")) from None
    raise BadReceipt(
        Words("公钥集中没有此签名的公钥", "the JWKS does not hold the key of this signature")
    )


def _object(payload: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(payload)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise BadReceipt(Words("所签内容不是 JSON 对象", "what was signed is no JSON object"))
    return claims


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _coordinate(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != 32:  # noqa: PLR2004 - said in the words
        raise ValueError("a P-256 coordinate has 32 bytes")
    return raw
