"""Turns (轮次): how much runs at once; the rest waits a moment for its turn, or is turned away.

What has begun is finished early, instead of everything together and late.
"""

import asyncio
from collections import deque

import structlog

from zwhub.gateway.deadline import Deadline
from zwhub.gateway.failures import overloaded
from zwhub.gateway.limits import LoadLimits

log = structlog.get_logger("zwhub.gateway")


class Turns:
    """The places of one process: most for known callers, a share of their own for the anonymous."""

    def __init__(self, limits: LoadLimits) -> None:
        self._limits = limits
        self._known = _Share(limits.known, limits)
        self._anonymous = _Share(limits.anonymous, limits)

    def turn(self, *, known: bool, cost: float) -> "_Turn":
        """Wait for the places that an operation of that cost takes; `TurnedAway` if in vain."""
        share = self._known if known else self._anonymous
        places = min(max(1.0, cost / self._limits.points_per_place), share.most)
        return _Turn(share, places)


class _Turn:
    """The places one operation has while it runs."""

    __slots__ = ("_places", "_share")

    def __init__(self, share: "_Share", places: float) -> None:
        self._share, self._places = share, places

    async def __aenter__(self) -> None:
        await self._share.take(self._places)

    async def __aexit__(self, *_: object) -> None:
        self._share.give(self._places)


class _Share:
    """So many places, given in the order in which they were asked for."""

    def __init__(self, most: int, limits: LoadLimits) -> None:
        self.most = float(most)
        self._free = self.most
        self._limits = limits
        self._queue: deque[tuple[float, asyncio.Future[None]]] = deque()

    async def take(self, places: float) -> None:
        if not self._queue and self._free >= places:
            self._free -= places
            return
        if len(self._queue) >= self._limits.waiting:
            raise self._in_vain()
        try:
            with Deadline(self._limits.wait_seconds):
                await self._wait(places)
        except TimeoutError:
            raise self._in_vain() from None

    def give(self, places: float) -> None:
        self._free += places
        self._call()

    async def _wait(self, places: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = (places, turn)
        self._queue.append(waiting)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._queue.remove(waiting)
                self._call()  # who stood behind may need less
            else:  # called and sent away in the same moment
                self.give(places)
            raise

    def _call(self) -> None:
        while self._queue:
            places, turn = self._queue[0]
            if turn.cancelled() or self._free < places:
                return  # one that leaves calls the next itself
            self._queue.popleft()
            self._free -= places
            turn.set_result(None)

    def _in_vain(self) -> Exception:
        log.warning("overload", waiting=len(self._queue))
        return overloaded()
