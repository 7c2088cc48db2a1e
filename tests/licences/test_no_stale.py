"""No stale verdict (结论不过时): several hubs, faults at random moments, every answer judged.

The argument stands in docs/consistency.md. `pytest -m long tests/licences/test_no_stale.py -s`
shows the figures.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from builders import ISSUER, an_issuer, trusting
from cachefaults import Faults
from fleet import a_fleet
from rush import Rush
from samplecity import SampleCity
from servers import FreshDatabase, reachable_folder, silent
from staleness import (
    GENUINE,
    NOT_FOUND,
    NOT_GENUINE,
    REVOKED,
    SUSPENDED,
    VALID,
    Judge,
    Life,
    Look,
    Verdict,
    Way,
)
from zwhub.platform.database import Database
from zwhub.platform.embedded import embedded_servers, watch


class TestTheJudge:
    """A judge who acquits everybody proves nothing: made-up histories with known answers."""

    OK = Verdict(1, GENUINE, "OK")
    SUSPENDED = Verdict(1, NOT_GENUINE, SUSPENDED)

    @pytest.fixture
    def life(self) -> Life:
        """Collected from 10 to 11, suspended from 20 to 21, restored from 30 to 31."""
        life = Life()
        for at, state in ((10.0, VALID), (20.0, SUSPENDED), (30.0, VALID)):
            life.change((state,), at).acked = at + 1
        return life

    @pytest.mark.parametrize(
        ("said", "started", "ended", "stale", "wrong"),
        [
            (OK, 12.0, 13.0, 0, 0),
            (OK, 19.0, 20.5, 0, 0),  # sent, not acknowledged: either answer will do
            (SUSPENDED, 19.0, 20.5, 0, 0),
            (SUSPENDED, 19.0, 19.9, 0, 1),  # before anybody asked for it
            (OK, 20.9, 26.0, 0, 0),  # started before the acknowledgement, however late it ends
            (OK, 21.1, 26.0, 1, 0),
            (OK, 29.0, 30.5, 0, 0),
            (SUSPENDED, 31.1, 32.0, 0, 1),
            (Verdict(None, NOT_GENUINE, NOT_FOUND), 5.0, 9.0, 0, 0),
            (Verdict(None, NOT_GENUINE, NOT_FOUND), 11.1, 12.0, 0, 1),
            (OK, 5.0, 9.0, 1, 0),  # out of nothing
            (Verdict(2, GENUINE, "OK"), 12.0, 13.0, 1, 0),
            (Verdict(1, NOT_GENUINE, "OK"), 12.0, 13.0, 0, 1),
        ],
    )
    def test_each_answer_is_judged_by_its_time(
        self, life: Life, said: Verdict, started: float, ended: float, stale: int, wrong: int
    ) -> None:
        judge = Judge()
        judge.verdict(life, Way.NUMBER, said, started, ended)
        assert (len(judge.stale), len(judge.wrong), judge.verifications) == (stale, wrong, 1)

    def test_a_newer_version_takes_the_number(self) -> None:
        judge, life = Judge(), Life()
        life.change((VALID,), 1.0).acked = 2.0
        life.change((VALID, VALID), 10.0).acked = 11.0
        for way, said in (
            (Way.NUMBER, Verdict(2, GENUINE, "OK")),
            (Way.FIRST, Verdict(1, NOT_GENUINE, "SUPERSEDED")),
            (Way.SECOND, Verdict(2, GENUINE, "OK")),
        ):
            judge.verdict(life, way, said, 12.0, 13.0)
        assert not judge.stale + judge.wrong
        judge.verdict(life, Way.NUMBER, self.OK, 12.0, 13.0)
        judge.verdict(life, Way.NUMBER, Verdict(1, NOT_GENUINE, "SUPERSEDED"), 12.0, 13.0)
        judge.look(life, Way.NUMBER, Look(1, VALID, "SUPERSEDED"), 12.0, 13.0)
        assert (len(judge.stale), len(judge.wrong)) == (2, 1)

    def test_what_nobody_acknowledged_may_or_may_not_have_happened(self, life: Life) -> None:
        judge = Judge()
        life.change((REVOKED,), 40.0)
        judge.verdict(life, Way.NUMBER, self.OK, 50.0, 51.0)
        judge.verdict(life, Way.NUMBER, Verdict(1, NOT_GENUINE, REVOKED), 50.0, 51.0)
        assert not judge.stale + judge.wrong
        assert judge.certain == 0


@asynccontextmanager
async def a_rush(
    city: SampleCity, fresh_database: FreshDatabase, *, seed: int, batch: int, longest: float
) -> AsyncIterator[tuple[Rush, Faults]]:
    """Three hubs over a copy of the sample city and a cache of their own."""
    issuer = an_issuer()
    with (
        reachable_folder() as folder,
        embedded_servers(folder / "cache", database=False, say=silent) as servers,
    ):
        shutil.copytree(city.data_dir / "secrets", folder / "hub" / "secrets")
        (folder / "hub").chmod(0o700)
        async with fresh_database(template=city.template) as url:
            db = Database(url, pool_size=1)
            await trusting(db, issuer)
            await db.close()
            data_dir = folder / "hub"
            async with a_fleet(url, servers.redis_url, data_dir, folder, ISSUER) as fleet:
                yield (
                    Rush(fleet, issuer, seed, batch),
                    Faults(servers.redis_url, fleet, longest),
                )


async def storm(
    rush: Rush, faults: Faults, *, seconds: float, most: float, enough: int, each: int
) -> None:
    """Faults of the cache beside faults of the hubs.

    It ends with enough verifications and `each` fault as often as wanted, or after `most` seconds.
    """
    begun = asyncio.get_running_loop().time()

    def over() -> bool:
        spent = asyncio.get_running_loop().time() - begun
        calm = spent > seconds and rush.judge.verifications >= enough
        return spent > most or (calm and min(faults.happened[one] for one in FAULTS) >= each)

    async def of_the_cache() -> None:
        dice = random.Random(f"{rush.seed} cache")
        while not over():
            await faults.of_the_cache(dice, killing=True)

    async def of_the_hubs() -> None:
        dice = random.Random(f"{rush.seed} hubs")
        while not over():
            await asyncio.sleep(dice.uniform(0, 8 * faults.longest))
            await faults.hub_killed(dice)

    await asyncio.gather(of_the_cache(), of_the_hubs())


async def run(
    rush: Rush, faults: asyncio.Task[None], *, writers: int, readers: int, batches: int
) -> None:
    """All of them until the faults have ended; a failure of any ends the rest."""
    tasks = [asyncio.create_task(rush.writes(n)) for n in range(writers)]
    await asyncio.sleep(0.2)
    tasks += [asyncio.create_task(rush.reads(n)) for n in range(readers)]
    tasks += [asyncio.create_task(rush.reads_many(n)) for n in range(batches)]
    try:
        await asyncio.wait([*tasks, faults], return_when=asyncio.FIRST_COMPLETED)
        rush.stop.set()
        await asyncio.gather(*tasks)
        await faults
    finally:
        for task in (*tasks, faults):
            task.cancel()
        await asyncio.gather(*tasks, faults, return_exceptions=True)


def told(rush: Rush, faults: Faults) -> str:
    """The figures, for people."""
    judge = rush.judge
    return "\n".join(
        (
            f"seed {rush.seed}: {judge.verifications:,} verifications, {judge.looks:,} looks; "
            f"{judge.certain:,} with one possible answer",
            f"{len(judge.stale)} stale, {len(judge.wrong)} otherwise out of date, "
            f"{len(rush.changed_wrongly)} changes refused or of another version",
            f"verdicts {dict(judge.verdicts)}, reasons {dict(judge.reasons)}",
            f"writers and readers {dict(rush.done)}",
            f"faults {dict(faults.happened)}; not answered {dict(rush.fleet.errors)}",
            *[f"  {one}" for one in (*judge.stale, *judge.wrong, *rush.changed_wrongly)[:10]],
        )
    )


FAULTS = {
    "cache killed",
    "cache frozen",
    "cache flushed",
    "cache full",
    "cache turned back",
    "hub killed after its commit",
}


def require_none_stale(rush: Rush, faults: Faults, *, verifications: int, each: int) -> None:
    """Nothing was out of date, and there was something to see."""
    judge, said = rush.judge, told(rush, faults)
    print(said)
    assert not judge.stale, said
    assert not judge.wrong, said
    assert not rush.changed_wrongly, said
    assert judge.verifications >= verifications, said
    assert judge.certain > judge.verifications / 4, said
    assert min(faults.happened[one] for one in FAULTS) >= each, said
    assert min(judge.verdicts[one] for one in (GENUINE, NOT_GENUINE)) > verifications / 20, said
    wanted = ("OK", SUSPENDED, REVOKED, "SUPERSEDED", NOT_FOUND)
    assert min(judge.reasons[one] for one in wanted) > verifications / 100, said
    assert min(rush.done[one] for one in ("collect", SUSPENDED, VALID, REVOKED)) >= each, said


async def test_no_verdict_is_stale(
    sample_city: SampleCity, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.0)
    async with a_rush(sample_city, fresh_database, seed=1, batch=60, longest=0.5) as made:
        rush, faults = made
        raging = asyncio.create_task(storm(rush, faults, seconds=3, most=60, enough=1_500, each=1))
        await run(rush, raging, writers=10, readers=4, batches=1)
    require_none_stale(rush, faults, verifications=700, each=1)


@pytest.mark.long
async def test_no_verdict_is_stale_in_200_000(
    sample_city: SampleCity, fresh_database: FreshDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAUSE", 2.0)
    async with a_rush(sample_city, fresh_database, seed=2, batch=300, longest=3.0) as made:
        rush, faults = made
        raging = asyncio.create_task(
            storm(rush, faults, seconds=60, most=600, enough=201_000, each=5)
        )
        await run(rush, raging, writers=14, readers=3, batches=4)
    require_none_stale(rush, faults, verifications=200_000, each=5)
