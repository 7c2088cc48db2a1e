"""The cache against real servers that die, freeze, fill up, talk rubbish: slower, never wrong."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from effort import effort
from servers import ServerUrls, reachable_folder, silent
from zwhub.platform.cache import BadCacheUrl, Cache
from zwhub.platform.embedded import embedded_servers

AWAY = "unix:///nowhere/valkey.sock"
Command = Callable[..., Awaitable[object]]


@pytest.fixture
def own_server() -> Iterator[str]:
    """A server of this test alone, to be mistreated."""
    with (
        reachable_folder() as folder,
        embedded_servers(folder / "data", database=False, say=silent) as servers,
    ):
        yield servers.redis_url


@pytest.fixture
async def command(own_server: str) -> AsyncIterator[Command]:
    async with Redis.from_url(own_server) as client:
        yield client.execute_command


async def pid_of(command: Command) -> int:
    information = await command("INFO", "server")
    assert isinstance(information, dict)
    return int(information["process_id"])


async def test_values_come_back_as_they_were_put(cache: Cache) -> None:
    assert await cache.set("a", b"1", 60)
    assert await cache.set_many({"b": b"", "证": b"\x00\xff"}, 60)
    assert await cache.get_many(["证", "none", "b", "a"]) == [b"\x00\xff", None, b"", b"1"]
    assert (cache.hits, cache.misses, cache.errors, cache.state) == (3, 1, 0, "up")
    assert await cache.ping()
    assert await cache.get_many([]) == []


async def test_outlived_values_are_gone(cache: Cache) -> None:
    await cache.set("short", b"4", 1)
    assert await cache.get("short") == b"4"
    await asyncio.sleep(1.1)
    assert await cache.get("short") is None


async def test_namespaces_do_not_meet(server_urls: ServerUrls, cache: Cache) -> None:
    other = Cache(server_urls.redis_url, namespace="zwhub-test-other", timeout=2.0)
    await cache.set("a", b"1", 60)
    assert await other.get("a") is None
    await other.close()


@pytest.mark.parametrize(
    "url",
    [
        "memcached://here",
        "http://x",
        "redis+sentinel://u:secret@here",
        "redis+sentinel://here/name?secret=1",
        "redis+cluster://",
        "redis://:a@here:secret",
        "redis://here?secret=1",
        "redis://here?socket_timeout=secret",
        "rediss://here?ssl_cert_reqs=secret",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(BadCacheUrl, match="ZWHUB_REDIS_URL") as caught:
        Cache(url)
    assert "here" not in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_an_absent_cache_costs_nothing_and_says_so_once() -> None:
    cache = Cache(AWAY)
    with capture_logs() as logs:
        for _ in range(200):
            assert await cache.get("a") is None
        with effort() as spent:
            for _ in range(1000):
                assert await cache.get("a") is None
    assert not await cache.set("a", b"1", 60)
    assert not await cache.ping()
    assert spent < [0.5]
    assert cache.state == "down"
    assert [(log["event"], log["log_level"]) for log in logs] == [("cache is away", "warning")]
    assert "nowhere" not in str(logs)
    await cache.close()


async def test_a_server_that_is_killed_is_a_miss(own_server: str, command: Command) -> None:
    cache = Cache(own_server, timeout=2.0)
    await cache.set("a", b"1", 60)
    os.kill(await pid_of(command), signal.SIGKILL)
    for _ in range(4):
        assert await cache.get("a") is None
    assert cache.state == "down"
    await cache.close()


async def test_a_frozen_server_is_given_up_in_time_and_never_answers_late(
    own_server: str, command: Command
) -> None:
    cache = Cache(own_server, timeout=0.5, pause=0.1)
    pid = await pid_of(command)
    await cache.set_many({f"k{n}": str(n).encode() for n in range(50)}, 60)
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answers = await asyncio.gather(*(cache.get(f"k{n}") for n in range(50)))
        assert time.monotonic() - begun < 10  # one by one: 25
        assert answers == [None] * 50
        assert not await cache.set("k1", b"other", 60)
        frozen = cache.state
    finally:
        os.kill(pid, signal.SIGCONT)
    await asyncio.sleep(0.15)
    assert await cache.ping()
    assert (frozen, cache.state) == ("down", "up")
    # The commands it had received before it froze are answered to nobody.
    values = await cache.get_many([f"k{n}" for n in range(50)])
    kept = {n: value for n, value in enumerate(values) if value is not None}
    assert kept == {n: str(n).encode() for n in kept}
    assert len(kept) > 40
    await cache.close()


async def test_a_full_server_keeps_answering(own_server: str, command: Command) -> None:
    await command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await command("CONFIG", "SET", "maxmemory", "1")
    cache = Cache(own_server, timeout=2.0)
    for _ in range(5):
        assert not await cache.set("a", b"1", 60)
        assert await cache.get("a") is None
    assert cache.state == "up"
    assert cache.errors > 0
    await cache.close()


async def test_under_eviction_values_are_right_or_absent(own_server: str, command: Command) -> None:
    await command("CONFIG", "SET", "maxmemory", "3mb")
    cache = Cache(own_server, timeout=2.0)
    for n in range(400):
        await cache.set(f"k{n}", bytes([n % 256]) * 20_000, 60)
    values = await cache.get_many([f"k{n}" for n in range(400)])
    assert None in values
    assert any(values)
    right = [value in (None, bytes([n % 256]) * 20_000) for n, value in enumerate(values)]
    assert all(right)
    await cache.close()


@pytest.mark.parametrize("rubbish", [b"", b"abc", b"\x00" * 9, b"plain text, long enough"])
async def test_foreign_bytes_are_a_miss_and_are_replaced(
    own_server: str, command: Command, rubbish: bytes
) -> None:
    cache = Cache(own_server, timeout=2.0)
    await command("SET", "zwhub:a", rubbish)
    assert await cache.get("a") is None
    assert await cache.set("a", b"1", 60)
    assert await cache.get("a") == b"1"
    await cache.close()


async def test_another_keys_value_and_another_type_are_a_miss(
    own_server: str, command: Command
) -> None:
    cache = Cache(own_server, timeout=2.0)
    await cache.set("a", b"1", 60)
    await command("COPY", "zwhub:a", "zwhub:b")
    await command("LPUSH", "zwhub:c", "x")
    assert await cache.get_many(["a", "b", "c"]) == [b"1", None, None]
    assert await cache.set("c", b"3", 60)
    assert cache.state == "up"
    await cache.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"+OK\r\n" * 40,
        b":7\r\n" * 40,
        b"*1\r\n$1\r\nx\r\n" * 40,
    ],
)
async def test_a_server_that_talks_rubbish_is_a_miss(tmp_path: Path, answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(talk, tmp_path / "s")
    cache = Cache(f"unix://{tmp_path / 's'}")
    for _ in range(5):
        assert await cache.get_many(["a", "b"]) == [None, None]
    await cache.close()
    server.close()


async def test_no_cancellation_is_lost_at_whatever_moment_it_comes(cache: Cache) -> None:
    """redis-py 8.1 under Python 3.11 loses those that come while it sends."""
    await cache.set("a", b"1", 60)
    for turns in range(60):
        asking = asyncio.create_task(cache.get("a"))
        for _ in range(turns % 20):
            await asyncio.sleep(0)
        if asking.cancel():
            with pytest.raises(asyncio.CancelledError):
                await asking
    assert await cache.get("a") == b"1"
