"""Status lists follow the registry (状态列表跟进): whole at first, then change by change."""

import asyncio
import zlib
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from statistics import median
from time import monotonic
from typing import Any
from uuid import UUID

import jwt
import pytest
from jwt import PyJWKSet
from sqlalchemy import insert, select

from builders import Issuer
from samplecity import OPERATIONS, SampleCity, SampleHub, a_hub
from servers import FreshDatabase, ServerUrls
from zwhub.kernel.clock import civil_date
from zwhub.kernel.status_book import SIZE, Place, StatusBook
from zwhub.kernel.status_lists import INVALID, SUSPENDED, UNKNOWN, VALID
from zwhub.licences import status_list, status_store
from zwhub.licences.model import Licence, LicenceName, LicenceStatus
from zwhub.licences.status import CODES, LicenceState
from zwhub.licences.status_list import StatusLists

ENTRY = "query($n: String!) { licence(by: {number: $n}) { statusListEntry { uri index } } }"


def now() -> datetime:
    return datetime.now(UTC)


def a_reader(hub: SampleHub) -> StatusLists:
    """A reader of its own, beside the hub's, which reads whenever it likes."""
    return StatusLists(hub.db, StatusBook("https://hub.example"))


async def a_number(hub: SampleHub, issuer: Issuer, **changes: Any) -> str:
    (one,) = await hub.collect(issuer.a_licence(**changes))
    assert one["outcome"] == "ACCEPTED", one
    return str(one["licence"]["number"])


async def row_id(hub: SampleHub, number: str, version: int = 1) -> int:
    name = LicenceName.key == hub.vault.number_key(number)
    query = select(LicenceName.licence_id).where(name, LicenceName.version == version)
    async with hub.db.read() as session:
        return int((await session.scalars(query)).one())


def status(book: StatusBook, licence_id: int) -> int:
    place = Place.of(licence_id)
    list_ = book.snapshot(place.number)
    assert list_ is not None
    return list_.statuses[place.index]


async def change(hub: SampleHub, number: str, state: str) -> None:
    asked = {"licence": {"number": number}, "status": state, "reason": "调查", "basis": "试〔1〕号"}
    answer = await hub.ask(OPERATIONS["change-licence-status"], "elsewhere", input=asked)
    assert answer["data"]["changeLicenceStatus"]["__typename"] == "Licence", answer


