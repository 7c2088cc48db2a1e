"""Keys of token issuers (令牌签发方的密钥): JWK sets, and where they come from."""

import asyncio
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from http.client import HTTPException
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, build_opener

import jwt
from jwt import PyJWK, PyJWTError
from jwt.algorithms import OKPAlgorithm

Jwk = Mapping[str, object]
KeySet = Mapping[tuple[str, str], PyJWK]
"""Public keys by (`kid`, `alg`)."""

MAX_BYTES = 256 * 1024
MAX_KEYS = 100
LEAST_RSA_BITS = 2048  # RFC 7518 §3.3

# Which signatures a key may make. No symmetric family: a public set holds no secrets.
_ALGORITHMS: dict[tuple[object, object], tuple[str, ...]] = {
    ("EC", "P-256"): ("ES256",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("RSA", None): ("RS256", "PS256"),
}


class Keys(Protocol):
    """Where one issuer's public keys are looked up."""

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        """The key named `kid` if it may make `algorithm` signatures, else None."""


class FixedKeys:
    """Keys known beforehand: the hub's own, or a client's registered ones."""

    def __init__(self, jwks: Iterable[Jwk]) -> None:
        self._keys = key_set(jwks)

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        return self._keys.get((kid, algorithm))


class FetchedKeys:
    """Keys read from a provider and read again when they age or a `kid` is unknown.

    `fetch` blocks (a file, a URL) and runs in a thread. At most one reading runs at a time and
    one starts `pause` seconds after another, so unknown `kid`s cannot be used to hammer the provider.
    When a reading fails the last good keys stay, and `last_error` names the kind of failure.
    """

    def __init__(
        self,
        fetch: Callable[[], bytes],
        *,
        lifetime: float = 3600,
        pause: float = 30,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch, self._lifetime, self._pause = fetch, lifetime, pause
        self._monotonic = monotonic
        self._keys: KeySet = {}
        self._tried = self._read = float("-inf")
        self._reading = asyncio.Lock()
        self.last_error: str | None = None

    async def key(self, kid: str, algorithm: str) -> PyJWK | None:
        name = (kid, algorithm)
        # A key at hand is not kept waiting behind somebody else's slow reading.
        if self._due(name) and not (name in self._keys and self._reading.locked()):
            async with self._reading:
                if self._due(name):
                    await self._refresh()
        return self._keys.get(name)

    def _due(self, name: tuple[str, str]) -> bool:
        now = self._monotonic()
        if now - self._tried < self._pause:
            return False
        return name not in self._keys or now - self._read >= self._lifetime

    async def _refresh(self) -> None:
        try:
            self._keys = parse_jwks(await asyncio.to_thread(self._fetch))
        except (OSError, HTTPException, ValueError) as error:
            self.last_error = type(error).__name__
        else:
            self._read, self.last_error = self._monotonic(), None
        finally:
            self._tried = self._monotonic()  # not before: whoever waits for the keys is still due


def from_file(path: Path) -> Callable[[], bytes]:
    """A `fetch` that reads a JWK set from a file."""
    return path.read_bytes


def from_url(url: str, *, seconds: float = 5) -> Callable[[], bytes]:
    """A `fetch` that reads a JWK set over HTTPS, following no redirect.

    Plain HTTP is accepted from this machine only (a side-car). ValueError for any other URL.
    """
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("a JWK set is fetched over https only")
    opener = build_opener(_NoRedirect)

    def fetch() -> bytes:
        with opener.open(url, timeout=seconds) as answer:
            body: bytes = answer.read(MAX_BYTES + 1)
        return body

    return fetch


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def parse_jwks(document: bytes) -> KeySet:
    """The usable public keys of a JWK set (RFC 7517 §5); ValueError if it is no JWK set.

    Keys of unknown kinds are passed over, as the RFC asks. A set without one usable key is an
    error: it would lock everybody out, where the last good set would not.
    """
    if len(document) > MAX_BYTES:
        raise ValueError("the JWK set is too large")
    try:
        keys = json.loads(document)["keys"]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a JWK set") from error
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ValueError("not a JWK set, or too many keys")
    usable = key_set(key for key in keys if isinstance(key, dict))
    if not usable:
        raise ValueError("the JWK set holds no usable key")
    return usable


def key_set(jwks: Iterable[Jwk]) -> KeySet:
    """Every usable key of `jwks`, once for each algorithm it may make."""
    return {
        (kid, algorithm): key
        for jwk in jwks
        if isinstance(kid := jwk.get("kid"), str)
        for algorithm in _may_make(jwk)
        if (key := _load(jwk, algorithm)) is not None
    }


def _may_make(jwk: Jwk) -> tuple[str, ...]:
    if jwk.get("use", "sig") != "sig" or "d" in jwk:  # a private key has no place in a public set
        return ()
    kind = (jwk.get("kty"), jwk.get("crv"))
    fitting = next((names for known, names in _ALGORITHMS.items() if known == kind), ())
    return tuple(name for name in fitting if jwk.get("alg", name) == name)


def _load(jwk: Jwk, algorithm: str) -> PyJWK | None:
    try:
        key = PyJWK(dict(jwk), algorithm)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    return key if getattr(key.key, "key_size", LEAST_RSA_BITS) >= _least_bits(algorithm) else None


def _least_bits(algorithm: str) -> int:
    return LEAST_RSA_BITS if algorithm in {"RS256", "PS256"} else 0


class SigningKey:
    """A private key of the hub's own that signs tokens with EdDSA.

    Each purpose has its own key: a token key never signs receipts, nor a receipt key tokens.
    """

    algorithm = "EdDSA"

    def __init__(self, pem: bytes) -> None:
        members = OKPAlgorithm.to_jwk(OKPAlgorithm().prepare_key(pem), as_dict=True)
        self._pem = pem
        self.kid = thumbprint(members)
        self.jwk: dict[str, object] = {
            **{name: members[name] for name in ("kty", "crv", "x")},
            "kid": self.kid,
            "alg": self.algorithm,
            "use": "sig",
        }

    def sign(self, claims: Mapping[str, object], typ: str) -> str:
        """A compact JWT over `claims`, its header naming `typ` (RFC 8725 §3.11) and this key."""
        return jwt.encode(
            dict(claims), self._pem, self.algorithm, headers={"kid": self.kid, "typ": typ}
        )


def thumbprint(jwk: Jwk) -> str:
    """The RFC 7638 thumbprint of an EC or OKP key: base64url of SHA-256, 43 characters."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return urlsafe_b64encode(sha256(canonical).digest()).rstrip(b"=").decode()
