"""Secrets (密钥): the hub's own, made on first use and kept 0600 in its data folder.

Those that a database depends on may lie in files elsewhere, which the settings name. None is ever
read from an environment variable: those show in process lists, dumps and containers' descriptions.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from zwhub.kernel.crypto.sealing import BadKeys, DataKeys, Sealer
from zwhub.kernel.words import Words, both
from zwhub.platform.private_files import (
    private_folder,
    private_or_new,
    read_private,
    write_private,
)
from zwhub.platform.settings import Settings

LOOK_SECONDS = 0.1  # a stat for each of millions of records would be felt
_BYTES = 32
_State = tuple[int, int, int]


class BadSecret(Exception):
    """A key file is missing, cannot be written, or does not hold what it should."""

    def __init__(self, words: Words) -> None:
        super().__init__(both(words))
        self.words = words


class RingFile:
    """The file of the data keys (密钥环), read again when it changed."""

    def __init__(self, path: Path) -> None:
        """Raises `BadSecret` or `NotPrivate`."""
        self.path = path
        self._state: _State | None = None
        self._next_look = 0.0
        self._ring = self.latest()

    def recent(self) -> DataKeys:
        """The keys as they were at most `LOOK_SECONDS` ago; raises as `latest` does."""
        return self._ring if monotonic() < self._next_look else self.latest()

    def latest(self) -> DataKeys:
        """The keys as they are now, the same object until they change: one `stat` then.

        Raises `BadSecret` or `NotPrivate`. A file that is gone is not made anew: what was sealed
        since would be lost with it.
        """
        state = self._look()
        if state != self._state:
            self._ring, self._state = self._read(), state
        self._next_look = monotonic() + LOOK_SECONDS
        return self._ring

    def save(self, ring: DataKeys) -> None:
        """Put `ring` in its place: all of it or nothing. Raises `BadSecret`."""
        try:
            write_private(self.path.resolve(), ring.text())
        except OSError as error:
            raise _not_writable(self.path, error) from None

    def _look(self) -> _State:
        try:
            status = self.path.stat()
        except OSError:
            raise _missing(self.path) from None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _read(self) -> DataKeys:
        try:
            return DataKeys.parse(read_private(self.path))
        except BadKeys:
            raise _unfit(self.path) from None
        except FileNotFoundError:
            raise _missing(self.path) from None


@dataclass(frozen=True, slots=True)
class Secrets:
    """`index` finds holders, `cursors` seals pages and ids, `sealer` reads what lies under `ring`.

    Whoever has them can do the same.
    """

    folder: Path
    index_path: Path
    ring: RingFile
    index: bytes = field(repr=False)
    cursors: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Secrets":
        """The secrets of this hub; the same for every process with these settings.

        Raises `BadSecret` or `NotPrivate`.
        """
        folder = settings.data_dir / "secrets"
        private_folder(folder)
        index = _place(settings.index_key_file, folder / "index.key", _new_secret)
        keys = _place(settings.data_keys_file, folder / "data.keys", lambda: DataKeys.new().text())
        cursors, ring = private_or_new(folder / "cursors.key", _new_secret), RingFile(keys)
        return cls(
            folder, index, ring, _index_key(index), cursors, Sealer(ring.recent, ring.latest)
        )


def _place(named: Path | None, own: Path, make: Callable[[], bytes]) -> Path:
    """A named file must be there: where a mount is missing, a new key would help nobody."""
    if named is None:
        private_or_new(own, make)
        return own
    return named


def _index_key(path: Path) -> bytes:
    try:
        key = read_private(path)
    except OSError:
        raise _missing(path) from None
    if len(key) != _BYTES:
        raise _unfit(path)
    return key


def _new_secret() -> bytes:
    return secrets.token_bytes(_BYTES)


def _missing(path: Path) -> BadSecret:
    return BadSecret(
        Words(
            f"密钥文件 {path} 不存在或无法读取：请从备份恢复，或检查挂载与 ZWHUB_*_FILE 设置。",
            f"The key file {path} is not there or cannot be read: restore it from the backup, or "
            "look at the mount and at the ZWHUB_*_FILE settings.",
        )
    )


def _unfit(path: Path) -> BadSecret:
    return BadSecret(
        Words(
            f"{path} 不是所需的密钥文件：请从备份恢复。",
            f"{path} is not the key file it should be: restore it from the backup.",
        )
    )


def _not_writable(path: Path, error: OSError) -> BadSecret:
    what = type(error).__name__
    return BadSecret(
        Words(
            f"无法替换密钥文件 {path}（{what}）：请在其可写之处更换，再分发给各枢纽。",
            f"The key file {path} cannot be replaced ({what}): turn the keys over where it can "
            "be written, then hand it to the hubs.",
        )
    )
