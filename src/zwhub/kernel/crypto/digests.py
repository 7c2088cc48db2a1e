"""Digests (摘要): plain, keyed, and compared in constant time."""

import hashlib
import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache

from cryptography.hazmat.primitives import hashes

_BLOCK = 64  # bytes that SHA-256 takes at a time
_LEAST_SECRET = 16  # bytes; an identity number has so few values that a weaker secret is guessed


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data` as 64 lower-case hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def keyed_digest(secret: bytes, purpose: str, text: str) -> bytes:
    """HMAC-SHA256 of `text` (RFC 2104), 32 bytes, different for every `purpose`.

    For indexing personal numbers: a plain hash of 18 digits can be searched, this cannot without
    the secret. Raises ValueError for a secret under 16 bytes.
    """
    return keyed_digests(secret, purpose)(text)


def keyed_digests(secret: bytes, purpose: str) -> Callable[[str], bytes]:
    """`keyed_digest` for many texts of one purpose."""
    begun_inner, begun_outer = _begun(secret, purpose)
    copy_inner, copy_outer = begun_inner.copy, begun_outer.copy

    def digest(text: str) -> bytes:
        inner, outer = copy_inner(), copy_outer()
        # A lone surrogate, which JSON can smuggle in, is digested like any other character.
        inner.update(text.encode("utf-8", "surrogatepass"))
        outer.update(inner.digest())
        return outer.digest()

    return digest


@lru_cache(maxsize=64)
def _begun(secret: bytes, purpose: str) -> "tuple[hashlib._Hash, hashlib._Hash]":
    """Both hashes of RFC 2104 up to the text: half of the work, and the same for all texts."""
    if len(secret) < _LEAST_SECRET:
        raise ValueError("the secret needs at least 16 bytes")
    key = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()
    pads = (bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0")) for pad in (0x36, 0x5C))
    inner, outer = (hashlib.sha256(pad) for pad in pads)
    label = purpose.encode()
    # The length in front keeps ("a", "bc") and ("ab", "c") apart.
    inner.update(len(label).to_bytes(2, "big") + label)
    return inner, outer


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left, right)


def sm3(data: bytes) -> bytes:
    """SM3 of `data` (GB/T 32905), 32 bytes."""
    return sm3_of((data,))


def sm3_of(pieces: Iterable[bytes]) -> bytes:
    """The same for pieces that are still to come: a large file need not lie in memory."""
    digest = hashes.Hash(hashes.SM3())
    for piece in pieces:
        digest.update(piece)
    return digest.finalize()
