"""What something costs (开销): this process's CPU, in seconds of the machine that the limits are meant for.

The machine that runs the tests may be slow, and slow for a moment only: counting is timed beside
each attempt, and the best of several attempts tells. What the tests themselves leave to the garbage
collector is none of it.
"""

import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import process_time

ATTEMPTS = 8
_COUNTED, _SECONDS = 100_000, 0.0015  # so long counting takes where a second is a second


@contextmanager
def effort() -> Iterator[list[float]]:
    """The list holds, after the block, the one number of seconds that the block took."""
    gc.collect()
    gc.disable()
    try:
        spent: list[float] = []
        before, started = _pace(), process_time()
        yield spent
        elapsed = process_time() - started
        spent.append(elapsed / max(1.0, before, _pace()))
    finally:
        gc.enable()


async def least_effort(within: float, attempt: Callable[[int], Awaitable[object]]) -> float:
    """The least that one of `ATTEMPTS` took; no more are made once one is `within` so many seconds."""
    least = float("inf")
    for number in range(ATTEMPTS):
        with effort() as spent:
            await attempt(number)
        least = min(least, *spent)
        if least < within:
            break
    return least


def _pace() -> float:
    """How many times as long as there this machine takes right now; ten times that under a tracer."""
    started = process_time()
    for _ in range(_COUNTED):
        pass
    return (process_time() - started) / _SECONDS * (1 if sys.gettrace() is None else 10)
