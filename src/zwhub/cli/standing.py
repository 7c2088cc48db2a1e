"""Standing (运行环境): a data folder, its servers, and a database session for one command."""

import asyncio
import contextlib
from _thread import interrupt_main
from collections.abc import AsyncIterator, Iterator

from pydantic import SecretStr

from zwhub.app import Servers
from zwhub.cli.speak import refuse, say
from zwhub.kernel.words import Words
from zwhub.licences.marks import OtherSecrets, require_own_secrets
from zwhub.licences.vault import Vault
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database
from zwhub.platform.embedded import (
    DataFolderInUse,
    EmbeddedFailed,
    database_in_use,
    embedded_servers,
)
from zwhub.platform.migrate import behind, migrate
from zwhub.platform.secrets import Secrets
from zwhub.platform.settings import Settings

_PATIENCE = 2.0  # seconds; a start can wait longer than a request


@contextlib.contextmanager
def standing_servers(settings: Settings) -> Iterator[Servers]:
    """The servers named by the settings; those that are not named run embedded meanwhile."""
    database = settings.database_url
    cache = None if settings.redis_url is None else _tried(settings.redis_url)
    try:
        with embedded_servers(
            settings.data_dir,
            database=database is None,
            cache=cache is None,
            say=say,
            lost=interrupt_main,
        ) as embedded:
            yield Servers(
                embedded.database_url if database is None else _reached(database),
                embedded.redis_url if cache is None else cache,
            )
    except EmbeddedFailed as failed:
        refuse(failed.words)


@contextlib.contextmanager
def standing_database(settings: Settings) -> Iterator[str]:
    """The migrated database alone, for a command that needs no cache; its URL."""
    with reached_database(settings) as url:
        migrate(url)
        yield url


@contextlib.contextmanager
def reached_database(settings: Settings) -> Iterator[str]:
    """The database as it is; its URL.

    While a hub runs on the data folder, its embedded database is used beside it.
    """
    with contextlib.ExitStack() as stack:
        yield _database_url(settings, stack)


def _database_url(settings: Settings, stack: contextlib.ExitStack) -> str:
    if settings.database_url is not None:
        return _reached(settings.database_url)
    own = embedded_servers(settings.data_dir, cache=False, say=say, lost=interrupt_main)
    try:
        return stack.enter_context(own).database_url
    except DataFolderInUse as in_use:
        return database_in_use(settings.data_dir) or refuse(in_use.words)
    except EmbeddedFailed as failed:
        refuse(failed.words)


def _reached(secret: SecretStr) -> str:
    """The operator's database, once it has answered; its words on why not can hold a password."""
    url = secret.get_secret_value()
    try:
        behind(url)
    except Exception as error:  # whatever a driver or a malformed URL may raise
        code = getattr(getattr(error, "orig", None), "sqlstate", None) or type(error).__name__
        refuse(
            Words(
                f"无法使用 ZWHUB_DATABASE_URL 所指的数据库（{code}）。"
                "格式：postgresql+asyncpg://用户:密码@主机/库名",
                f"The database that ZWHUB_DATABASE_URL names cannot be used ({code}). "
                "It reads: postgresql+asyncpg://user:password@host/database",
            )
        )
    return url


def own_secrets(settings: Settings, url: str) -> Secrets:
    """The hub's secrets, known to be those that this database was filled with; else one line."""
    secrets = Secrets.of(settings)
    try:
        asyncio.run(_compared(url, Vault(secrets.index, secrets.sealer)))
    except OtherSecrets as other:
        refuse(other.words)
    return secrets


async def _compared(url: str, vault: Vault) -> None:
    async with opened(url) as db, db.write() as session:
        await require_own_secrets(session, vault)


def _tried(secret: SecretStr) -> str:
    """The operator's cache, which need not answer; `BadCacheUrl` where its URL is none."""
    url = secret.get_secret_value()
    if not asyncio.run(_answers(url)):
        say(
            Words(
                "警告：ZWHUB_REDIS_URL 所指的缓存无应答或不接受密码，请检查；"
                "没有缓存，枢纽较慢，但结果不会错。",
                "Warning: the cache that ZWHUB_REDIS_URL names does not answer, or refuses the "
                "password: check it. Without a cache the hub is slower, never wrong.",
            )
        )
    return url


async def _answers(url: str) -> bool:
    cache = Cache(url, timeout=_PATIENCE)
    try:
        return await cache.ping()
    finally:
        await cache.close()


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database while the block runs."""
    db = Database(url, pool_size=2)
    try:
        yield db
    finally:
        await db.close()
