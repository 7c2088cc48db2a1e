"""Where embedded servers live (内置服务的安放处): their folders and their account."""

import contextlib
import hashlib
import os
import pwd
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from zwhub.platform.embedded.failure import (
    EmbeddedFailed,
    foreign_data_folder,
    foreign_run_folder,
    no_account,
)
from zwhub.platform.private_files import private_or_new, write_private

SHARED = Path("/var/lib/zwhub")  # where root puts what the unprivileged account must reach
ACCOUNTS = ("zwhub", "postgres", "nobody")
_SOCKET_PATH_LIMIT = 107  # sun_path of unix(7) is 108 bytes with its closing zero
_LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
# What a start makes first, and what a backup may have kept alone.
_OWN = ("hub.lock", "instance", "secrets/index.key")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


@dataclass(frozen=True, slots=True)
class Account:
    """The account a server runs under: our own, or an unprivileged one when we are root."""

    uid: int
    gid: int

    @property
    def name(self) -> str:
        """As `ls -l` shows it: the number where it has no name."""
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(self.uid).pw_name
        return str(self.uid)


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one instance: `folder` is the data folder unless the account cannot get in."""

    data_dir: Path
    folder: Path
    account: Account
    run: Path

    @property
    def cluster(self) -> Path:
        """Where the database lies."""
        return self.folder / "postgres"

    @property
    def apart(self) -> bool:
        """Whether the database lies outside the data folder."""
        return self.folder != self.data_dir

    def give(self, folder: Path) -> Path:
        """Make `folder` (mode 0700) and hand it to the account."""
        folder.mkdir(mode=0o700)
        os.chown(folder, self.account.uid, self.account.gid)
        return folder

    def give_file(self, path: Path, data: bytes) -> None:
        """Write `data` to `path` (mode 0600) and hand it to the account."""
        write_private(path, data)
        os.chown(path, self.account.uid, self.account.gid)


def make_data_folder(data_dir: Path) -> None:
    """Create the data folder and its missing parents; what is there keeps its permissions.

    Mode 0700; 0711 for root, so that the servers' account can pass through to its own folder.
    """
    if data_dir.exists():
        return
    make_data_folder(data_dir.parent)
    if os.geteuid() == 0:
        passable(data_dir)
    else:
        data_dir.mkdir(mode=0o700, exist_ok=True)


def refuse_foreign(data_dir: Path) -> None:
    """Raise `EmbeddedFailed` for a folder with files in it that no hub has put there.

    A file system's own folder in a new volume is nobody's.
    """
    others = any(path.name != "lost+found" for path in data_dir.iterdir())
    if others and not any((data_dir / own).exists() for own in _OWN):
        raise EmbeddedFailed(foreign_data_folder(data_dir))


def find_home(data_dir: Path) -> Home:
    """The home of this data folder's servers, the same one at every start.

    An id in the data folder ties the two together: a folder removed and made again never meets
    the old cluster.
    """
    identity = private_or_new(data_dir / "instance", lambda: secrets.token_hex(8).encode()).decode()
    folder = _home_folder(data_dir, SHARED / identity)
    account = _account(folder / "postgres")
    return Home(data_dir, folder, account, _run_folder(folder, identity, account))


def _home_folder(data_dir: Path, apart: Path) -> Path:
    if os.geteuid() != 0 or (data_dir / "postgres").exists():
        return data_dir
    if not apart.exists() and may_enter(data_dir, _account(data_dir / "postgres")):
        return data_dir
    for folder in (SHARED, apart):
        passable(folder)
    return apart


def _account(cluster: Path) -> Account:
    """As root, an existing cluster's owner; PostgreSQL starts for nobody else."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if cluster.exists():
        owner = cluster.stat()
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise EmbeddedFailed(no_account())


def _run_folder(folder: Path, identity: str, account: Account) -> Path:
    """A fresh folder for the sockets, with a path short and plain enough for all who use it."""
    run = folder / "run"
    room = len(os.fsencode(run)) + _LONGEST_SOCKET_NAME <= _SOCKET_PATH_LIMIT
    if not room or not _PLAIN_PATH.fullmatch(str(run)):
        place = hashlib.sha256(f"{identity} {folder}".encode()).hexdigest()[:16]
        run = Path("/tmp") / f"zwhub-{place}"  # noqa: S108 - checked below, and TMPDIR may be long
    if run.is_symlink() or (run.exists() and run.stat().st_uid not in {account.uid, os.geteuid()}):
        raise EmbeddedFailed(foreign_run_folder(run))
    return run


def may_enter(folder: Path, account: Account) -> bool:
    """Whether every folder down to `folder` lets the account pass, and the last one be read.

    Judged by the mode bits: asking the kernel would need a process of that account.
    """
    if account.uid == os.geteuid():
        return True
    real = folder.resolve()
    return all(_passes(place.stat(), account) for place in (real, *real.parents))


def _passes(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def passable(folder: Path) -> None:
    """Make `folder`, unless it is there, so that other accounts can pass through but not look."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o711)  # whatever the umask says; a folder we did not make stays as it is
