"""Migrations (数据库迁移): bring the database to the newest step."""

import asyncio
import logging

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from zwhub.platform.bundle import bundled


def configuration(database_url: str) -> Config:
    """Alembic's configuration for the hub's own migrations, installed or not."""
    # What it says of itself at each connection, and of each step, is no news to an operator.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(bundled("alembic")).replace("%", "%%"))
    config.attributes["database_url"] = database_url
    return config


def migrate(database_url: str, revision: str = "head") -> None:
    """Upgrade to `revision`. Blocking: it runs an event loop of its own."""
    command.upgrade(configuration(database_url), revision)


def behind(database_url: str) -> bool:
    """Whether the database is not at the newest step. Blocking, like `migrate`."""
    newest = ScriptDirectory.from_config(configuration(database_url)).get_current_head()
    return asyncio.run(_revision(database_url)) != newest


async def _revision(database_url: str) -> str | None:
    engine = create_async_engine(database_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await engine.dispose()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
