"""Secrets (密钥): the hub's own, made on first use and kept 0600 in its data folder."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path

from zwhub.platform.private_files import private_folder, private_or_new

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Secrets:
    """`index` finds holders, `cursors` seals pages; whoever has them can do the same."""

    folder: Path
    index: bytes = field(repr=False)
    cursors: bytes = field(repr=False)

    @classmethod
    def of(cls, data_dir: Path) -> "Secrets":
        """The secrets of this data folder; the same for every process that uses it."""
        folder = data_dir / "secrets"
        private_folder(folder)
        return cls(folder, _secret(folder / "index.key"), _secret(folder / "cursors.key"))


def _secret(path: Path) -> bytes:
    return private_or_new(path, lambda: secrets.token_bytes(_BYTES))