async def test_a_change_is_in_the_list_within_five_seconds(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    licence_id, book = await row_id(hub, number), hub.hub.status_lists
    expected = {"VALID": VALID, "SUSPENDED": SUSPENDED, "REVOKED": INVALID}
    waited = []
    for state in ("VALID", "SUSPENDED", "VALID", "REVOKED"):
        if state != "VALID" or status(book, licence_id) == SUSPENDED:
            await change(hub, number, state)
        began = monotonic()
        while book.read_at is None or status(book, licence_id) != expected[state]:
            assert monotonic() - began < 60
            await asyncio.sleep(0.05)
        waited.append(monotonic() - began)
    assert median(waited) < 5  # one moment of a busy machine says nothing


async def test_a_list_whose_clock_lags_follows_a_change(hub: SampleHub, issuer: Issuer) -> None:
    number, reader = await a_number(hub, issuer), a_reader(hub)
    await reader.refresh(now())
    await change(hub, number, "SUSPENDED")
    for late in (5, 4, 0):  # what was read once is not read again
        await reader.refresh(now() - timedelta(seconds=late))
        assert status(reader.book, await row_id(hub, number)) == SUSPENDED


async def test_every_licence_stands_in_the_list_as_a_verdict_finds_it(hub: SampleHub) -> None:
    """The sample has licences in every state, and superseded ones."""
    reader = a_reader(hub)
    await reader.refresh(now())
    async with hub.db.read() as session:
        rows = (
            await session.execute(select(Licence.id, Licence.series_key, Licence.version))
        ).all()
        entries = (
            await session.execute(
                select(LicenceStatus.licence_id, LicenceStatus.code).order_by(
                    LicenceStatus.recorded_at, LicenceStatus.id
                )
            )
        ).all()
    states = {licence_id: CODES[code] for licence_id, code in entries}
    newest: dict[UUID, int] = {}
    for _, series, version in rows:
        newest[series] = max(version, newest.get(series, 0))
    said = {LicenceState.VALID: VALID, LicenceState.SUSPENDED: SUSPENDED}
    expected = {
        one: INVALID
        if version < newest[series]
        else said.get(states.get(one, LicenceState.VALID), INVALID)
        for one, series, version in rows
    }
    assert {VALID, SUSPENDED, INVALID} == set(expected.values())
    assert {one: status(reader.book, one) for one in expected} == expected
    taken = max(expected)
    for nobody in (taken + 100_000, SIZE):
        assert status(reader.book, nobody) == UNKNOWN


async def test_a_newer_version_makes_the_older_one_invalid(hub: SampleHub, issuer: Issuer) -> None:
    reader = a_reader(hub)
    serial, number = "LISTED0001", "示A·L0001"
    await a_number(hub, issuer, serial=serial, number=number)
    await reader.refresh(now())
    old = await row_id(hub, number)
    assert status(reader.book, old) == VALID
    await a_number(
        hub,
        issuer,
        serial=serial,
        number=number,
        version="002",
        operation="变更",
        previous=issuer.a_body(serial=serial)["identifier"],
    )
    await reader.refresh(now())
    assert status(reader.book, old) == INVALID
    assert status(reader.book, await row_id(hub, number, 2)) == VALID
    again = a_reader(hub)
    await again.refresh(now())
    assert status(again.book, old) == INVALID


async def test_a_version_issued_ahead_counts_from_its_day_on(
    hub: SampleHub, issuer: Issuer
) -> None:
    serial, number = "LISTED0002", "示A·L0002"
    previous = issuer.a_body(serial=serial)["identifier"]
    await a_number(hub, issuer, serial=serial, number=number)
    newer = {"version": "002", "operation": "变更", "previous": previous}
    old, tomorrow = await row_id(hub, number), now() + timedelta(days=1)
    before = a_reader(hub)
    await before.refresh(now())
    (one,) = await hub.collect(
        issuer.a_licence(serial=serial, number=number, **newer, issued_on=civil_date(tomorrow))
    )
    assert one["outcome"] == "ACCEPTED", one
    after = a_reader(hub)
    for reader in (before, after):  # by its changes, and whole
        await reader.refresh(now())
        assert status(reader.book, old) == VALID
        await reader.refresh(tomorrow)
        assert status(reader.book, old) == INVALID
        assert reader._ahead == {}


async def test_states_by_code(hub: SampleHub, issuer: Issuer) -> None:
    numbers = {code: await a_number(hub, issuer) for code in CODES}
    reader = a_reader(hub)
    await reader.refresh(now())
    ids = {code: await row_id(hub, number) for code, number in numbers.items()}
    async with hub.db.write() as session:
        for code in CODES:
            row = a_standing(ids[code], code, now())
            await session.execute(insert(LicenceStatus), [row])
        ahead = a_standing(ids["01"], "03", now() + timedelta(days=9))  # not in effect yet
        await session.execute(insert(LicenceStatus), [ahead])
    found = []
    for one in (reader, a_reader(hub)):  # by its changes, and whole
        await one.refresh(now())
        found.append("".join(str(status(one.book, ids[code])) for code in CODES))
    assert list(CODES) == ["01", "02", "03", "04", "05", "06", "07", "99"]
    assert found == ["02111113"] * 2


def a_standing(licence_id: int, code: str, since: datetime) -> dict[str, Any]:
    return {
        "licence_id": licence_id,
        "code": code,
        "since": since,
        "recorded_at": now(),
        "reason": "调查",
    }


async def test_a_lower_row_that_commits_later_is_not_missed(hub: SampleHub, issuer: Issuer) -> None:
    """Row ids are given out first and committed in any order."""
    early, late, third = [await row_id(hub, await a_number(hub, issuer)) for _ in range(3)]
    reader = a_reader(hub)
    await reader.refresh(now())
    async with hub.db.write() as slow:
        await suspend(slow, early)  # a lower row id, not committed yet
        async with hub.db.write() as quick:
            await suspend(quick, late)
        for _ in range(3):
            await reader.refresh(now())
            assert status(reader.book, late) == SUSPENDED
            assert status(reader.book, early) == VALID
        async with hub.db.write() as other:
            await suspend(other, third)
            await slow.commit()
            await reader.refresh(now())
            assert status(reader.book, early) == SUSPENDED
            assert status(reader.book, third) == VALID
    await reader.refresh(now())
    assert status(reader.book, third) == SUSPENDED


async def suspend(session: Any, licence_id: int) -> None:
    await session.execute(select(Licence.id).where(Licence.id == licence_id).with_for_update())
    await session.execute(insert(LicenceStatus), [a_standing(licence_id, "02", now())])


async def test_what_is_settled_is_not_read_again(hub: SampleHub, issuer: Issuer) -> None:
    reader = a_reader(hub)
    await reader.refresh(now())
    await a_number(hub, issuer)
    async with hub.db.read() as session:
        newest = (await status_store.mark(session)).newest
    # Other tests' databases share the server: their writers, too, are waited for.
    for _ in range(100):
        await reader.refresh(now())
        if reader._settled == newest:
            break
        await asyncio.sleep(0.05)
    assert reader._settled == newest
    list_ = reader.book.snapshot(1)
    await reader.refresh(now())
    assert reader.book.snapshot(1) == list_


async def test_too_many_changes_are_read_whole(
    hub: SampleHub, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = a_reader(hub)
    await reader.refresh(now())
    monkeypatch.setattr(status_list, "MOST_CHANGES", 2)
    first, *others = [await row_id(hub, await a_number(hub, issuer)) for _ in range(3)]
    async with hub.db.write() as session:  # many rows of one licence are many rows
        for code in ("02", "01", "02"):
            await session.execute(insert(LicenceStatus), [a_standing(first, code, now())])
    await reader.refresh(now())
    assert [status(reader.book, one) for one in (first, *others)] == [SUSPENDED, VALID, VALID]


async def test_the_entry_of_a_licence_and_the_lists(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    answer = await hub.ask(ENTRY, "department", n=number)
    uri = f"{hub.hub.status_lists.issuer}/status-lists/1"
    expected = {"uri": uri, "index": await row_id(hub, number) - 1}
    assert answer["data"]["licence"]["statusListEntry"] == expected
    answer = await hub.ask("{ statusLists { id uri size } }", "anonymous")
    assert answer["data"]["statusLists"] == [{"id": "1", "uri": uri, "size": 1_048_576}]


@pytest.fixture
async def two_hubs(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: ServerUrls
) -> AsyncIterator[tuple[SampleHub, SampleHub]]:
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url) as one,
        a_hub(sample_city, url, server_urls.redis_url) as other,
    ):
        yield one, other


async def test_two_hubs_serve_the_same_list(two_hubs: tuple[SampleHub, SampleHub]) -> None:
    one, other = two_hubs
    async with one.db.read() as session:
        changed = select(LicenceStatus.licence_id)
        valid = select(Licence.id).where(Licence.version == 1, Licence.id.not_in(changed))
        licence_id = int((await session.scalars(valid.order_by(Licence.id).limit(1))).one())
    books = [one.hub.status_lists, other.hub.status_lists]
    began = monotonic()
    while None in [book.read_at for book in books]:
        assert monotonic() - began < 60
        await asyncio.sleep(0.05)
    before = await etag(one)
    assert before == await etag(other)
    async with one.db.write() as session:
        await session.execute(insert(LicenceStatus), [a_standing(licence_id, "02", now())])
    began = monotonic()
    while [status(book, licence_id) for book in books] != [SUSPENDED] * 2:
        assert monotonic() - began < 60
        await asyncio.sleep(0.05)
    assert await etag(one) == await etag(other) != before


async def etag(hub: SampleHub) -> str:
    return (await hub.http.get("/status-lists/1")).headers["etag"]


async def test_the_served_list_checks_out_against_the_published_keys(
    hub: SampleHub, issuer: Issuer
) -> None:
    number = await a_number(hub, issuer)
    await change(hub, number, "SUSPENDED")
    index, began = await row_id(hub, number) - 1, monotonic()
    keys = PyJWKSet.from_dict((await hub.http.get("/.well-known/jwks.json")).json())
    found = UNKNOWN
    while found != SUSPENDED:
        assert monotonic() - began < 60
        await asyncio.sleep(0.2)
        answer = await hub.http.get("/status-lists/1", headers={"accept": "*/*"})
        if answer.status_code == 503:
            continue
        kid = jwt.get_unverified_header(answer.text)["kid"]
        list_ = jwt.decode(answer.text, keys[kid], algorithms=["ES256"])["status_list"]
        octets = zlib.decompress(urlsafe_b64decode(list_["lst"] + "=="))
        found = octets[index // 4] >> index % 4 * 2 & 3
