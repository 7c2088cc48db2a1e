"""Reading (直读): prepared statements on their own connections, lost ones replaced."""

import asyncio
from collections.abc import AsyncIterator
from unittest import mock

import asyncpg
import pytest
from sqlalchemy import text

from servers import FreshDatabase
from zwhub.platform.database import Database, is_unavailable
from zwhub.platform.reading import LOST, Within


@pytest.fixture
async def db(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with fresh_database() as url:
        one = Database(url, pool_size=3)
        yield one
        await one.close()


PID = "SELECT pg_backend_pid() AS pid, $1::int AS said"


async def test_rows_have_places_and_names(db: Database) -> None:
    (row,) = await db.reads.fetch(PID, 7)
    assert (row[1], row["said"]) == (7, 7)


async def test_one_connection_serves_those_who_come_one_by_one(db: Database) -> None:
    pids = {(await db.reads.fetch(PID, n))[0][0] for n in range(20)}
    assert len(pids) == 1


async def test_no_more_connections_than_there_is_room_for(db: Database) -> None:
    sleep = "SELECT pg_backend_pid() AS pid, pg_sleep(0.05)"
    rows = await asyncio.gather(*(db.reads.fetch(sleep) for _ in range(12)))
    assert len({row[0] for (row,) in rows}) == 3


async def test_connections_that_the_server_ended_are_replaced(db: Database) -> None:
    sleep = "SELECT pg_backend_pid() AS pid, pg_sleep(0.05)"
    rows = await asyncio.gather(*(db.reads.fetch(sleep) for _ in range(3)))
    await end(db, [row[0] for (row,) in rows])
    assert (await db.reads.fetch(PID, 1))[0][1] == 1


async def test_a_driver_that_lost_its_thread_over_it_says_so(db: Database) -> None:
    """What asyncpg raises where a connection ends while it asks for the types of a statement."""
    confused = asyncpg.InternalClientError("cannot switch to state 12")
    await db.reads.fetch(PID, 1)
    with mock.patch.object(asyncpg.Connection, "fetch", side_effect=confused):
        for ask in (db.reads.fetch, db.reads.change):
            with pytest.raises(asyncpg.InternalClientError) as error:
                await ask(PID, 1)
            assert is_unavailable(error.value)
    assert (await db.reads.change(PID, 2))[0]["said"] == 2


async def test_a_change_is_sent_once(db: Database) -> None:
    await db.reads.fetch("CREATE SEQUENCE counted")
    ending = "SELECT nextval('counted'), pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(LOST):
        await db.reads.change(ending)
    assert (await db.reads.fetch("SELECT nextval('counted')"))[0][0] == 2


async def test_a_session_too_survives_a_restart(db: Database) -> None:
    async with db.read() as session:
        pid = await session.scalar(text("SELECT pg_backend_pid()"))
    await db.reads.fetch("SELECT pg_terminate_backend($1)", pid)
    await asyncio.sleep(0.2)
    async with db.read() as session:
        assert await session.scalar(text("SELECT 1")) == 1


async def test_whoever_leaves_leaves_no_answer_to_the_next(db: Database) -> None:
    leaving = asyncio.create_task(db.reads.fetch("SELECT 'old' AS said, pg_sleep(5)"))
    await asyncio.sleep(0.1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert (await db.reads.fetch("SELECT 'new' AS said"))[0]["said"] == "new"


async def test_an_error_is_the_askers_alone(db: Database) -> None:
    with pytest.raises(asyncpg.DataError):
        await db.reads.fetch(PID, "no number")
    assert (await db.reads.fetch(PID, 1))[0]["said"] == 1


async def test_a_migration_between_two_reads_is_no_failure(db: Database) -> None:
    async with db.write() as session:
        await session.execute(text("CREATE TABLE moved (a int)"))
        await session.execute(text("INSERT INTO moved VALUES (1)"))
    assert [tuple(row) for row in await db.reads.fetch("SELECT * FROM moved")] == [(1,)]
    async with db.write() as session:
        await session.execute(text("ALTER TABLE moved ADD COLUMN b int DEFAULT 2"))
    assert [tuple(row) for row in await db.reads.fetch("SELECT * FROM moved")] == [(1, 2)]


async def test_within_a_session_its_own_writes_are_seen(db: Database) -> None:
    async with db.write() as session:
        await session.execute(text("CREATE TABLE mine (a int)"))
        await session.execute(text("INSERT INTO mine VALUES (1)"))
        rows = await Within(session).fetch("SELECT a FROM mine WHERE a = ANY($1::int[])", [1, 2])
        assert [tuple(row) for row in rows] == [(1,)]
        await session.rollback()


async def end(db: Database, pids: list[int]) -> None:
    async with db.read() as session:
        for pid in pids:
            await session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await asyncio.sleep(0.2)
