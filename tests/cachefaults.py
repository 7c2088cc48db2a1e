"""Faults of a cache (缓存故障), each until it is over: killed, frozen, flushed, full, turned back.

And of the hubs: one that is killed between its commit and its answer.
"""

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from fleet import Fleet


@dataclass
class Faults:
    """What happens to one cache and one fleet; `happened` counts what certainly did."""

    redis_url: str = field(repr=False)
    fleet: Fleet
    longest: float  # seconds that the cache is frozen or full
    happened: Counter[str] = field(default_factory=Counter)

    async def of_the_cache(self, dice: random.Random, *, killing: bool) -> None:
        """Each fault of the cache once, in an order and at moments that `dice` choose."""
        faults = [self.frozen, self.flushed, self.full, self.turned_back]
        faults += [self.killed] if killing else []
        for fault in dice.sample(faults, len(faults)):
            await asyncio.sleep(dice.uniform(0, self.longest / 2))
            await fault(dice)

    async def killed(self, dice: random.Random) -> None:
        """kill -9; the hub's supervisor starts another one, empty."""
        pid = await self._pid()
        os.kill(pid, signal.SIGKILL)
        while True:
            await asyncio.sleep(0.1)
            with suppress(RedisError, OSError):
                if await self._pid() != pid:
                    self.happened["cache killed"] += 1
                    return

    async def frozen(self, dice: random.Random) -> None:
        """SIGSTOP: it accepts what it is sent, and answers when it is awake again."""
        pid = await self._pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(dice.uniform(0.1, self.longest))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.happened["cache frozen"] += 1

    async def flushed(self, dice: random.Random) -> None:
        """FLUSHALL."""
        async with self._client() as client:
            await client.flushall()
        self.happened["cache flushed"] += 1

    async def full(self, dice: random.Random) -> None:
        """Whatever is written is refused; what is there is still read."""
        async with self._client() as client:
            before = await client.config_get("maxmemory*")
            await client.config_set("maxmemory-policy", "noeviction")
            await client.config_set("maxmemory", "1")
            await asyncio.sleep(dice.uniform(0.1, self.longest))
            try:
                await client.set("one more", "byte")
            except RedisError:
                self.happened["cache full"] += 1
            for name in ("maxmemory", "maxmemory-policy"):
                await client.config_set(name, str(before[name]))

    async def turned_back(self, dice: random.Random) -> None:
        """As a server does that comes back from a snapshot, or a replica that was behind."""
        async with self._client() as client:
            names: list[bytes] = []
            while not names:  # the hubs may have just begun to fill it again
                await asyncio.sleep(0.1)
                names = [name async for name in client.scan_iter(match="zwhub*", count=1000)]
            kept = {name: await client.dump(name) for name in names}
            await asyncio.sleep(dice.uniform(0.1, self.longest))
            old = {name: value for name, value in kept.items() if value is not None}
            for name, value in old.items():
                await client.restore(name, 30_000, value, replace=True)
        self.happened["cache turned back"] += bool(old)

    async def hub_killed(self, dice: random.Random) -> None:
        """With its next delivery, between the commit and the answer; then it is started again."""
        hub = dice.choice(self.fleet.hubs)
        hub.ordered_to_die()
        for _ in range(600):
            await asyncio.sleep(0.1)
            if hub.died_as_ordered():
                self.happened["hub killed after its commit"] += 1
                await hub.start()
                return

    async def _pid(self) -> int:
        async with self._client() as client:
            return int((await client.info("server"))["process_id"])

    def _client(self) -> Redis:
        return Redis.from_url(self.redis_url, socket_timeout=5)
