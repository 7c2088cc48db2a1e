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


def loads(value: bytes | None, calls: list[float]) -> Callable[[], Awaitable[bytes | None]]:
    async def load() -> bytes | None:
        calls.append(time.monotonic())
        await asyncio.sleep(0)
        return value

    return load


async def test_values_come_back_as_they_were_put(cache: Cache) -> None:
    assert await cache.set("a", b"1", 60)
    assert await cache.set_many({"b": b"", "证": b"\x00\xff"}, 60)
    assert await cache.get_many(["证", "none", "b", "a"]) == [b"\x00\xff", None, b"", b"1"]
    assert (cache.hits, cache.misses, cache.errors, cache.state) == (3, 1, 0, "up")
    assert await cache.ping()
    assert await cache.get_many([]) == []


async def test_forgotten_and_outlived_values_are_gone(cache: Cache) -> None:
    await cache.set_many({"a": b"1", "b": b"2", "c": b"3"}, 60)
    await cache.set("short", b"4", 1)
    assert await cache.forget("a", "b")
    assert await cache.get_many(["a", "b", "c"]) == [None, None, b"3"]
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
    calls: list[float] = []
    with capture_logs() as logs:
        for _ in range(200):
            assert await cache.get("a") is None
        begun = time.monotonic()
        for _ in range(1000):
            assert await cache.aside("a", 60, loads(b"1", calls)) == b"1"
        spent = time.monotonic() - begun
    assert not await cache.set("a", b"1", 60)
    assert not await cache.forget("a")
    assert not await cache.ping()
    assert len(calls) == 1000
    assert spent < 1.0
    assert cache.state == "down"
    assert [(log["event"], log["log_level"]) for log in logs] == [("cache is away", "warning")]
    assert "nowhere" not in str(logs)
    await cache.close()


async def test_a_server_that_is_killed_is_a_miss(own_server: str, command: Command) -> None:
    cache = Cache(own_server, timeout=2.0)
    await cache.set("a", b"1", 60)
    os.kill(await pid_of(command), signal.SIGKILL)
    assert await cache.aside("a", 60, loads(b"2", [])) == b"2"
    for _ in range(3):
        assert await cache.get("a") is None
    assert cache.state == "down"
    await cache.close()


async def test_a_frozen_server_is_given_up_in_time_and_never_answers_late(
    own_server: str, command: Command
) -> None:
    cache = Cache(own_server, pause=0.1)
    pid = await pid_of(command)
    await cache.set_many({f"k{n}": str(n).encode() for n in range(50)}, 60)
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        answers = await asyncio.gather(
            *(cache.aside(f"k{n}", 60, loads(f"fresh {n}".encode(), [])) for n in range(50))
        )
        assert time.monotonic() - begun < 1.5
        assert answers == [f"fresh {n}".encode() for n in range(50)]
        assert not await cache.forget("k1")
        frozen = cache.state
    finally:
        os.kill(pid, signal.SIGCONT)
    await asyncio.sleep(0.15)
    assert await cache.ping()
    assert (frozen, cache.state) == ("down", "up")
    # The commands it had received before it froze are answered to nobody; "k1" is still owed.
    values = await cache.get_many([f"k{n}" for n in range(50)])
    assert values[1] is None
    kept = {n: value for n, value in enumerate(values) if value is not None}
    assert kept == {n: str(n).encode() for n in kept}
    assert len(kept) > 40
    await cache.close()


async def test_what_could_not_be_forgotten_is_not_served_when_the_server_is_back(
    own_server: str, command: Command
) -> None:
    cache = Cache(own_server, timeout=0.05, pause=0.05)
    await cache.set_many({f"k{n}": b"old" for n in range(1200)}, 60)
    pid = await pid_of(command)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert not await cache.forget(*(f"k{n}" for n in range(1200)))
    finally:
        os.kill(pid, signal.SIGCONT)
    for _ in range(20):
        assert await cache.get_many(["k0", "k700", "k1199"]) == [None] * 3
        await asyncio.sleep(0.02)
    assert cache.state == "up"
    assert await command("DBSIZE") == 0
    await cache.close()


async def test_a_full_server_keeps_answering(own_server: str, command: Command) -> None:
    await command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await command("CONFIG", "SET", "maxmemory", "1")
    cache = Cache(own_server, timeout=2.0)
    calls: list[float] = []
    assert not await cache.set("a", b"1", 60)
    for _ in range(5):
        assert await cache.aside("a", 60, loads(b"1", calls)) == b"1"
    assert len(calls) == 5
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
    await command("SET", "zwhub:v:{a}", rubbish)
    assert await cache.get("a") is None
    assert await cache.aside("a", 60, loads(b"1", [])) == b"1"
    assert await cache.get("a") == b"1"
    await cache.close()


async def test_another_keys_value_and_another_type_are_a_miss(
    own_server: str, command: Command
) -> None:
    cache = Cache(own_server, timeout=2.0)
    await cache.set("a", b"1", 60)
    await command("COPY", "zwhub:v:{a}", "zwhub:v:{b}")
    await command("LPUSH", "zwhub:v:{c}", "x")
    await command("LPUSH", "zwhub:l:{d}", "x")
    assert await cache.get_many(["a", "b", "c"]) == [b"1", None, None]
    assert await cache.aside("c", 60, loads(b"3", [])) == b"3"
    assert await cache.aside("d", 60, loads(b"4", [])) == b"4"
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
        assert await cache.aside("a", 60, loads(b"1", [])) == b"1"
    await cache.close()
    server.close()


