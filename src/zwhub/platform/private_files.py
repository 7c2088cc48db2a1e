"""Private files (私密文件): what only the hub's own account may read."""

import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from zwhub.kernel.words import Words, both

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class NotPrivate(Exception):
    """A file or folder that should be private is open to other accounts."""

    def __init__(self, words: Words) -> None:
        super().__init__(both(words))
        self.words = words


def private_folder(path: Path) -> Path:
    """`path`, created with mode 0700 (its missing parents too) or found to be private.

    Raises `NotPrivate` when it exists, but is no folder, is another account's, or is open to
    others.
    """
    _create_folder(path)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise NotPrivate(_another_accounts(path))
    _refuse_open(status.st_mode, path, "700")
    return path


def write_private(path: Path, data: bytes) -> None:
    """Put `data` at `path` with mode 0600: all of it or, after a crash, what was there before."""
    temporary = _written_beside(path, data)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def overwrite_private(path: Path, data: bytes) -> None:
    """Put `data`, less than a sector, over what `write_private` once put at `path`.

    It takes microseconds where a rename waits for the disk, and lies on the disk once `path` is
    synced. Nobody sees half of it: it is one write of one sector.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        shorter = len(data) < os.fstat(descriptor).st_size
        if not shorter:
            os.pwrite(descriptor, data, 0)
    finally:
        os.close(descriptor)
    if shorter:  # cutting off the rest would be a second step
        write_private(path, data)


def sync_private(path: Path) -> None:
    """Return once what was put at `path` lies on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, mode 0600; it appears as `path` when all of it lies on the disk.

    After a crash it is missing, and some `.NAME.…` is left beside it.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """The bytes of `path`; raises `NotPrivate` when others may read or change it, or we may not.

    A missing file is the usual `FileNotFoundError`.
    """
    try:
        file = path.open("rb")
    except PermissionError:
        raise NotPrivate(_another_accounts(path)) from None
    with file:
        _refuse_open(os.fstat(file.fileno()).st_mode, path, "600")
        return file.read()


def private_or_new(path: Path, make: Callable[[], bytes]) -> bytes:
    """The bytes of `path`, made on first use.

    Two processes that start at the same moment get the same bytes: a hard link, unlike a rename,
    never replaces what another one has put there.
    """
    try:
        return read_private(path)
    except FileNotFoundError:
        temporary = _written_beside(path, make())
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
            _sync_folder(path.parent)
    finally:
        temporary.unlink()
    return read_private(path)


def _written_beside(path: Path, data: bytes) -> Path:
    _create_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _create_folder(path: Path) -> None:
    """`Path.mkdir(parents=True)` gives missing parents the ordinary mode; here they are private."""
    if not path.parent.exists():
        _create_folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)


def _another_accounts(path: Path) -> Words:
    return Words(
        zh=f"“{path.name}”不属于本账户。请检查数据目录。",
        en=f"“{path.name}” is not this account's. Look at the data folder.",
    )


def _refuse_open(mode: int, path: Path, wanted: str) -> None:
    if mode & _OTHERS:
        raise NotPrivate(
            Words(
                zh=f"“{path.name}”对其他账户开放（应为 {wanted}）。请用 chmod {wanted} 收紧权限。",
                en=f"“{path.name}” is open to other accounts (should be {wanted}). "
                f"Tighten it with chmod {wanted}.",
            )
        )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
