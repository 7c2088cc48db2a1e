"""Who holds the data folder (数据目录归谁): one hub at a time, one server at a time."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from zwhub.kernel.words import Words
from zwhub.platform.embedded.failure import (
    DataFolderInUse,
    EmbeddedFailed,
    Say,
    in_use,
    still_there,
    waiting,
)

_GRACE = 1.0  # seconds in which nothing is said yet
_PATIENCE = 60.0  # seconds for an orphaned server to finish its shutdown


@contextlib.contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for this hub alone; raises `DataFolderInUse` naming the other's pid."""
    with _open_lock(data_dir / "hub.lock") as descriptor:
        # A hub killed a moment ago may still be on its way out.
        if not _locked_within(_GRACE, descriptor):
            raise DataFolderInUse(in_use(os.pread(descriptor, 20, 0).decode() or "?"))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield


@contextlib.contextmanager
def previous_gone(lock: Path, name: Words, say: Say) -> Iterator[int]:
    """Wait until no process of the previous server is alive; yields the lock to hand to the next.

    The server inherits the lock, and so do its own children: it opens when the last of them has
    gone, whatever became of the hub. Process numbers would not tell: they are used again.
    """
    with _open_lock(lock) as descriptor:
        if not _locked_within(_GRACE, descriptor):
            say(waiting(name))
            if not _locked_within(_PATIENCE, descriptor):
                raise EmbeddedFailed(still_there(name))
        yield descriptor


@contextlib.contextmanager
def _open_lock(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _locked_within(seconds: float, descriptor: int) -> bool:
    deadline = time.monotonic() + seconds
    while not (locked := _locked(descriptor)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return locked


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
