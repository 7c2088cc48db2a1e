"""The cache (缓存): a speed-up over Redis or Valkey. Without it answers are slower, never wrong.

Every failure is a miss. A value carries a checksum over its name and its bytes, so that rubbish,
or another key's value, is a miss too. After a few failures in a row the cache is left alone for a
second, and an absent one costs nothing.
"""

import asyncio
import itertools
import secrets
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import structlog
from redis.exceptions import RedisError, ResponseError

from zwhub.platform.cache_servers import BadCacheUrl, Command, cache_servers

__all__ = ["BadCacheUrl", "Cache"]

_log = structlog.get_logger(__name__)

Load = Callable[[], Awaitable[bytes | None]]

_FAILURES_IN_A_ROW = 3  # one alone may be our own busy event loop
_LEASE_SECONDS = 10
_NAMES_AT_ONCE = 500
_VALUE, _NOTHING = b"\x01", b"\x00"
_CHECKSUM_BYTES = 4
_AWAY: Final = object()

# A fill counts only while its lease stands; `forget` takes the lease away with the value.
_END_OF_LEASE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[3] ~= '0' then redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1
"""


class Cache:
    """Values by key, as bytes; `hits`, `misses` and `errors` count for the metrics.

    Keys must hold no personal data: operators see them.
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
        self._owed: set[str] = set()
        self._flights: dict[str, asyncio.Task[bytes | None]] = {}
        self.hits = self.misses = self.errors = 0

    @property
    def state(self) -> Literal["up", "down"]:
        """ "down" after three failures in a row, until one exchange succeeds."""
        return "down" if self._failures >= _FAILURES_IN_A_ROW else "up"

    async def get(self, key: str) -> bytes | None:
        """The value, or None when there is none to be had."""
        return (await self.get_many([key]))[0]

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values in the order of `keys`, in one round trip."""
        return [
            body[1:] if body and body != _NOTHING else None for body in await self._bodies(keys)
        ]

    async def set(self, key: str, value: bytes, ttl_seconds: int) -> bool:
        """Keep `value`; for what never changes under its key. For the rest there is `aside`."""
        return await self.set_many({key: value}, ttl_seconds)

    async def set_many(self, values: Mapping[str, bytes], ttl_seconds: int) -> bool:
        """Keep all `values` in one round trip; True when all were taken."""
        commands: list[Command] = [
            ("SET", self._name(key), _pack(key, _VALUE + value), "EX", ttl_seconds)
            for key, value in values.items()
        ]
        return await self._exchange(lambda: self._servers.ask_all(commands)) is not _AWAY

    async def forget(self, *keys: str) -> bool:
        """Take the keys out, after the commit that changed what they stand for.

        True: they are certainly gone, and no `aside` that began before will bring an old value
        back, here or in another process. False: the cache is away. This process then answers
        these keys from their source until it has caught up; others may see the old value for as
        long as its time to live, unless the caller repeats the call.
        """
        for key in keys:
            self._flights.pop(key, None)  # who comes from now on must not join an old load
        self._owed.update(keys)
        for start in range(0, len(keys), _NAMES_AT_ONCE):
            part = keys[start : start + _NAMES_AT_ONCE]
            if await self._unlinked(part) is _AWAY:
                self._owed.update(keys[start:])  # another call may have paid an earlier debt
                return False
            self._owed.difference_update(part)
        return True

    async def aside(
        self, key: str, ttl_seconds: int, load: Load, *, negative_ttl_seconds: int = 0
    ) -> bytes | None:
        """The cached value or, on a miss, what `load` gives, kept for the next caller.

        Concurrent misses of one process share one load, which goes on when its first caller
        leaves: `load` must not borrow that caller's database session. None from `load` is kept
        for `negative_ttl_seconds` (0: not kept). An error of `load` reaches all who wait and is
        not kept.

        Guaranteed: a load that began before a `forget` which returned True is not kept, however
        late it ends; nor is one that outlasts its lease of ten seconds, or whose lease the server
        lost. In this process, a call that begins after `forget` never gets such a load's value.
        """
        body = (await self._bodies([key]))[0]
        if body is not None:
            return None if body == _NOTHING else body[1:]
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(
                self._fill(key, ttl_seconds, load, negative_ttl_seconds), name="cache fill"
            )
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    async def ping(self) -> bool:
        """Whether the cache answers now."""
        return await self._ask("PING") in (True, b"PONG")

    async def close(self) -> None:
        """End what is under way, and the connections."""
        flights = list(self._flights.values())
        for flight in flights:
            flight.cancel()
        await asyncio.gather(*flights, return_exceptions=True)
        await self._servers.close()

    async def _fill(
        self, key: str, ttl_seconds: int, load: Load, negative_ttl_seconds: int
    ) -> bytes | None:
        # The lease comes before the load: whatever changes from here on takes it away.
        token = secrets.token_hex(8)
        name, lease = self._name(key), self._lease_name(key)
        granted = await self._ask("SET", lease, token, "NX", "EX", _LEASE_SECONDS)
        body, kept = _NOTHING, 0
        try:
            value = await load()
            body = _NOTHING if value is None else _VALUE + value
            kept = negative_ttl_seconds if value is None else ttl_seconds
            return value
        finally:  # an error gives the lease back, too
            if granted in (True, b"OK"):
                packed, kept = _pack(key, body), 0 if key in self._owed else kept
                await self._ask("EVAL", _END_OF_LEASE, 2, name, lease, token, packed, kept)

    def _landed(self, key: str, flight: asyncio.Task[bytes | None]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # looked at, even when nobody waits any more

    async def _bodies(self, keys: Sequence[str]) -> list[bytes | None]:
        """What is kept under each key, its first byte telling a value from a known absence."""
        asked = keys and await self._debts_paid()
        names = [self._name(key) for key in keys]
        answer = await self._exchange(lambda: self._servers.read(names)) if asked else None
        if not isinstance(answer, list) or len(answer) != len(keys):
            answer = [None] * len(keys)
        bodies = [_unpack(key, packed) for key, packed in zip(keys, answer, strict=True)]
        found = sum(body is not None for body in bodies)
        self.hits += found
        self.misses += len(bodies) - found
        return bodies

    async def _debts_paid(self) -> bool:
        """Forget what an earlier `forget` could not, before anything is read."""
        while self._owed:
            part = itertools.islice(self._owed, _NAMES_AT_ONCE)
            if self._is_resting() or not await self.forget(*part):
                return False
        return True

    async def _ask(self, *command: str | bytes | int) -> Any:
        return await self._exchange(lambda: self._servers.ask(*command))

    async def _unlinked(self, keys: Sequence[str]) -> Any:
        commands: list[Command] = [
            ("UNLINK", self._name(key), self._lease_name(key)) for key in keys
        ]
        return await self._exchange(lambda: self._servers.ask_all(commands))

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

    # The braces keep a value and its lease in one slot of a cluster.
    def _name(self, key: str) -> str:
        return f"{self._namespace}:v:{{{key}}}"

    def _lease_name(self, key: str) -> str:
        return f"{self._namespace}:l:{{{key}}}"


def _pack(key: str, body: bytes) -> bytes:
    return _checksum(key, body) + body


def _unpack(key: str, packed: object) -> bytes | None:
    if not isinstance(packed, bytes) or len(packed) <= _CHECKSUM_BYTES:
        return None
    checksum, body = packed[:_CHECKSUM_BYTES], packed[_CHECKSUM_BYTES:]
    return body if checksum == _checksum(key, body) else None


def _checksum(key: str, body: bytes) -> bytes:
    return zlib.crc32(body, zlib.crc32(key.encode())).to_bytes(_CHECKSUM_BYTES, "big")
