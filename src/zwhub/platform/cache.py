"""The cache (缓存): a speed-up over Redis or Valkey. Without it answers are slower, never wrong.

Every failure is a miss. A value carries a checksum over its name and its bytes, so that rubbish,
or another key's value, is a miss too. After a few failures in a row the cache is left alone for a
second, and an absent one costs nothing.
"""

import asyncio
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import structlog
from redis.exceptions import RedisError, ResponseError

from zwhub.platform.cache_servers import BadCacheUrl, Command, cache_servers

__all__ = ["BadCacheUrl", "Cache"]

_log = structlog.get_logger(__name__)

_FAILURES_IN_A_ROW = 3  # one alone may be our own busy event loop
_CHECKSUM_BYTES = 4
_AWAY: Final = object()


class Cache:
    """Values that never change under their key, as bytes; so none of them can be out of date.

    `hits`, `misses` and `errors` count for the metrics. Keys must hold no personal data:
    operators see them.
    """

    def __init__(
        self, url: str, *, namespace: str = "zwhub", timeout: float = 0.05, pause: float = 1.0
    ) -> None:
        """`timeout` in seconds for each exchange, `pause` in seconds between trials when away.

        `cache_servers` says what URLs there are. Raises `BadCacheUrl` for another one.
        """
        self._servers = cache_servers(url, timeout)
        self._namespace = namespace
        self._pause = pause
        self._failures = 0
        self._next_trial = 0.0
        self.hits = self.misses = self.errors = 0

    @property
    def state(self) -> Literal["up", "down"]:
        """ "down" after three failures in a row, until one exchange succeeds."""
        return "down" if self._failures >= _FAILURES_IN_A_ROW else "up"

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none to be had."""
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of `keys`, None where there is none to be had; one round trip."""
        names = [self._name(key) for key in keys]
        answer = await self._exchange(lambda: self._servers.read(names)) if keys else []
        if not isinstance(answer, list) or len(answer) != len(keys):
            answer = [None] * len(keys)
        values = [_unpack(key, packed) for key, packed in zip(keys, answer, strict=True)]
        found = sum(value is not None for value in values)
        self.hits += found
        self.misses += len(values) - found
        return values

    async def set(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Keep `value`; True when it was taken."""
        return await self.set_many({key: value}, ttl_seconds)

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: int) -> bool:
        """Keep all `values` in one round trip; True when all were taken."""
        commands: list[Command] = [
            ("SET", self._name(key), _pack(key, value), "EX", ttl_seconds)
            for key, value in values.items()
        ]
        return await self._exchange(lambda: self._servers.ask_all(commands)) is not _AWAY

    async def ping(self) -> bool:
        """Whether the cache answers now."""
        return await self._exchange(lambda: self._servers.ask("PING")) in (True, b"PONG")

    async def close(self) -> None:
        """End the connections."""
        await self._servers.close()

    async def _exchange(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        """The answer, or `_AWAY` for every kind of failure."""
        if not self._may_try():
            return _AWAY
        task = asyncio.current_task()
        cancellations = task.cancelling() if task else 0
        answer = await self._attempt(operation)
        # redis-py sends through `wait_for`, which in Python 3.11 can lose a cancellation: a caller
        # who has left, or whose time is up, would go on.
        if task and task.cancelling() > cancellations:
            raise asyncio.CancelledError
        return answer

    async def _attempt(self, operation: Callable[[], Awaitable[Any]]) -> Any:
        try:
            answer = await operation()
        except ResponseError:  # it is there, but will not: full, read-only, another type
            self.errors += 1
            self._reached()
            return _AWAY
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return _AWAY
        self._reached()
        return answer

    def _is_resting(self) -> bool:
        return self.state == "down" and time.monotonic() < self._next_trial

    def _may_try(self) -> bool:
        if self._is_resting():
            return False
        if self.state == "down":  # this caller tries, the others wait for what it finds
            self._next_trial = time.monotonic() + self._pause
        return True

    def _reached(self) -> None:
        if self.state == "down":
            _log.info("cache is back")
        self._failures = 0

    def _failed(self, error: Exception) -> None:
        self.errors += 1
        self._failures += 1
        self._next_trial = time.monotonic() + self._pause
        if self._failures == _FAILURES_IN_A_ROW:
            _log.warning("cache is away", error=type(error).__name__)

    def _name(self, key: str) -> str:
        return f"{self._namespace}:{key}"


def _pack(key: str, value: bytes) -> bytes:
    return _checksum(key, value) + value


def _unpack(key: str, packed: object) -> bytes | None:
    if not isinstance(packed, bytes) or len(packed) < _CHECKSUM_BYTES:
        return None
    checksum, value = packed[:_CHECKSUM_BYTES], packed[_CHECKSUM_BYTES:]
    return value if checksum == _checksum(key, value) else None


def _checksum(key: str, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(key.encode())).to_bytes(_CHECKSUM_BYTES, "big")
