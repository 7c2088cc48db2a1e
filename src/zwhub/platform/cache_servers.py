"""Where the cache runs (缓存服务器): one server, one that Sentinels name, or a cluster.

    redis://host:6379/0             rediss://…  unix:///path      one server
    redis+sentinel://host:26379,host2/name/0                      the primary that Sentinels call `name`
    redis+cluster://host:6379,host2:6380                          a cluster, found by any of its nodes

`rediss+…` speaks TLS. A user and a password before the `@` are those of the servers; Sentinels'
own come as `?sentinel_username=…&sentinel_password=…`.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from zwhub.kernel.words import Words, both
from zwhub.platform.settings import CACHE_SCHEMES

_CONNECTIONS = 32
_CONNECT_SECONDS = 0.5  # TLS to another machine needs several round trips
_TOPOLOGY_SECONDS = 2.0  # a cluster is asked for its shape once, and again when it changes
_REDIS, _SENTINEL = 6379, 26379

Command = tuple[str | bytes | int, ...]


class BadCacheUrl(ValueError):
    """A URL of the cache that cannot be used; `words` never repeat it, for it can hold a password."""

    def __init__(self, words: Words) -> None:
        super().__init__(both(words))
        self.words = words


class CacheServers(Protocol):
    """What the cache asks of its servers. Any failure is an exception of redis, OS or time."""

    async def ask(self, *command: str | bytes | int) -> Any:
        """One command."""

    async def ask_all(self, commands: Sequence[Command]) -> Any:
        """Several commands in one round trip to each server; raises the first failure."""

    async def read(self, names: Sequence[str]) -> Any:
        """The values under these names, None for none, in one round trip to each server."""

    async def close(self) -> None:
        """End the connections."""


def cache_servers(url: str, timeout: float) -> CacheServers:
    """The servers behind a URL, not yet connected to; `timeout` in seconds for each exchange.

    Raises `BadCacheUrl` for one that cannot be read.
    """
    try:
        said = urlsplit(url)
        if said.scheme in CACHE_SCHEMES:
            return _servers(url, said, timeout)
    except (ValueError, TypeError, RedisError):  # of urllib, int, or options redis does not know
        raise BadCacheUrl(_UNREADABLE) from None
    raise BadCacheUrl(_UNKNOWN_SCHEME)


def _servers(url: str, said: SplitResult, timeout: float) -> CacheServers:
    scheme, _, kind = said.scheme.partition("+")
    if kind == "cluster":
        return _Cluster(said, timeout, tls=scheme == "rediss")
    return _One(*_behind_sentinels(said, timeout)) if kind else _One(_single(url, timeout))


class _One:
    """One server, whoever names it."""

    def __init__(self, redis: "Redis", *watchers: "Redis") -> None:
        self._redis, self._watchers = redis, watchers

    async def ask(self, *command: str | bytes | int) -> Any:
        return await self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    async def ask_all(self, commands: Sequence[Command]) -> Any:
        pipeline = self._redis.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return await pipeline.execute()

    async def read(self, names: Sequence[str]) -> Any:
        return await self.ask("MGET", *names)

    async def close(self) -> None:
        for one in (self._redis, *self._watchers):
            await one.aclose(close_connection_pool=True)


def _single(url: str, timeout: float) -> "Redis":
    pool = BlockingConnectionPool.from_url(
        url, max_connections=_CONNECTIONS, timeout=timeout, **_patience(timeout)
    )
    # Not connected yet: an option that nobody knows is told now, not at work.
    pool.make_connection()  # type: ignore[no-untyped-call]
    return Redis.from_pool(pool)


def _behind_sentinels(said: SplitResult, timeout: float) -> list["Redis"]:
    """A client of the present primary, which asks the Sentinels anew after a failover; and theirs."""
    name, _, number = said.path.strip("/").partition("/")
    more = {key: values[-1] for key, values in parse_qs(said.query).items()}
    own = {key.removeprefix("sentinel_"): value for key, value in more.items()}
    tls = {"ssl": True} if said.scheme.startswith("rediss") else {}
    sentinels: Any = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(said, _SENTINEL),
        sentinel_kwargs={**_patience(timeout), **tls, **own},
        **_patience(timeout),
        **_access(said),
        **tls,
    )
    if not name:
        raise ValueError("no name")
    return [sentinels.master_for(name, db=int(number or 0)), *sentinels.sentinels]


class _Cluster:
    """A cluster; keys lie wherever they fall."""

    def __init__(self, said: SplitResult, timeout: float, *, tls: bool) -> None:
        nodes = [ClusterNode(host, port) for host, port in _hosts(said, _REDIS)]
        self._limit = timeout
        self._redis = RedisCluster(
            startup_nodes=nodes,
            require_full_coverage=False,  # the slots that are there go on
            max_connections=_CONNECTIONS,
            ssl=tls,
            **_patience(timeout),
            **_access(said),
        )

    async def ask(self, *command: str | bytes | int) -> Any:
        async with self._in_time():
            return await self._redis.execute_command(*command)

    async def ask_all(self, commands: Sequence[Command]) -> Any:
        pipeline = self._redis.pipeline()
        for command in commands:
            pipeline.execute_command(*command)
        async with self._in_time():
            return await pipeline.execute()

    async def read(self, names: Sequence[str]) -> Any:
        return await self.ask_all([("GET", name) for name in names])

    async def close(self) -> None:
        await self._redis.aclose()

    def _in_time(self) -> asyncio.Timeout:
        """Following moved slots and asking for the shape must not take longer than this."""
        return asyncio.timeout(max(self._limit * 4, _TOPOLOGY_SECONDS))


def _patience(timeout: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": _CONNECT_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def _access(said: SplitResult) -> dict[str, Any]:
    user, found, _ = said.netloc.rpartition("@")
    name, _, password = user.partition(":")
    secret = {"username": unquote(name) or None, "password": unquote(password) or None}
    return secret if found else {}


def _hosts(said: SplitResult, usual: int) -> list[tuple[str, int]]:
    """`host:port,host` as pairs; an IPv6 address stands in brackets."""
    hosts = []
    for part in said.netloc.rpartition("@")[2].split(","):
        one = urlsplit(f"//{part}")
        if not one.hostname:
            raise ValueError("no host")
        hosts.append((one.hostname, one.port or usual))
    return hosts


_UNKNOWN_SCHEME = Words(
    zh="缓存地址须以 redis://、rediss://、unix://、redis+sentinel:// 或 redis+cluster:// 开头。"
    "请检查 ZWHUB_REDIS_URL。",
    en="A cache URL begins with redis://, rediss://, unix://, redis+sentinel:// or "
    "redis+cluster://. Check ZWHUB_REDIS_URL.",
)
_UNREADABLE = Words(
    zh="缓存地址无法解析，形如 redis://用户:密码@主机:6379/0。请检查 ZWHUB_REDIS_URL。",
    en="The cache URL cannot be read; it looks like redis://user:password@host:6379/0. "
    "Check ZWHUB_REDIS_URL.",
)
