"""The database (数据库): one declarative base, one way to read, one way to write."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from traceback import walk_tb
from typing import Any, ClassVar

import orjson
from sqlalchemy import JSON, BigInteger, DateTime, MetaData, Text, exc, select
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Every table of every room hangs from this base; constraints are named, for migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        str: Text(),
        int: BigInteger(),
        datetime: DateTime(timezone=True),
    }


class Database:
    """Hands out sessions. Nobody else opens, commits or rolls back."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=True,  # a restarted server costs one round trip, not one failed request
            connect_args={"server_settings": {"application_name": "zwhub", "timezone": "UTC"}},
            hide_parameters=True,  # an error's text must not carry a person's number
            json_serializer=_json,
            json_deserializer=orjson.loads,
        )
        reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._readers = async_sessionmaker(reading, expire_on_commit=False)
        self._writers = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """A session in autocommit: each statement sees what is committed when it runs."""
        async with self._readers() as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """A session in one transaction: committed at the end, rolled back on any exception."""
        async with self._writers.begin() as session:
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """A session to read with, all of whose statements see one moment."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        async with self._writers.begin() as session:
            await session.connection(execution_options=options)
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


async def copy_rows(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """COPY rows into a table inside the session's transaction; all rows name the same columns."""
    if rows:
        await copy_records(session, table, list(rows[0]), [tuple(row.values()) for row in rows])


async def copy_records(
    session: AsyncSession,
    table: type[Base],
    names: Sequence[str],
    records: Sequence[tuple[Any, ...]],
) -> None:
    """The same for values in the order of the named columns."""
    if not records:
        return
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    if not driver.is_in_transaction():  # it opens one at the first statement
        await session.execute(select(1))
    in_json = [isinstance(table.__table__.columns[name].type, JSON) for name in names]
    if any(in_json):
        records = [
            tuple(_json(v) if j else v for v, j in zip(row, in_json, strict=True))
            for row in records
        ]
    await driver.copy_records_to_table(table.__tablename__, records=records, columns=names)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not be had: no connection was free in time, or it is away."""
    if isinstance(error, exc.TimeoutError):
        return True
    if isinstance(error, exc.DBAPIError):
        lost = error.connection_invalidated or isinstance(error, exc.InterfaceError)
        return lost or _refuses_all(error.orig)
    if isinstance(error, OSError):  # nobody listens where it should be
        modules = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
        return any(name.partition(".")[0] == "asyncpg" for name in modules)
    return _refuses_all(error)


def _refuses_all(error: object) -> bool:
    """Connection lost (08), too many connections (53300), shutting down or starting (57P)."""
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(("08", "53300", "57P"))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
