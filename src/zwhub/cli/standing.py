"""Standing (运行环境): a data folder, its servers, and a database session for one command."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from zwhub.app import Servers
from zwhub.cli.speak import refuse, say
from zwhub.kernel.words import Words
from zwhub.platform.database import Database
from zwhub.platform.embedded import EmbeddedFailed, embedded_servers
from zwhub.platform.migrate import migrate
from zwhub.platform.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option(help="Data folder (数据目录). Default: ZWHUB_DATA_DIR, else a folder of yours."),
]


def settings_for(data_dir: Path | None, **more: Any) -> Settings:
    """The settings, with what the command line says on top."""
    said = {name: value for name, value in more.items() if value is not None}
    if data_dir is not None:
        said["data_dir"] = data_dir.absolute()
    try:
        return Settings(**said)
    except ValidationError as invalid:
        places = ", ".join(
            "ZWHUB_" + ".".join(map(str, e["loc"])).upper() for e in invalid.errors()
        )
        refuse(Words(f"设置有误：{places}", f"These settings cannot be used: {places}"))


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
    """The migrated database alone, for a command that needs no cache; its URL."""
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        migrate(url)
        yield url
        return
    try:
        with embedded_servers(settings.data_dir, cache=False, say=say) as embedded:
            migrate(embedded.database_url)
            yield embedded.database_url
    except EmbeddedFailed as failed:
        refuse(failed.words)


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """The database while the block runs."""
    db = Database(url, pool_size=2)
    try:
        yield db
    finally:
        await db.close()
