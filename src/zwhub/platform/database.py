"""The database (数据库): one declarative base, one way to read, one way to write."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from io import BytesIO
from traceback import walk_tb
from typing import Any, ClassVar

import asyncpg
import orjson
from sqlalchemy import JSON, BigInteger, DateTime, MetaData, Text, event, exc, select
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from zwhub.platform.reading import LOST, Readers

SETTINGS = {"application_name": "zwhub", "timezone": "UTC"}


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


class AlreadyThere(Exception):
    """A row with such a key is in the table; the transaction, or its savepoint, is broken off."""


class Database:
    """Hands out sessions. Nobody else opens, commits or rolls back."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            connect_args={"server_settings": SETTINGS},
            hide_parameters=True,  # an error's text must not carry a person's number
            json_serializer=_json,
            json_deserializer=orjson.loads,
        )
        event.listen(self.engine.sync_engine, "checkout", _require_alive)
        self.reads = Readers(self._connect, pool_size)
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

    async def _connect(self) -> "asyncpg.Connection[Any]":
        _, options = self.engine.dialect.create_connect_args(self.engine.url)
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            **options, server_settings=SETTINGS
        )
        return connection

    async def close(self) -> None:
        await self.reads.close()
        await self.engine.dispose()


def _require_alive(connection: Any, *_: Any) -> None:
    """A restarted server costs a new connection, not a failed request.

    The driver has been told that its socket is closed, so asking the server is not needed.
    """
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError


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
    in_json = [isinstance(table.__table__.columns[name].type, JSON) for name in names]
    if any(in_json):
        records = [
            tuple(_json(v) if j else v for v, j in zip(row, in_json, strict=True))
            for row in records
        ]
    driver = await _driver(session)
    await driver.copy_records_to_table(table.__tablename__, records=records, columns=names)


async def copy_binary(
    session: AsyncSession, table: type[Base], names: Sequence[str], rows: bytes
) -> None:
    """The same for rows that are in PostgreSQL's binary format already. Raises `AlreadyThere`."""
    driver = await _driver(session)
    name = table.__tablename__
    try:
        await driver.copy_to_table(name, source=BytesIO(rows), columns=names, format="binary")
    except asyncpg.UniqueViolationError:
        raise AlreadyThere from None


async def _driver(session: AsyncSession) -> Any:
    connection = await (await session.connection()).get_raw_connection()
    driver: Any = connection.driver_connection
    if not driver.is_in_transaction():  # it opens one at the first statement
        await session.execute(select(1))
    return driver


def once_committed(session: AsyncSession, then: Callable[[], None]) -> None:
    """Call `then` when the session's transaction is committed, before whoever awaits that knows."""
    event.listen(session.sync_session, "after_commit", lambda _: then(), once=True)


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
    closed = isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)
    return closed or isinstance(error, LOST) or _refuses_all(error)


def _refuses_all(error: object) -> bool:
    """Connection lost (08), too many (53300), shutting down or starting (57P), closed (55000)."""
    state = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(("08", "53300", "55000", "57P"))


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
