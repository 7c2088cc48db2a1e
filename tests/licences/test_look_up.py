"""Looking up a licence (证照查询): one's own, or another's with masks and a trace."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from builders import Issuer, a_holder, an_issuer, body_of
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, SampleHub
from zwhub.graph.node import read_global_id
from zwhub.kernel.crypto.jws import parse
from zwhub.licences.model import Licence, LicenceReading
from zwhub.licences.vault import Kept, Slot

DOCUMENT = """query($by: LicenceKey!) { licence(by: $by) {
    id number identifier version validFrom validUntil region algorithm signedAt
    holders { name code codeType } surface { name value }
    type { key } issuer { code } status statusHistory { status since reason }
    verification { verdict reason checks { name outcome clause } }
} }"""


async def readings(hub: SampleHub, hidden: str) -> int:
    licence_id = hub.hub.ids.find("Licence", hidden)
    async with hub.db.read() as session:
        rows = select(func.count()).where(LicenceReading.licence_id == licence_id)
        return int(await session.scalar(rows) or 0)


async def test_ones_own_licence_in_full(hub: SampleHub, issuer: Issuer) -> None:
    holder = a_holder(CITIZEN_NAME, CITIZEN)
    record = issuer.a_licence(number="L-1", holders=[holder], surface={"颜色": "白"})
    await hub.collect(record)
    body = body_of(record)
    for by in ({"number": "L-1"}, {"identifier": body["identifier"]}):
        found = (await hub.ask(DOCUMENT, "citizen", by=by))["data"]["licence"]
        assert found["identifier"] == body["identifier"]
        assert found["holders"] == [holder]
        assert found["surface"] == [{"name": "颜色", "value": "白"}]
        assert (found["type"]["key"], found["issuer"]["code"]) == ("vehicle-licence", issuer.code)
        assert (found["status"], found["algorithm"]) == ("VALID", "ES256")
        assert [one["status"] for one in found["statusHistory"]] == ["VALID"]
        assert found["verification"]["verdict"] == "GENUINE"
        kind, key = read_global_id(found["id"])
        assert kind == "Licence"
        assert await readings(hub, key) == 0
        again = (await hub.ask(DOCUMENT, "citizen", by={"id": found["id"]}))["data"]["licence"]
        assert again == found


async def test_a_systems_look_is_masked_and_traced(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect(issuer.a_licence(number="L-2", holders=[a_holder(CITIZEN_NAME, CITIZEN)]))
    found = (await hub.ask(DOCUMENT, "department", by={"number": "L-2"}))["data"]["licence"]
    assert found["holders"] == [{"name": "林**", "code": "990***********9982", "codeType": "111"}]
    assert found["surface"] is None
    _, key = read_global_id(found["id"])
    assert await readings(hub, key) == 1
    async with hub.db.read() as session:
        licence_id = hub.hub.ids.find("Licence", key)
        query = select(LicenceReading).where(LicenceReading.licence_id == licence_id)
        row = await session.scalar(query)
    assert row is not None
    assert row.organisation == "1199000000000049X7"


async def test_anothers_licence_looks_like_none(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect(issuer.a_licence(number="L-3"))
    for number in ("L-3", "L-NO-SUCH"):
        answer = await hub.ask(DOCUMENT, "citizen", by={"number": number})
        assert answer == {"data": {"licence": None}}


async def test_an_enterprise_sees_its_own(hub: SampleHub, issuer: Issuer) -> None:
    holder = a_holder("某餐饮公司", ENTERPRISE, "001")
    await hub.collect(issuer.a_licence(number="L-4", holders=[holder]))
    found = (await hub.ask(DOCUMENT, "enterprise", by={"number": "L-4"}))["data"]["licence"]
    assert found["holders"] == [holder]


@pytest.mark.parametrize(
    "by", [{"number": ""}, {"identifier": ""}, {"id": "x"}, {"id": "TGljZW5jZTo5OTk5OTk5"}]
)
async def test_a_strange_name_finds_nothing(hub: SampleHub, by: dict[str, str]) -> None:
    for persona in ("citizen", "department"):
        assert await hub.ask(DOCUMENT, persona, by=by) == {"data": {"licence": None}}


@pytest.mark.parametrize("by", [{}, {"number": "a", "identifier": "b"}, {"number": None}])
async def test_exactly_one_way_to_name_it(hub: SampleHub, by: dict[str, str]) -> None:
    answer = await hub.ask(DOCUMENT, "citizen", by=by)
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["BAD_USER_INPUT"]


def flipped(hub: SampleHub, row: Licence) -> bytes:
    return row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])


def another_row(hub: SampleHub, row: Licence) -> bytes:
    signed = hub.vault.signed(
        Kept(row.id, row.series_key, row.version, row.sealed, row.collected_at)
    )
    return hub.vault.seal(Slot(row.series_key, row.version + 1), parse(signed))


def rubbish(hub: SampleHub, row: Licence) -> bytes:
    slot = Slot(row.series_key, row.version)
    return hub.vault.seal(slot, parse(an_issuer().signed({"rubbish": "here"})))


@pytest.mark.parametrize("spoilt", [flipped, another_row, rubbish])
async def test_a_record_spoilt_in_the_database_is_told_as_such(
    hub: SampleHub, issuer: Issuer, spoilt: Callable[[SampleHub, Licence], bytes]
) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    name = body_of(record)["identifier"]
    licence_id = (await hub.kept(name)).id
    async with hub.db.write() as session:
        row = await session.get_one(Licence, licence_id)
        row.sealed = spoilt(hub, row)
    answer = await hub.ask(DOCUMENT, "department", by={"identifier": name})
    assert answer == {"data": {"licence": None}}
    assert (await hub.verify(identifier=name))["reason"] == "MALFORMED"
    assert (await hub.verify(jws=record))["reason"] == "RECORD_DIFFERS"
