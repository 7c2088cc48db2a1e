"""Standing (运行环境): a data folder, its servers, and a database session for one command."""

import contextlib
from collections.abc import AsyncIterator, Iterator

from zwhub.app import Servers
from zwhub.cli.speak import refuse, say
from zwhub.platform.database import Database
from zwhub.platform.embedded import (
    DataFolderInUse,
    EmbeddedFailed,
    database_in_use,
    embedded_servers,
)
from zwhub.platform.migrate import migrate
from zwhub.platform.settings import Settings


@contextlib.contextmanager
def standing_servers(settings: Settings) -> Iterator[Servers]:
    """The servers named by the settings; those that are not named run embedded meanwhile."""
    database, cache = settings.database_url, settings.redis_url
    try:
        with embedded_servers(
            settings.data_dir, database=database is None, cache=cache is None, say=say
        ) as embedded:
            yield Servers(
                embedded.database_url if database is None else database.get_secret_value(),
                embedded.redis_url if cache is None else cache.get_secret_value(),
            )
    except EmbeddedFailed as failed:
        refuse(failed.words)


@contextlib.contextmanager
def standing_database(settings: Settings) -> Iterator[str]:
    """The migrated database alone, for a command that needs no cache; its URL.

    While a hub runs on the data folder, its embedded database is used beside it.
    """
    with contextlib.ExitStack() as stack:
        yield _database_url(settings, stack)


def _database_url(settings: Settings, stack: contextlib.ExitStack) -> str:
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    else:
        own = embedded_servers(settings.data_dir, cache=False, say=say)
        try:
            url = stack.enter_context(own).database_url
        except DataFolderInUse as in_use:
            return database_in_use(settings.data_dir) or refuse(in_use.words)
        except EmbeddedFailed as failed:
            refuse(failed.words)
    migrate(url)
    return url


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database while the block runs."""
    db = Database(url, pool_size=2)
    try:
        yield db
    finally:
        await db.close()
