"""Alembic's entry: run the migrations over the hub's own asynchronous driver."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import zwhub.directory.model
import zwhub.gateway.model
import zwhub.items.model
import zwhub.licences.model  # noqa: F401 - each registers its tables
from zwhub.platform.database import Base


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    engine = create_async_engine(context.config.attributes["database_url"], poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("migrations need a database: set ZWHUB_DATABASE_URL")
asyncio.run(online())
