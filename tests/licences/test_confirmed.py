"""What the cache says is confirmed (缓存须经确认): an entry that outlived its invalidation harms nobody."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import Issuer, an_issuer, body_of, trusting
from samplecity import OPERATIONS, SampleHub
from zwhub import app
from zwhub.licences import store
from zwhub.licences.compromise_key import compromise_key
from zwhub.licences.gather import _place, packed
from zwhub.licences.trust import trust, trust_list
from zwhub.licences.vault import Slot

LICENCE = "query($by: LicenceKey!) { licence(by: $by) { version status verification { reason } } }"


async def change(hub: SampleHub, number: str, state: str) -> dict[str, Any]:
    asked = {"licence": {"number": number}, "status": state, "reason": "调查", "basis": "试〔1〕号"}
    answer = await hub.ask(OPERATIONS["change-licence-status"], "elsewhere", input=asked)
    changed: dict[str, Any] = answer["data"]["changeLicenceStatus"]
    return changed


async def batch(hub: SampleHub, number: str) -> dict[str, Any]:
    asked = {"licences": [{"number": number}], "purpose": "窗口核对"}
    answer = await hub.ask("verify-licences", "department", input=asked)
    (one,) = answer["data"]["verifyLicences"]["verifications"]
    return {"verdict": one["verdict"], "reason": one["reason"]}


async def test_the_newest_version_is_answered_and_changed(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect(issuer.a_licence(serial="OLD", number="OLD"))
    assert (await hub.verify(number="OLD"))["verdict"] == "GENUINE"
    await hub.collect(issuer.a_licence(serial="OLD", number="OLD", version="002"))
    assert await batch(hub, "OLD") == {"verdict": "GENUINE", "reason": "OK"}
    assert (await hub.verify(number="OLD"))["reason"] == "OK"
    found = (await hub.ask(LICENCE, "department", by={"number": "OLD"}))["data"]["licence"]
    assert found == {"version": "002", "status": "VALID", "verification": {"reason": "OK"}}
    changed = await change(hub, "OLD", "REVOKED")
    assert changed["__typename"] == "Licence", changed
    assert (await hub.verify(number="OLD"))["reason"] == "REVOKED"


async def test_an_absence_ends_when_the_licence_is_collected(
    hub: SampleHub, issuer: Issuer
) -> None:
    for _ in range(2):
        assert (await hub.verify(number="LATE"))["reason"] == "NOT_FOUND"
    await hub.collect(issuer.a_licence(number="LATE"))
    assert (await hub.verify(number="LATE"))["verdict"] == "GENUINE"


async def test_records_come_out_of_the_cache(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect(record := issuer.a_licence(number="WARM"))
    cache = hub.hub.cache
    for by in ({"number": "WARM"}, {"identifier": body_of(record)["identifier"]}):
        assert (await hub.verify(**by))["verdict"] == "GENUINE"
        hits, misses = cache.hits, cache.misses
        assert (await hub.verify(**by))["verdict"] == "GENUINE"
        assert (cache.hits, cache.misses) == (hits + 1, misses)


async def test_a_cache_that_serves_another_database_too_is_not_believed(
    hub: SampleHub, issuer: Issuer
) -> None:
    """An entry leads to a row of the other database; the name leads to one of this."""
    record = issuer.a_licence(number="SHARED")
    await hub.collect(record)
    place = _place(Slot(hub.vault.number_key("SHARED"), 1))
    other = await hub.kept(body_of(await collected(hub, issuer, "ANOTHER"))["identifier"])
    await hub.hub.cache.set(place, packed(other), 60)
    assert (await hub.verify(number="SHARED"))["verdict"] == "GENUINE"


@pytest.mark.parametrize("rubbish", [b"", b"x" * 33, b"\xff" * 60], ids=["empty", "short", "huge"])
async def test_rubbish_in_the_cache_is_a_miss(
    hub: SampleHub, issuer: Issuer, rubbish: bytes
) -> None:
    number = f"RUBBISH-{len(rubbish)}"
    await hub.collect(issuer.a_licence(number=number))
    await hub.hub.cache.set(_place(Slot(hub.vault.number_key(number), 1)), rubbish, 60)
    assert (await hub.verify(number=number))["verdict"] == "GENUINE"


async def test_another_record_under_a_number_is_no_answer(hub: SampleHub, issuer: Issuer) -> None:
    """Whoever can write into the cache cannot make one licence pass for another."""
    await hub.collect(record := issuer.a_licence(number="MINE"))
    row = await hub.kept(body_of(record)["identifier"])
    other = await hub.kept(body_of(await collected(hub, issuer, "THEIRS"))["identifier"])
    place = _place(Slot(hub.vault.number_key("MINE"), row.version))
    await hub.hub.cache.set(place, packed(other._replace(id=row.id)), 60)
    found = await hub.verify(number="MINE")
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "MALFORMED")


async def collected(hub: SampleHub, issuer: Issuer, number: str) -> str:
    await hub.collect(record := issuer.a_licence(number=number))
    return record


async def test_a_look_up_that_began_before_is_not_the_answer_to_a_younger(
    hub: SampleHub, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, read, may_tell = store.newest_named, asyncio.Event(), asyncio.Event()

    async def slow(*given: Any) -> Any:
        found = await named(*given)
        read.set()
        await may_tell.wait()
        return found

    monkeypatch.setattr(store, "newest_named", slow)
    older = asyncio.create_task(hub.verify(number="SLOW"))
    await read.wait()
    await hub.collect(issuer.a_licence(number="SLOW"))
    younger = asyncio.create_task(hub.verify(number="SLOW"))
    await asyncio.sleep(0.2)
    may_tell.set()
    assert (await older)["reason"] == "NOT_FOUND"
    assert (await younger)["verdict"] == "GENUINE"


async def test_a_lagging_clock_sees_what_was_acknowledged(
    hub: SampleHub, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.collect(issuer.a_licence(number="LAG"))
    changed = await change(hub, "LAG", "SUSPENDED")
    assert changed["status"] == "SUSPENDED", changed
    before = datetime.now(UTC) - timedelta(minutes=1)

    class Lagging(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) - timedelta(seconds=5)

    monkeypatch.setattr(app, "datetime", Lagging)
    assert (await hub.verify(number="LAG"))["reason"] == "SUSPENDED"
    assert (await batch(hub, "LAG"))["reason"] == "SUSPENDED"
    found = (await hub.ask(LICENCE, "department", by={"number": "LAG"}))["data"]["licence"]
    assert (found["status"], found["verification"]["reason"]) == ("SUSPENDED", "SUSPENDED")
    then = await hub.verify(number="LAG", asOf=before.isoformat())
    assert then["verdict"] == "GENUINE"  # "was it valid then" is another question


async def test_a_key_compromised_by_a_clock_that_leads_is_believed_no_more(
    hub: SampleHub,
) -> None:
    maker, ahead = an_issuer(), datetime.now(UTC) + timedelta(seconds=5)
    await trusting(hub.db, maker)
    await hub.collect(maker.a_licence(number="LOST"))
    assert (await hub.verify(number="LOST"))["verdict"] == "GENUINE"
    async with hub.db.write() as session:
        await compromise_key(session, maker.kid, ahead, ahead)
    # What the hub held before stays good, for nobody else made that; nothing new is believed.
    assert (await hub.verify(number="LOST"))["verdict"] == "GENUINE"
    forged = maker.a_licence(number="FORGED")
    (one,) = await hub.collect(forged)
    assert one["problems"][0]["code"] == "ISSUER_NOT_TRUSTED"
    assert (await hub.verify(jws=forged))["verdict"] != "GENUINE"


async def test_a_key_lost_since_nobody_knows_when_by_a_clock_that_leads(hub: SampleHub) -> None:
    maker, ahead = an_issuer(), datetime.now(UTC) + timedelta(seconds=5)
    await trusting(hub.db, maker)
    await hub.collect(maker.a_licence(number="LOST-2"))
    assert (await hub.verify(number="LOST-2"))["verdict"] == "GENUINE"
    async with hub.db.write() as session:
        await compromise_key(session, maker.kid, None, ahead)
    assert (await hub.verify(number="LOST-2"))["reason"] == "ISSUER_NOT_TRUSTED"


async def test_versions_of_the_trust_list_appear_in_their_order(hub: SampleHub) -> None:
    one, other, now = an_issuer(), an_issuer(), datetime.now(UTC)

    async def second() -> None:
        async with hub.db.write() as session:
            await trust(session, [], [other.trusted()], now)

    async with hub.db.write() as session:
        await trust(session, [one.root.certificate], [one.trusted()], now)
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.3)
        assert not waiting.done()  # a higher version must not be seen before this one
    await waiting
    async with hub.db.read() as session:
        listed = await trust_list(session, hub.hub.trust)
    assert {one.kid, other.kid} <= set(listed.keys)
