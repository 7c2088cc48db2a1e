"""The newest checkpoint on disk (留存检查点), where whoever writes into the database cannot reach."""

from dataclasses import dataclass, field
from pathlib import Path

import structlog

from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.platform.private_files import (
    NotPrivate,
    overwrite_private,
    read_private,
    sync_private,
    write_private,
)

KEPT = Path("ledger") / "checkpoint"  # in the data folder
log = structlog.get_logger("zwhub.ledger")


@dataclass
class KeptCheckpoint:
    """What this process knows the ledger to have reached, and the file that outlives it.

    Whoever can write into the database alone can put an older state of it back, with the
    checkpoint that was true then: the file remembers that there was more.
    """

    path: Path
    key: LogKey = field(repr=False)
    _known: Checkpoint | None = None
    _note: bytes = b""
    _settled: bytes = b""

    def known(self) -> Checkpoint | None:
        """The newest checkpoint that was ever kept, None before the first.

        Raises `NotPrivate`, and `BadNote` for a file that is none of this ledger's.
        """
        if self._known is None:
            self._note = self._on_disk()
            self._known = self.key.read(self._note) if self._note else None
        return self._known

    def keep(self, newest: Checkpoint, note: str) -> None:
        """Remember what has been committed, also if this process is killed in the next moment.

        Not yet if the machine is: `settle` sees to that, for a disk is slower than a transaction.
        """
        if self._known is None or newest.size > self._known.size:
            self._known, self._note = newest, note.encode()
            try:
                _put(self.path, self._note)
            except (OSError, NotPrivate) as error:  # what is committed is answered all the same
                log.error("checkpoint not kept", error=type(error).__name__)

    def settle(self) -> None:
        """Bring the file to the disk, and forward where another hub of the folder set it back."""
        known, there = self._known, self._on_disk()
        if known is None or there == self._settled:
            return
        if not there or self.key.read(there).size < known.size:
            write_private(self.path, self._note)
        else:
            sync_private(self.path)
        self._settled = there

    def _on_disk(self) -> bytes:
        """The file's note; empty where there is none."""
        try:
            return read_private(self.path)
        except FileNotFoundError:
            return b""


def _put(path: Path, note: bytes) -> None:
    try:
        overwrite_private(path, note)
    except FileNotFoundError:
        write_private(path, note)
