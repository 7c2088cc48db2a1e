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
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zwhub.kernel.crypto.digests import keyed_digest

_FINGERPRINT_BYTES = 8
_KEY_BYTES = 32
_NONCE_BYTES = 12
_MOST_KEYS = 255
OVERHEAD = 1 + _NONCE_BYTES + 16  # bytes that sealing adds


class CannotOpen(Exception):
    """The value was altered or moved, or its key is not in the ring."""


class BadKeys(ValueError):
    """The text is no key ring, or not a later state of the one that was read before."""


def fingerprint(secret: bytes) -> bytes:
    """What tells one secret from another (指纹), 8 bytes, and helps nobody to find it."""
    return keyed_digest(secret, "fingerprint", "")[:_FINGERPRINT_BYTES]


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The keys by number; `current` seals, all of them open. Numbers are never given twice.

    Those below `current` are old; one above it was prepared: it opens already, and seals later.
    """

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

    @property
    def old(self) -> list[int]:
        """The numbers of the keys that no longer seal."""
        return sorted(number for number in self.keys if number < self.current)

    def prepared(self) -> "DataKeys":
        """With a key that is to seal next; as it is where there is one. Raises `BadKeys`."""
        newest = max(self.keys)
        if newest > self.current:
            return self
        if newest == _MOST_KEYS:
            raise BadKeys("all numbers were given")
        return DataKeys(self.current, {**self.keys, newest + 1: secrets.token_bytes(_KEY_BYTES)})

    def turned(self) -> "DataKeys":
        """With the prepared key, or else a new one, as the key that seals. Raises `BadKeys`."""
        ready = self.prepared()
        return DataKeys(max(ready.keys), ready.keys)

    def without(self, numbers: Collection[int]) -> "DataKeys":
        """With those keys thrown away; `current` must not be among them."""
        kept = {number: key for number, key in self.keys.items() if number not in numbers}
        return DataKeys(self.current, kept)

    def text(self) -> bytes:
        """As kept in a private file."""
        keys = {str(number): b64encode(key).decode() for number, key in self.keys.items()}
        return json.dumps({"current": self.current, "keys": keys}, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class _Known:
    """A ring made ready. It is replaced as a whole, so that threads never see half of another."""

    ring: DataKeys = field(repr=False)
    ciphers: Mapping[int, AESGCM] = field(repr=False)

    @classmethod
    def of(cls, ring: DataKeys) -> "_Known":
        return cls(ring, {number: AESGCM(key) for number, key in ring.keys.items()})

    def followed_by(self, ring: DataKeys) -> "_Known":
        """Raises `BadKeys` when a number stands for another key than it did."""
        before = self.ring.keys
        if any(before.get(number, key) != key for number, key in ring.keys.items()):
            raise BadKeys("a key was replaced under its number")
        return self.of(ring)


class Sealer:
    """Seals and opens; safe to use from several threads.

    `recent` is asked before each sealing, so that no process goes on with a key that another one
    has turned over: it must be cheap, and may lag a little behind. `latest` is asked when a value
    names an unknown key. Both give the same object as long as nothing changed.
    """

    def __init__(
        self, recent: Callable[[], DataKeys], latest: Callable[[], DataKeys] | None = None
    ) -> None:
        self._recent, self._latest = recent, latest or recent
        self._known = _Known.of(self._latest())

    @property
    def ring(self) -> DataKeys:
        """The keys as they are now."""
        return self._with(self._latest()).ring

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """`plain` encrypted, to be opened with the same `about` alone."""
        return self.seal_all([(plain, about)])[0]

    def seal_all(self, values: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Each with its `about`, all of them under one key."""
        known = self._with(self._recent())
        number, encrypt = known.ring.current, known.ciphers[known.ring.current].encrypt
        random, mark = os.urandom(_NONCE_BYTES * len(values)), bytes([number])
        nonces = [random[at : at + _NONCE_BYTES] for at in range(0, len(random), _NONCE_BYTES)]
        return [
            mark + nonce + encrypt(nonce, plain, about)
            for nonce, (plain, about) in zip(nonces, values, strict=True)
        ]

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """What was sealed. Raises `CannotOpen`."""
        if len(sealed) < OVERHEAD:
            raise CannotOpen("too short")
        known = self._known
        if sealed[0] not in known.ciphers:
            known = self._with(self._latest())
        cipher = known.ciphers.get(sealed[0])
        if cipher is None:
            raise CannotOpen("sealed with a key that is not in the ring")
        try:
            nonce = sealed[1 : 1 + _NONCE_BYTES]
            return cipher.decrypt(nonce, sealed[1 + _NONCE_BYTES :], about)
        except InvalidTag:
            raise CannotOpen("altered, or not this row's") from None

    def _with(self, ring: DataKeys) -> _Known:
        if ring is not self._known.ring:
            self._known = self._known.followed_by(ring)
        return self._known
