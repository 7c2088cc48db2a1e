"""A hub with faults (带故障的枢纽): `python faultyhub.py FOLDER SKEW serve …` is `zwhub serve …`.

Its clock is SKEW seconds wrong, one look-up in five is slow to tell what it has read, and while a
file `die` lies in FOLDER, the next delivery kills the hub between its commit and what it owes the
cache; the file is then called `died`.
"""

import asyncio
import os
import random
import signal
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import zwhub.app
from zwhub.cli.main import main
from zwhub.licences import store
from zwhub.licences.api import collecting

ORDERS, SKEW = Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2]))
SLOW_ONE_IN, SLOWEST = 5, 0.4


class WrongClock(datetime):
    """A clock like that of a machine whose time service has stopped."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.now(tz) + SKEW


def deadly(forget_numbers: Any) -> Any:
    async def forget(*given: Any) -> None:
        try:
            (ORDERS / "die").rename(ORDERS / "died")
        except FileNotFoundError:
            await forget_numbers(*given)
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    return forget


def slow(newest: Any) -> Any:
    async def read(*given: Any) -> Any:
        kept = await newest(*given)
        if random.randrange(SLOW_ONE_IN) == 0:
            await asyncio.sleep(random.uniform(0, SLOWEST))
        return kept

    return read


if __name__ == "__main__":
    zwhub.app.datetime = WrongClock  # type: ignore[attr-defined]
    vars(collecting)["forget_numbers"] = deadly(vars(collecting)["forget_numbers"])
    store.newest = slow(store.newest)
    del sys.argv[1:3]
    main()