async def test_an_absence_is_remembered_only_when_asked(cache: Cache) -> None:
    calls: list[float] = []
    for _ in range(2):
        assert await cache.aside("a", 60, loads(None, calls)) is None
    assert len(calls) == 2
    for _ in range(2):
        assert await cache.aside("a", 60, loads(None, calls), negative_ttl_seconds=30) is None
    assert len(calls) == 3
    assert await cache.get("a") is None


async def test_many_misses_at_once_make_one_load(cache: Cache) -> None:
    calls: list[float] = []
    answers = await asyncio.gather(*(cache.aside("a", 60, loads(b"1", calls)) for _ in range(100)))
    assert answers == [b"1"] * 100
    assert len(calls) == 1
    assert await cache.get("a") == b"1"


async def test_an_error_reaches_all_who_wait_and_is_not_kept(cache: Cache) -> None:
    async def failing() -> bytes:
        await asyncio.sleep(0.01)
        raise LookupError("no such licence")

    results = await asyncio.gather(
        *(cache.aside("a", 60, failing) for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [LookupError] * 3
    assert await cache.aside("a", 60, loads(b"1", [])) == b"1"


async def test_a_caller_who_leaves_does_not_take_the_load_along(cache: Cache) -> None:
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        await release.wait()
        return b"1"

    leaving = asyncio.create_task(cache.aside("a", 60, slow))
    staying = asyncio.create_task(cache.aside("a", 60, slow))
    await begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    release.set()
    assert await staying == b"1"


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


async def test_a_load_that_began_before_a_forget_is_not_kept_and_not_joined(
    server_urls: ServerUrls, cache: Cache
) -> None:
    """One process reads the old row; the row changes; another process forgets; then the fill."""
    elsewhere = Cache(server_urls.redis_url, namespace=cache._namespace, timeout=2.0)
    for forgetting in (cache, elsewhere):
        begun, release = asyncio.Event(), asyncio.Event()

        async def slow(begun: asyncio.Event = begun, release: asyncio.Event = release) -> bytes:
            begun.set()
            await release.wait()
            return b"old"

        early = asyncio.create_task(cache.aside("a", 60, slow))
        await begun.wait()
        assert await forgetting.forget("a")
        if forgetting is cache:
            async with asyncio.timeout(5):
                assert await cache.aside("a", 60, loads(b"new", [])) == b"new"
            assert await cache.forget("a")
        release.set()
        assert await early == b"old"
        assert await cache.get("a") is None
        assert await cache.aside("a", 60, loads(b"new", [])) == b"new"
        assert await elsewhere.get("a") == b"new"
        await cache.forget("a")
    await elsewhere.close()


async def test_a_late_fill_does_not_replace_a_newer_one(
    server_urls: ServerUrls, cache: Cache
) -> None:
    elsewhere = Cache(server_urls.redis_url, namespace=cache._namespace, timeout=2.0)
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow() -> bytes:
        begun.set()
        await release.wait()
        return b"old"

    early = asyncio.create_task(cache.aside("a", 60, slow))
    await begun.wait()
    await elsewhere.forget("a")
    assert await elsewhere.aside("a", 60, loads(b"new", [])) == b"new"
    release.set()
    await early
    assert await cache.get("a") == b"new"
    await elsewhere.close()


async def test_a_row_that_changes_all_the_time_is_never_served_stale(
    server_urls: ServerUrls, cache: Cache
) -> None:
    """Two processes' readers against a writer: after each forget, no reader sees an older row."""
    elsewhere = Cache(server_urls.redis_url, namespace=cache._namespace, timeout=2.0)
    row, running = 0, True

    async def load() -> bytes:
        seen = row
        await asyncio.sleep(0.001)
        return str(seen).encode()

    async def read(which: Cache) -> int:
        count = 0
        while running:
            known = forgotten  # what every later answer of the cache itself must not be older than
            kept = await which.get("row")
            assert kept is None or int(kept) >= known
            await which.aside("row", 60, load)
            count += 1
        return count

    forgotten = 0
    readers = [asyncio.create_task(read(which)) for which in (cache, cache, elsewhere, elsewhere)]
    for _ in range(150):
        row += 1
        assert await cache.forget("row")
        forgotten = row
        await asyncio.sleep(0.003)
    running = False
    assert min(await asyncio.gather(*readers)) > 10
    assert cache.hits + elsewhere.hits > 50
    await elsewhere.close()


async def test_close_ends_the_loads_under_way(server_urls: ServerUrls) -> None:
    cache = Cache(server_urls.redis_url, namespace="zwhub-test-close", timeout=2.0)
    begun = asyncio.Event()

    async def endless() -> bytes:
        begun.set()
        await asyncio.Event().wait()
        return b"never"

    waiting = asyncio.create_task(cache.aside("a", 60, endless))
    await begun.wait()
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
