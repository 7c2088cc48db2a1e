"""Embedded servers (内置服务): a real PostgreSQL and a real Valkey for a laptop and for tests.

They listen on Unix sockets alone, in folders of their own account, and live exactly as long as
the hub: even after `kill -9` of the hub the kernel asks them to stop, and the next start waits for
that and loses nothing that was committed.
"""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from zwhub.kernel.words import Words
from zwhub.platform.embedded.failure import DataFolderInUse, EmbeddedFailed, no_data_folder
from zwhub.platform.embedded.home import Home, find_home, make_data_folder, refuse_foreign
from zwhub.platform.embedded.locks import sole_owner
from zwhub.platform.embedded.postgres import running_postgres, url_of_running
from zwhub.platform.embedded.valkey import running_valkey

__all__ = [
    "DataFolderInUse",
    "Embedded",
    "EmbeddedFailed",
    "database_apart",
    "database_in_use",
    "embedded_servers",
]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Where the servers are; the URLs hold passwords and stay out of `repr`.

    `database_url` is for SQLAlchemy (asyncpg), `redis_url` for redis-py (`unix://`); a server that
    was not asked for has an empty one.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


@contextlib.contextmanager
def embedded_servers(
    data_dir: Path,
    *,
    database: bool = True,
    cache: bool = True,
    say: Callable[[Words], None],
    lost: Callable[[], None] = lambda: None,
) -> Iterator[Embedded]:
    """Run the servers asked for while the block runs; `say` gets what takes more than a moment.

    Enter it from the main thread, or from one that lives as long as the servers (the kernel's
    death signal follows the thread). A cache that ends meanwhile is started again; when the
    database ends, `lost` is called from another thread and the block ends with `EmbeddedFailed`.

    Hubs whose servers are all named share a folder: its keys make them one hub. Raises
    `DataFolderInUse` when another hub runs servers in `data_dir` and this one would, too,
    `EmbeddedFailed` when a server cannot be had or the folder holds other files than a hub's; both
    carry `words` for the operator.
    """
    data_dir = data_dir.absolute()
    with contextlib.ExitStack() as stack:
        _take(data_dir, stack, embedding=database or cache)
        if not (database or cache):  # nothing of ours runs: no home is needed, here or elsewhere
            yield Embedded("", "")
            return
        home = find_home(data_dir)
        stack.enter_context(_run_folder(home))
        yield Embedded(
            database_url=stack.enter_context(running_postgres(home, say, lost)) if database else "",
            redis_url=stack.enter_context(running_valkey(home, say)) if cache else "",
        )


def _take(data_dir: Path, stack: contextlib.ExitStack, *, embedding: bool) -> None:
    """Make the folder, or find it; servers live in a hub's or an empty one alone, and hold it."""
    try:
        make_data_folder(data_dir)
        if embedding:
            refuse_foreign(data_dir)
            stack.enter_context(sole_owner(data_dir))
    except OSError as error:
        raise EmbeddedFailed(no_data_folder(data_dir, error.strerror)) from None


def database_apart(data_dir: Path) -> Path | None:
    """Where the embedded database of a hub lies when it is not in `data_dir`."""
    home = find_home(data_dir.absolute())
    return home.cluster if home.apart else None


def database_in_use(data_dir: Path) -> str | None:
    """The database URL of the hub that holds `data_dir`, for a command beside it; None: no server.

    Whoever can read the folder's private files may have it; nothing is written down for this.
    """
    return url_of_running(find_home(data_dir.absolute()))


@contextlib.contextmanager
def _run_folder(home: Home) -> Iterator[None]:
    """A new folder for sockets; a dead hub's may still be there."""
    shutil.rmtree(home.run, ignore_errors=True)
    home.give(home.run)
    try:
        yield
    finally:
        shutil.rmtree(home.run, ignore_errors=True)
