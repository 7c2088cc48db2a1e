"""Reading (直读): single statements straight to the driver, for what is asked all day."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

Fetch = Callable[..., Awaitable[Sequence[Any]]]  # a statement, its values: the rows
Connect = Callable[[], Awaitable["asyncpg.Connection[Any]"]]

# How the driver says that the server ended a connection; the last one, that it lost its own thread
# over that.
LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)

# How the server says that the values of a statement do not fit.
UNFIT = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class Reads(Protocol):
    """Where a statement with `$1`, `$2` … can be read from; each sees what is committed by then."""

    async def fetch(self, statement: str, *values: Any) -> Sequence[Any]:
        """The rows, as tuples whose columns have names too."""


class Readers:
    """Connections that read one statement at a time, each by itself (autocommit).

    Statements stay prepared, and nothing is reset between them: a single SELECT leaves nothing
    behind. That is a round trip instead of the six that a session takes.
    """

    def __init__(self, connect: Connect, size: int) -> None:
        self._connect = connect
        self._idle: list[asyncpg.Connection[Any]] = []
        self._room = asyncio.Semaphore(size)

    async def fetch(self, statement: str, *values: Any) -> Sequence[Any]:
        """The rows. A connection that was lost while it lay idle is no failure."""
        async with self._room:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    try:
                        return await self._fetched(connection, statement, values)
                    except LOST:  # just now, with others perhaps
                        continue
            return await self._fetched(await self._connect(), statement, values)

    async def change(self, statement: str, *values: Any) -> Sequence[Any]:
        """The rows of a statement that changes something, sent once: where its connection is lost,
        nobody knows whether it was carried out."""
        async with self._room:
            while self._idle:
                connection = self._idle.pop()
                if not connection.is_closed():
                    return await self._fetched(connection, statement, values)
            return await self._fetched(await self._connect(), statement, values)

    async def _fetched(
        self, connection: "asyncpg.Connection[Any]", statement: str, values: Sequence[Any]
    ) -> Sequence[Any]:
        try:
            try:
                rows: Sequence[Any] = await connection.fetch(statement, *values)
            except asyncpg.InvalidCachedStatementError:  # a migration ran meanwhile
                await connection.reload_schema_state()
                rows = await connection.fetch(statement, *values)
        except (Exception, asyncio.CancelledError):
            connection.terminate()  # who knows what it is doing
            raise
        self._idle.append(connection)
        return rows

    async def close(self) -> None:
        """End the connections."""
        while self._idle:
            self._idle.pop().terminate()


class Within:
    """The same statements inside a session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def fetch(self, statement: str, *values: Any) -> Sequence[Any]:
        """The rows, as the transaction sees them."""
        connection = await self._session.connection()
        return (await connection.exec_driver_sql(statement, values)).all()
