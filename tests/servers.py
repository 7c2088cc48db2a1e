"""Real servers for the tests (测试服务器): embedded ones, or those the environment names."""

import asyncio
import contextlib
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from zwhub.kernel.words import Words
from zwhub.platform.cache import Cache
from zwhub.platform.embedded import embedded_servers

FreshDatabase = Callable[..., AbstractAsyncContextManager[str]]


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """`database_admin_url` may create databases; `redis_url` may belong to others too."""

    database_admin_url: str
    redis_url: str


def silent(_: Words) -> None:
    """For `say`."""


@contextlib.contextmanager
def reachable_folder() -> Iterator[Path]:
    """A temporary folder that, under root, the servers' account can pass through.

    pytest's own `tmp_path` has mode 0700.
    """
    folder = Path(tempfile.mkdtemp(prefix="zwhub-test-", dir="/tmp"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def server_urls() -> Iterator[ServerUrls]:
    """One pair of servers for each worker of pytest-xdist.

    ZWHUB_TEST_DATABASE_URL and ZWHUB_TEST_REDIS_URL name other ones.
    """
    database = os.environ.get("ZWHUB_TEST_DATABASE_URL", "")
    redis = os.environ.get("ZWHUB_TEST_REDIS_URL", "")
    if database and redis:
        yield ServerUrls(database, redis)
        return
    with (
        reachable_folder() as folder,
        embedded_servers(
            folder / "data", database=not database, cache=not redis, say=silent
        ) as embedded,
    ):
        yield ServerUrls(database or embedded.database_url, redis or embedded.redis_url)


@pytest.fixture(scope="session")
def fresh_database(server_urls: ServerUrls) -> FreshDatabase:
    """`async with fresh_database() as url:`, or `fresh_database(template="…")` for a quick copy."""
    return functools.partial(database_on, server_urls.database_admin_url)


@contextlib.asynccontextmanager
async def database_on(admin_url: str, *, template: str | None = None) -> AsyncIterator[str]:
    """The URL of a new database, dropped afterwards; a copy of the database `template`.

    Nobody may be connected to the template while it is copied. Sort order and letters are the
    same on every server, whatever its own locale.
    """
    name = f"zwhub_test_{secrets.token_hex(8)}"
    origin = f'TEMPLATE "{template}"' if template else _EMPTY
    await _run(admin_url, f'CREATE DATABASE "{name}" {origin}')
    try:
        url = make_url(admin_url).set(database=name)
        yield url.render_as_string(hide_password=False)
    finally:
        await _drop(admin_url, name)


@pytest.fixture
async def cache(server_urls: ServerUrls) -> AsyncIterator[Cache]:
    """A cache whose keys no other test sees; it leaves none behind."""
    namespace = f"zwhub-test-{secrets.token_hex(8)}"
    # Two busy cores may be slow to answer: these tests are about answers, not about time-outs.
    one = Cache(server_urls.redis_url, namespace=namespace, timeout=2.0)
    yield one
    await one.close()
    await sweep(server_urls.redis_url, namespace)


async def sweep(redis_url: str, namespace: str) -> None:
    """Delete the keys of one namespace; a machine's server holds other people's keys too."""
    async with Redis.from_url(redis_url) as client:
        async for key in client.scan_iter(match=f"{namespace}:*", count=1000):
            await client.delete(key)


_EMPTY = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"


async def _drop(admin_url: str, name: str) -> None:
    """Drop it, if need be once the server's own vacuum has left: only a superuser may end that."""
    drop = f'DROP DATABASE "{name}" WITH (FORCE)'
    for patience in (0.1, 0.5, 2.0):
        try:
            await _run(admin_url, drop)
        except ProgrammingError:
            await asyncio.sleep(patience)
        else:
            return
    await _run(admin_url, drop)


async def _run(url: str, statement: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()
