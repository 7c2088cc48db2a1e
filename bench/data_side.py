"""The hub below its front door (数据侧压测): `python bench/data_side.py DATA_DIR FILES`.

DATA_DIR and FILES as for `look_ups.py`. Look-ups and verifications are asked of the use cases
themselves, in one process and many at a time, and what is told is the CPU that each took of this
process: without HTTP and GraphQL, and without what PostgreSQL and Valkey took.
"""

import argparse
import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from look_ups import numbers_in

from zwhub.app import Servers, make_hub
from zwhub.graph.context import Hub
from zwhub.kernel.actor import Actor, Persona
from zwhub.licences.enquiry import Enquiry
from zwhub.licences.gather import By, Registry
from zwhub.licences.ledger import ledger_of
from zwhub.licences.look_up import look_up
from zwhub.licences.sequencer import Sequencer
from zwhub.licences.vault import Vault
from zwhub.licences.verify import verify_licence
from zwhub.licences.verify_many import MOST_LICENCES, BatchEnquiry, verify_licences
from zwhub.platform.embedded import embedded_servers
from zwhub.platform.settings import Settings

AT_ONCE, BATCHES_AT_ONCE = 32, 4
WHO = Actor("bench", Persona.DEPARTMENT, organisation="1199000000000049X7")
Ask = Callable[[], Awaitable[object]]


def questions(hub: Hub, numbers: Iterator[str]) -> Iterator[tuple[str, Ask, int, int]]:
    """What is asked, how, how many at a time, and how many licences each is about."""
    vault = Vault(hub.index_secret, hub.sealer)
    registry = Registry(hub.db, hub.cache, hub.trust, vault, ledger_of(hub))

    async def look() -> object:
        return await look_up(registry, By.NUMBER, next(numbers), WHO, datetime.now(UTC))

    async def verify(number: str) -> object:
        now = datetime.now(UTC)
        enquiry = Enquiry(By.NUMBER, number, "bench", now)
        return await verify_licence(registry, enquiry, WHO, hub.receipts, now)

    async def verify_all() -> object:
        now = datetime.now(UTC)
        asked = [(By.NUMBER, number) for number in itertools.islice(numbers, MOST_LICENCES)]
        async with hub.db.write() as session:
            enquiry = BatchEnquiry(asked, "bench", now)
            return await verify_licences(session, registry, enquiry, WHO, hub.receipts, now)

    never = (f"NO-SUCH-{number}" for number in itertools.count())
    yield "look_up", look, AT_ONCE, 1
    yield "verify_licence", lambda: verify(next(numbers)), AT_ONCE, 1
    yield "verify_licence, numbers never issued", lambda: verify(next(never)), AT_ONCE, 1
    yield "verify_licences, 1,000 at a time", verify_all, BATCHES_AT_ONCE, MOST_LICENCES


async def asked(ask: Ask, at_once: int, seconds: float) -> int:
    """How often it could be asked."""
    count, end = 0, time.monotonic() + seconds

    async def one() -> None:
        nonlocal count
        while time.monotonic() < end:
            await ask()
            count += 1

    await asyncio.gather(*(one() for _ in range(at_once)))
    return count


async def measure(data_dir: Path, servers: Servers, numbers: list[str], seconds: float) -> None:
    """Print a line for each question, after a second of warming up."""
    hub = make_hub(Settings(data_dir=data_dir), servers)
    while (await Sequencer(hub.db, ledger_of(hub)).extend()).full:
        pass
    for what, ask, at_once, about in questions(hub, itertools.cycle(numbers)):
        await asked(ask, at_once, 1)
        cpu, start = time.process_time(), time.monotonic()
        count = await asked(ask, at_once, seconds) * about
        cpu, took = time.process_time() - cpu, time.monotonic() - start
        print(f"{what:<40}{count / took:10,.0f}/s{cpu / count * 1e6:8,.0f} µs CPU each")
    await hub.db.close()
    await hub.cache.close()


def main() -> None:
    """Start the servers, measure, stop them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("files", type=Path)
    parser.add_argument("--seconds", type=float, default=10)
    said = parser.parse_args()
    numbers = numbers_in(said.files, 100_000)
    with embedded_servers(said.data_dir.absolute(), say=lambda _: None) as one:
        servers = Servers(one.database_url, one.redis_url)
        uvloop.run(measure(said.data_dir.absolute(), servers, numbers, said.seconds))


if __name__ == "__main__":
    main()
