"""Opaque ids (不透明标识): a row's number as one encrypted block, so that nobody can count or walk."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from zwhub.kernel.crypto.digests import keyed_digest

_HALF = 8  # bytes of the kind's name, and of the number
_MOST = 2**63


class OpaqueIds:
    """The same id for the same row from every process that has the secret."""

    def __init__(self, secret: bytes) -> None:
        key = keyed_digest(secret, "opaque-ids", "")
        # One block is a permutation of 128 bits: no mode, nothing to chain.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305
        self._secret = secret

    def hide(self, kind: str, number: int) -> str:
        """22 characters for row `number` of `kind`."""
        block = self._name(kind) + number.to_bytes(_HALF, "big", signed=True)
        hidden = self._cipher.encryptor().update(block)
        return urlsafe_b64encode(hidden).decode().rstrip("=")

    def find(self, kind: str, text: str) -> int:
        """The row's number; 0, which no row has, for what `hide` never gave for this kind."""
        try:
            hidden = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return 0
        if len(hidden) != 2 * _HALF:
            return 0
        block = self._cipher.decryptor().update(hidden)
        number = int.from_bytes(block[_HALF:], "big", signed=True)
        return number if block[:_HALF] == self._name(kind) and 0 < number < _MOST else 0

    def _name(self, kind: str) -> bytes:
        return keyed_digest(self._secret, "opaque-kind", kind)[:_HALF]
