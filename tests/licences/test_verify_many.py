"""Verification of many (批量核验): as one by one, in order, each traced, under one receipt."""

import json
from collections import Counter
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from builders import Issuer, altered
from samplecity import OPERATIONS, SampleHub
from zwhub.kernel.crypto.receipts import read_receipt
from zwhub.licences import store
from zwhub.licences.model import Licence, Verification

CHECKED = """mutation($input: VerifyLicencesInput!) { verifyLicences(input: $input) {
  ... on VerificationBatch { receipt verifications {
    id verdict reason checks { name outcome } licence { identifier } } } } }"""


async def batch(
    hub: SampleHub, licences: list[dict[str, str]], document: str = "", **more: Any
) -> dict[str, Any]:
    asked = {"licences": licences, "purpose": "批量核对", **more}
    text = document or OPERATIONS["verify-licences"]
    answer = await hub.ask(text, "department", input=asked)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["verifyLicences"]
    return found


async def identifiers(hub: SampleHub) -> list[str]:
    async with hub.db.read() as session:
        rows = await store.by_ids(hub.db.reads, (await session.scalars(select(Licence.id))).all())
    held = [hub.vault.held(row) for row in sorted(rows)]
    return [str(one.body.identifier) for one in held]


async def test_every_way_to_name_one(hub: SampleHub, issuer: Issuer) -> None:
    record, unseen = issuer.a_licence(number="示A·M0001"), issuer.a_licence()
    (one,) = await hub.collect(record)
    asked = [
        {"number": "示A·M0001"},
        {"jws": record},
        {"number": "示A·NOBODY"},
        {"jws": "not.a.record"},
        {"jws": unseen},
        {"jws": altered(record, validUntil="2099-12-31")},
        {"identifier": "1.2.156.3005.2.NOBODY"},
        {"number": "示A·M0001"},
    ]
    found = await batch(hub, asked)
    reasons = [each["reason"] for each in found["verifications"]]
    assert reasons == [
        *("OK", "OK", "NOT_FOUND", "MALFORMED", "NOT_REGISTERED"),
        *("RECORD_DIFFERS", "NOT_FOUND", "OK"),
    ]
    held = [each["licence"] for each in found["verifications"]]
    assert [each and each["number"] for each in held] == [
        *("示A·M0001", "示A·M0001", None, None, None, None, None, "示A·M0001")
    ]
    counts = {each["verdict"]: each["count"] for each in found["counts"]}
    assert counts == {"GENUINE": 3, "NOT_GENUINE": 4, "INDETERMINATE": 1}
    assert one["outcome"] == "ACCEPTED"


async def test_it_says_of_the_whole_city_what_one_by_one_says(hub: SampleHub) -> None:
    names = await identifiers(hub)
    found = await batch(hub, [{"identifier": name} for name in names], CHECKED)
    together = found["verifications"]
    assert [each["licence"]["identifier"] for each in together] == names
    assert len(Counter(each["reason"] for each in together)) >= 8
    for name, each in list(zip(names, together, strict=True))[::17]:
        alone = await hub.verify(identifier=name)
        checks = [{k: check[k] for k in ("name", "outcome")} for check in alone["checks"]]
        assert (each["verdict"], each["reason"]) == (alone["verdict"], alone["reason"])
        assert each["checks"] == checks


async def test_the_receipt_covers_every_result(hub: SampleHub) -> None:
    names = (await identifiers(hub))[:20]
    found = await batch(hub, [{"identifier": name} for name in names], CHECKED)
    keys = (await hub.http.get("/.well-known/jwks.json")).json()
    claims = read_receipt(found["receipt"], keys)
    results = [
        [each["licence"]["identifier"], each["verdict"], each["reason"]]
        for each in found["verifications"]
    ]
    listed = json.dumps(results, ensure_ascii=False, separators=(",", ":")).encode()
    assert claims["resultsSha256"] == sha256(listed).hexdigest()
    assert sum(claims["counts"].values()) == len(names)
    one = found["verifications"][0]["id"]
    seen = await hub.ask(
        "query($id: ID!) { verification(id: $id) { receipt purpose } }", "department", id=one
    )
    assert seen["data"]["verification"] == {"receipt": found["receipt"], "purpose": "批量核对"}


async def test_each_leaves_its_trace(hub: SampleHub) -> None:
    names = (await identifiers(hub))[:3]
    asked = [{"identifier": name} for name in names] + [{"number": "示A·NOBODY"}]
    await batch(hub, asked, caseNumber="B-1")
    async with hub.db.read() as session:
        query = select(Verification).where(Verification.case_number == "B-1")
        traces = (await session.scalars(query)).all()
    assert len(traces) == len(asked)
    assert len({trace.batch_id for trace in traces}) == 1
    assert sum(trace.licence_id is None for trace in traces) == 1
    assert {trace.purpose for trace in traces} == {"批量核对"}


async def test_refused_batches(hub: SampleHub) -> None:
    one = {"number": "示A·NOBODY"}
    for many in ([], [one] * 1001):
        assert (await batch(hub, many))["code"] == "TOO_MANY"
    assert (await batch(hub, [one], purpose=" "))["path"] == ["input", "purpose"]
    future = await batch(hub, [one], asOf="2999-01-01T00:00:00+08:00")
    assert future["path"] == ["input", "asOf"]
    assert len((await batch(hub, [one] * 1000))["verifications"]) == 1000


async def test_the_licences_may_come_as_a_variable_of_their_own(hub: SampleHub) -> None:
    document = """mutation($l: [LicenceBy!]!) { verifyLicences(input: {licences: $l, purpose: "核对"}) {
      ... on VerificationBatch { counts { count } } ... on UserError { code } } }"""
    for count in (251, 1_000):
        answer = await hub.ask(document, "department", l=[{"number": "NOBODY"}] * count)
        assert count in [one["count"] for one in answer["data"]["verifyLicences"]["counts"]]
    refused = await hub.ask(document, "department", l=[{"number": "NOBODY"}] * 1_001)
    assert refused["data"]["verifyLicences"]["code"] == "TOO_MANY"
