"""The tests' own databases: empty or copied, apart from each other, and gone afterwards."""

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from servers import FreshDatabase


async def run(url: str, statement: str) -> object:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.begin() as connection:
        result = await connection.execute(text(statement))
        answer = result.scalar() if result.returns_rows else None
    await engine.dispose()
    return answer


async def test_a_copy_has_what_its_template_had_and_goes_its_own_way(
    fresh_database: FreshDatabase,
) -> None:
    async with fresh_database() as template:
        await run(template, "CREATE TABLE seen (n bigint)")
        name = make_url(template).database
        async with fresh_database(template=name) as copy:
            await run(copy, "INSERT INTO seen VALUES (1)")
            assert await run(copy, "SELECT count(*) FROM seen") == 1
        assert await run(template, "SELECT count(*) FROM seen") == 0
        with pytest.raises(DBAPIError, match="does not exist"):
            await run(copy, "SELECT 1")


async def test_letters_and_order_are_the_same_on_every_server(
    fresh_database: FreshDatabase,
) -> None:
    async with fresh_database() as url:
        in_order = "SELECT string_agg(w, '' ORDER BY w) FROM unnest(ARRAY['b','证','A','a']) w"
        assert await run(url, in_order) == "Aab证"
        assert await run(url, "SELECT '证' ~ '\\w'") is True
        await run(url, "CREATE EXTENSION pg_trgm")
        assert await run(url, "SELECT array_length(show_trgm('证照'), 1)") == 3


async def test_a_database_somebody_is_still_connected_to_is_dropped(
    fresh_database: FreshDatabase,
) -> None:
    async with fresh_database() as url:
        engine = create_async_engine(url)
        held = await engine.connect()
        await held.execute(text("SELECT 1"))
    with pytest.raises(DBAPIError):
        await run(url, "SELECT 1")
    await held.invalidate()
    await held.close()
    await engine.dispose()
