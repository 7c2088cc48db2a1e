"""SM2 (国密二号): GB/T 32918.2 signatures, by libcrypto where it proves itself, else our own."""

import secrets
from functools import lru_cache
from typing import Protocol

from zwhub.kernel.crypto import sm2_openssl, sm2_pure
from zwhub.kernel.crypto.signature_pair import to_der, to_raw
from zwhub.kernel.crypto.sm2_openssl import NotAvailable
from zwhub.kernel.crypto.sm2_pure import is_point

__all__ = [
    "IDENTITY",
    "NotAvailable",
    "backend",
    "generate",
    "is_point",
    "public_of",
    "sign",
    "to_der",
    "to_raw",
    "verify",
]

IDENTITY = b"1234567812345678"  # GM/T 0009 §10: the signer's identity where none is agreed


class Backend(Protocol):
    """What a backend offers; both are stateless and safe to call from any thread."""

    def verify(self, public: bytes, message: bytes, signature: bytes, identity: bytes) -> bool: ...
    def sign(self, private: bytes, message: bytes, identity: bytes) -> bytes: ...
    def public_of(self, private: bytes) -> bytes: ...


BACKENDS: dict[str, Backend] = {"openssl": sm2_openssl, "pure": sm2_pure}

# The worked example of GM/T 0003.5 Annex A, on the recommended curve.
EXAMPLE_PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
EXAMPLE_PUBLIC = bytes.fromhex(
    "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
EXAMPLE_MESSAGE = b"message digest"
EXAMPLE_SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)


def verify(public: bytes, message: bytes, signature: bytes, identity: bytes = IDENTITY) -> bool:
    """Whether `signature` (64 bytes r‖s) is `public`'s (65 bytes 04‖x‖y) on `message`.

    Never raises for garbage: a wrong length, a point off the curve, r or s out of range are False.
    """
    return _chosen()[1].verify(public, message, signature, identity)


def sign(private: bytes, message: bytes, identity: bytes = IDENTITY) -> bytes:
    """64 bytes r‖s over `message`; ValueError unless `private` is 32 bytes in 1 … n - 2."""
    return _chosen()[1].sign(private, message, identity)


def generate() -> tuple[bytes, bytes]:
    """A new key pair: 32 bytes private, 65 bytes public (04‖x‖y)."""
    number = 1 + secrets.randbelow(sm2_pure.N - 2)
    private = number.to_bytes(32, "big")
    return private, public_of(private)


def public_of(private: bytes) -> bytes:
    """The 65 bytes 04‖x‖y that belong to a private key; ValueError when it is none."""
    return _chosen()[1].public_of(private)


def backend() -> str:
    """Which backend is in use: `openssl` or `pure`."""
    return _chosen()[0]


@lru_cache(maxsize=1)
def _chosen() -> tuple[str, Backend]:
    return choose(BACKENDS)


def choose(backends: dict[str, Backend]) -> tuple[str, Backend]:
    """The first backend that passes the standard's example; RuntimeError when none does."""
    for name, candidate in backends.items():
        if proves_itself(candidate):
            return name, candidate
    raise RuntimeError("no SM2 backend passes the standard's example")


def proves_itself(candidate: Backend) -> bool:
    """Whether a backend accepts the standard's example, refuses it altered, and signs."""
    example = (EXAMPLE_PUBLIC, EXAMPLE_MESSAGE, EXAMPLE_SIGNATURE, IDENTITY)
    altered = (EXAMPLE_PUBLIC, EXAMPLE_MESSAGE + b".", EXAMPLE_SIGNATURE, IDENTITY)
    try:
        own = candidate.sign(EXAMPLE_PRIVATE, EXAMPLE_MESSAGE, IDENTITY)
        return (
            candidate.public_of(EXAMPLE_PRIVATE) == EXAMPLE_PUBLIC
            and candidate.verify(*example)
            and not candidate.verify(*altered)
            and sm2_pure.verify(EXAMPLE_PUBLIC, EXAMPLE_MESSAGE, own, IDENTITY)
        )
    except (NotAvailable, ValueError):
        return False
