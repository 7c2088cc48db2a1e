"""A hub with faults (带故障的枢纽): `python faultyhub.py FOLDER SKEW serve …` is `zwhub serve …`.

Its clock is SKEW seconds wrong, one look-up in five is slow to tell what it has read (or to put it
into the cache), and while a file `die` lies in FOLDER, the next delivery kills the hub between its
commit and its answer; the file is then called `died`.
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


def deadly(report: Any) -> Any:
    def answered(*given: Any) -> Any:
        try:
            (ORDERS / "die").rename(ORDERS / "died")
        except FileNotFoundError:
            return report(*given)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return answered


def slow(look_up: Any) -> Any:
    async def read(*given: Any) -> Any:
        found = await look_up(*given)
        if random.randrange(SLOW_ONE_IN) == 0:
            await asyncio.sleep(random.uniform(0, SLOWEST))
        return found

    return read


if __name__ == "__main__":
    zwhub.app.datetime = WrongClock  # type: ignore[attr-defined]
    vars(collecting)["_report"] = deadly(vars(collecting)["_report"])
    store.newest_named, store.by_ids = slow(store.newest_named), slow(store.by_ids)
    del sys.argv[1:3]
    main()
