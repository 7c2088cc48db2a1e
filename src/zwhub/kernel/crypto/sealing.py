"""Sealing (加密存储): what lies at rest is encrypted with AES-256-GCM, under keys with numbers.

A sealed value is `number of the key (1) ‖ nonce (12) ‖ ciphertext and tag (16)`, so a new key can
come into use while values under older ones are still there. The nonce is random: NIST SP 800-38D
§8.3 allows 2^32 values a key. `about` is authenticated with it: a value moved to another row does
not open.
"""

import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_MOST_KEYS = 255
OVERHEAD = 1 + _NONCE_BYTES + 16  # bytes that sealing adds


class CannotOpen(Exception):
    """The value was altered or moved, or its key is not in the ring."""


class BadKeys(ValueError):
    """The text is no key ring."""


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The keys by number; `current` seals, all of them open."""

    current: int
    keys: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def new(cls) -> "DataKeys":
        return cls(1, {1: secrets.token_bytes(_KEY_BYTES)})

    @classmethod
    def parse(cls, text: bytes) -> "DataKeys":
        """The ring that `text` holds. Raises `BadKeys`."""
        try:
            read = json.loads(text)
            keys = {
                int(number): b64decode(key, validate=True) for number, key in read["keys"].items()
            }
            ring = cls(int(read["current"]), keys)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BadKeys("not a key ring") from None
        sizes = {len(key) for key in keys.values()}
        if (
            ring.current not in keys
            or sizes != {_KEY_BYTES}
            or not all(0 < n <= _MOST_KEYS for n in keys)
        ):
            raise BadKeys("the ring's numbers or keys do not fit")
        return ring

    def text(self) -> bytes:
        """As kept in a private file."""
        keys = {str(number): b64encode(key).decode() for number, key in self.keys.items()}
        return json.dumps({"current": self.current, "keys": keys}, indent=1).encode() + b"\n"


class Sealer:
    """Seals and opens; safe to use from several threads.

    `ring` is asked again when a value names a key that is not known yet: another process may have
    added it since.
    """

    def __init__(self, ring: Callable[[], DataKeys]) -> None:
        self._ring = ring
        self._take(ring())

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """`plain` encrypted, to be opened with the same `about` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return self._mark + nonce + self._current.encrypt(nonce, plain, about)

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """What was sealed. Raises `CannotOpen`."""
        if len(sealed) < OVERHEAD:
            raise CannotOpen("too short")
        if sealed[0] not in self._ciphers:
            self._take(self._ring())
        cipher = self._ciphers.get(sealed[0])
        if cipher is None:
            raise CannotOpen("sealed with a key that is not in the ring")
        try:
            nonce = sealed[1 : 1 + _NONCE_BYTES]
            return cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], about)
        except InvalidTag:
            raise CannotOpen("altered, or not this row's") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether the value is under the key that seals today."""
        return sealed[:1] == self._mark

    def _take(self, ring: DataKeys) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in ring.keys.items()}
        self._current = self._ciphers[ring.current]
        self._mark = bytes([ring.current])
