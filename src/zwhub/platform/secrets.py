"""Secrets (密钥): the hub's own, made on first use and kept 0600 in its data folder."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from zwhub.kernel.crypto.sealing import DataKeys, Sealer
from zwhub.platform.private_files import private_folder, private_or_new

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """`index` finds holders, `cursors` seals pages and ids, `sealer` reads what is encrypted.

    Whoever has them can do the same.
    """

    folder: Path
    index: bytes = field(repr=False)
    cursors: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)

    @classmethod
    def of(cls, data_dir: Path) -> "Secrets":
        """The secrets of this data folder; the same for every process that uses it."""
        folder = data_dir / "secrets"
        private_folder(folder)
        index, cursors = _secret(folder / "index.key"), _secret(folder / "cursors.key")
        return cls(folder, index, cursors, Sealer(lambda: data_keys(folder)))


def data_keys(folder: Path) -> DataKeys:
    """The keys under which records lie encrypted. Raises `NotPrivate` or `BadKeys`."""
    return DataKeys.parse(private_or_new(folder / "data.keys", lambda: DataKeys.new().text()))


def _secret(path: Path) -> bytes:
    return private_or_new(path, lambda: secrets.token_bytes(_BYTES))
