"""Collection (证照归集): each record on its own merits, in order, once, or quarantined."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from builders import (
    Issuer,
    a_citizen_number,
    a_holder,
    altered,
    an_issuer,
    body_of,
    licence_types,
    records,
    trusting,
    with_wrong_check,
)
from licence_format import blocks
from samplecity import SampleHub
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import LicenceIdentifier, build
from zwhub.licences.model import Licence, QuarantinedRecord


async def tables(hub: SampleHub) -> list[int]:
    """How many rows each table of the registry has."""
    names = ["licences", "licence_holders", "licence_statuses", "quarantined_records"]
    async with hub.db.read() as session:
        return [await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in names]  # noqa: S608


async def quarantined(hub: SampleHub, record: str) -> list[QuarantinedRecord]:
    digest = hub.vault.record_key(record.encode())
    async with hub.db.read() as session:
        query = select(QuarantinedRecord).where(QuarantinedRecord.record_digest == digest)
        return list(await session.scalars(query))


def outcomes(found: list[dict[str, Any]]) -> list[str]:
    return [str(one["outcome"]) for one in found]


async def test_a_thousand_records_in_order(
    hub: SampleHub, issuers: Mapping[Algorithm, Issuer]
) -> None:
    makers = [issuers[Algorithm.EDDSA], issuers[Algorithm.ES256]]
    few: Any = {
        "surface": {},
        "name": "证",
        "type_name": "证",
    }  # so that the body stays below 1 MiB
    signed = [makers[i % 2].a_licence(number=f"THOUSAND-{i:04}", **few) for i in range(1_000)]
    found = await hub.collect(*signed)
    assert outcomes(found) == ["ACCEPTED"] * 1_000
    assert [one["index"] for one in found] == list(range(1_000))
    assert [one["licence"]["number"] for one in found] == [f"THOUSAND-{i:04}" for i in range(1_000)]
    before = await tables(hub)
    assert outcomes(await hub.collect(*reversed(signed))) == ["UNCHANGED"] * 1_000
    assert await tables(hub) == before


@pytest.mark.parametrize("count", [251, 1_000])
async def test_the_documents_own_mutation_takes_a_whole_batch(hub: SampleHub, count: int) -> None:
    (document,) = blocks("7. Getting", "graphql")  # its variable is the list itself
    answer = await hub.ask(document, "department", records=[{"jws": "x"}] * count)
    assert answer["data"]["collectLicences"]["quarantined"] == count


@pytest.mark.parametrize("count", [0, 1_001])
async def test_a_batch_of_the_wrong_size_leaves_nothing(
    hub: SampleHub, issuer: Issuer, count: int
) -> None:
    before = await tables(hub)
    good = [issuer.a_licence() for _ in range(min(count, 1))]
    delivered = records([*good, *["x"] * (count - len(good))])
    answer = await hub.ask("collect-licences", "department", input=delivered)
    refused = answer["data"]["collectLicences"]
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", "TOO_MANY")
    assert refused["path"] == ["input", "records"]
    assert await tables(hub) == before


async def test_the_same_record_twice_in_one_delivery(hub: SampleHub, issuer: Issuer) -> None:
    one, other = issuer.a_licence(), issuer.a_licence()
    found = await hub.collect(one, other, one)
    assert outcomes(found) == ["ACCEPTED", "ACCEPTED", "UNCHANGED"]
    assert found[2]["licence"] == found[0]["licence"]


async def test_two_contents_under_one_identifier_in_one_delivery(
    hub: SampleHub, issuer: Issuer
) -> None:
    first = issuer.a_licence(serial="CLASH")
    found = await hub.collect(first, issuer.a_licence(serial="CLASH", name="另一个"))
    assert outcomes(found) == ["ACCEPTED", "QUARANTINED"]
    assert (await hub.verify(jws=first))["verdict"] == "GENUINE"


async def test_two_deliveries_at_once(hub: SampleHub, issuer: Issuer) -> None:
    signed = [issuer.a_licence() for _ in range(50)]
    both = await asyncio.gather(hub.collect(*signed), hub.collect(*signed))
    for pair in zip(*map(outcomes, both), strict=True):
        assert sorted(pair) == ["ACCEPTED", "UNCHANGED"]
    names = [LicenceIdentifier.parse(body_of(one)["identifier"]) for one in signed]
    async with hub.db.read() as session:
        rows = select(func.count()).where(
            Licence.series_key.in_([hub.vault.series_key(name) for name in names])
        )
        assert await session.scalar(rows) == 50


async def test_rival_deliveries_at_once(hub: SampleHub, issuer: Issuer) -> None:
    """Other contents under the same identifiers: one of each wins, the other is quarantined."""
    pairs = [
        (issuer.a_licence(serial=f"RIVAL{i}"), issuer.a_licence(serial=f"RIVAL{i}", name="另"))
        for i in range(20)
    ]
    found = await asyncio.gather(*(hub.collect(*side) for side in zip(*pairs, strict=True)))
    for pair in zip(*map(outcomes, found), strict=True):
        assert sorted(pair) == ["ACCEPTED", "QUARANTINED"]


async def a_bad_record(issuer: Issuer, hub: SampleHub, why: str) -> tuple[str, str, str]:
    """A record, the code of the problem, and what the message must name."""
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body, number = issuer.a_body(), a_citizen_number()
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    other = an_issuer(root=issuer.root, types=[licence_types()["identity-card"]])
    await trusting(hub.db, other)
    taken: Any = {"serial": f"TAKEN{BAD.index(why)}", "number": f"TAKEN-{why}"}
    if why in {"identifier taken", "number taken"}:
        await hub.collect(issuer.a_licence(**taken))
    made: dict[str, tuple[str, str, str]] = {
        "no jws": ("只是文本", "MALFORMED", "three parts"),
        "no body": (issuer.signed({**body, "issuedOn": "2024-13-01"}), "MALFORMED", "$.issuedOn"),
        "a member too many": (issuer.signed({**body, "note": "x"}), "MALFORMED", "$ has a member"),
        "no holders": (issuer.signed({**body, "holders": []}), "MALFORMED", "$.holders"),
        "too long": (issuer.signed(body) + "A" * 65_536, "MALFORMED", "longer than 64 KiB"),
        "unknown type": (issuer.a_licence(type_code="1" * 21), "UNKNOWN_TYPE", "not known"),
        "not authorised": (other.a_licence(), "ISSUER_NOT_AUTHORISED", "may not issue"),
        "not trusted": (an_issuer().a_licence(), "ISSUER_NOT_TRUSTED", "not on the trust list"),
        "broken signature": (altered(issuer.a_licence(), name="伪"), "SIGNATURE_INVALID", "match"),
        "check character": (
            issuer.signed({**body, "identifier": with_wrong_check(body["identifier"])}),
            "CHECK_CHARACTER_WRONG",
            "check character",
        ),
        "citizen number": (
            issuer.a_licence(holders=[a_holder(), a_holder(code=wrong)]),
            "HOLDER_NUMBER_INVALID",
            "$.holders[1].code",
        ),
        "credit code": (
            issuer.a_licence(holders=[a_holder("某公司", "91-XX", "001")]),
            "HOLDER_NUMBER_INVALID",
            "$.holders[0].code",
        ),
        "future": (issuer.a_licence(signed_at=tomorrow), "SIGNED_IN_FUTURE", "future"),
        "identifier taken": (issuer.a_licence(**taken, name="别的"), "IDENTIFIER_TAKEN", ""),
        "number taken": (issuer.a_licence(number=taken["number"]), "NUMBER_TAKEN", ""),
    }
    return made[why]


BAD = [
    "no jws", "no body", "a member too many", "no holders", "too long", "unknown type",
    "not authorised", "not trusted", "broken signature", "check character", "citizen number",
    "credit code", "future", "identifier taken", "number taken",
]  # fmt: skip


@pytest.mark.parametrize("why", BAD)
async def test_a_bad_record_is_quarantined_and_the_good_beside_it_taken(
    hub: SampleHub, issuer: Issuer, why: str
) -> None:
    bad, code, named = await a_bad_record(issuer, hub, why)
    good = issuer.a_licence()
    delivered = records([bad, good])
    answer = await hub.ask("collect-licences", "department", language="en", input=delivered)
    found = answer["data"]["collectLicences"]["records"]
    assert outcomes(found) == ["QUARANTINED", "ACCEPTED"]
    assert found[0]["licence"] is None
    problems = {one["code"]: one["message"] for one in found[0]["problems"]}
    assert code in problems
    assert named in problems[code]
    (row,) = await quarantined(hub, bad[:65_536])
    about = f"quarantine:{row.record_digest}"
    assert hub.vault.reveal(about, row.record).decode() == bad[:65_536]
    assert bad[-40:].encode() not in row.record
    assert code in {one["code"] for one in row.problems}
    assert outcomes(await hub.collect(bad)) == ["QUARANTINED"]
    assert len(await quarantined(hub, bad[:65_536])) == 1  # kept once, however often it comes
    verified = await hub.verify(jws=bad)
    assert verified["verdict"] != "GENUINE"


async def test_every_problem_is_named_not_only_the_first(hub: SampleHub) -> None:
    stranger = an_issuer()
    record = stranger.a_licence(type_code="1" * 21, holders=[a_holder(code="1" * 18)])
    (found,) = await hub.collect(record)
    codes = {one["code"] for one in found["problems"]}
    assert codes >= {"UNKNOWN_TYPE", "HOLDER_NUMBER_INVALID", "ISSUER_NOT_TRUSTED"}


async def test_warnings_do_not_keep_a_record_out(hub: SampleHub, issuer: Issuer) -> None:
    holder = a_holder("某公司", "91350100M000100Y44", "001")  # fails its check character
    (found,) = await hub.collect(issuer.a_licence(holders=[holder]))
    assert found["outcome"] == "ACCEPTED"
    assert [one["code"] for one in found["problems"]] == ["USCC_CHECK_WARNING"]


async def test_a_new_version_supersedes_the_old_at_once(hub: SampleHub, issuer: Issuer) -> None:
    serial, number = "RENEW", "RENEW-1"
    old = issuer.a_licence(serial=serial, number=number)
    await hub.collect(old)
    assert (await hub.verify(number=number))["verdict"] == "GENUINE"  # and now it is cached
    code = body_of(old)["typeCode"]
    newer = issuer.a_licence(serial=serial, number=number, version="002", name="新版")
    await hub.collect(newer)
    found = await hub.verify(number=number)
    assert found["verdict"] == "GENUINE"
    assert await version_under(hub, number) == "002"
    for asked in ({"jws": old}, {"identifier": build(code, issuer.code, serial, 1)}):
        assert (await hub.verify(**asked))["reason"] == "SUPERSEDED"


async def version_under(hub: SampleHub, number: str) -> str:
    """The version that a look-up by number gives now."""
    document = "query($by: LicenceKey!) { licence(by: $by) { version } }"
    answer = await hub.ask(document, "department", by={"number": number})
    return str(answer["data"]["licence"]["version"])


async def test_an_absent_number_that_was_cached_is_found_once_collected(
    hub: SampleHub, issuer: Issuer
) -> None:
    assert (await hub.verify(number="LATE-1"))["reason"] == "NOT_FOUND"
    await hub.collect(issuer.a_licence(number="LATE-1"))
    assert (await hub.verify(number="LATE-1"))["verdict"] == "GENUINE"


@pytest.mark.parametrize("algorithm", Algorithm)
async def test_every_algorithm_is_taken(
    hub: SampleHub, issuers: Mapping[Algorithm, Issuer], algorithm: Algorithm
) -> None:
    record = issuers[algorithm].a_licence()
    assert outcomes(await hub.collect(record)) == ["ACCEPTED"]
    kept = await hub.kept(body_of(record)["identifier"])
    assert hub.vault.signed(kept) == record.encode()  # byte for byte
