"""The trace of a verification (核验留痕), and the receipt that names it."""

import base64
import json
from datetime import datetime

import pytest
from sqlalchemy import func, select

from builders import Issuer, a_citizen_number, a_holder, altered, an_issuer, body_of
from samplecity import SampleHub
from zwhub.graph.node import read_global_id
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.receipts import BadReceipt, read_receipt
from zwhub.licences.model import Verification

ROWS = select(func.count()).select_from(Verification)


async def count(hub: SampleHub) -> int:
    async with hub.db.read() as session:
        return int(await session.scalar(ROWS) or 0)


async def newest(hub: SampleHub) -> Verification:
    async with hub.db.read() as session:
        row = await session.scalar(select(Verification).order_by(Verification.id.desc()).limit(1))
    assert row is not None
    return row


@pytest.mark.parametrize("kind", ["genuine", "forged", "never listed", "malformed", "not found"])
async def test_every_verdict_leaves_its_trace(hub: SampleHub, issuer: Issuer, kind: str) -> None:
    number = a_citizen_number()
    record = issuer.a_licence(number=number, holders=[a_holder("王小明", number)])
    if kind == "genuine":
        await hub.collect(record)
    asked = {
        "genuine": {"number": number},
        "forged": {"jws": altered(record, name="伪造")},
        "never listed": {"jws": an_issuer().a_licence(holders=[a_holder("王小明", number)])},
        "malformed": {"jws": number},
        "not found": {"number": number},
    }[kind]
    before = await count(hub)
    claim = {"code": number, "name": "王小明"}
    found = await hub.verify(**asked, holder=claim, purpose=" 窗口 ", caseNumber="BJ-1")
    row = await newest(hub)
    assert await count(hub) == before + 1
    assert read_global_id(found["id"]) == ("Verification", str(row.id))
    assert (row.verdict, row.reason) == (found["verdict"], found["reason"])
    assert (row.purpose, row.case_number) == ("窗口", "BJ-1")
    assert row.organisation == "1199000000000049X7"
    assert [one["outcome"] for one in row.checks] == [one["outcome"] for one in found["checks"]]
    assert (row.licence_id is not None) == (kind == "genuine")
    kept = str(vars(row)) + str(_payload(row.receipt))
    assert number not in kept
    assert "王小明" not in kept


@pytest.mark.parametrize("what", ["the purpose is empty", "the moment is to come", "the role"])
async def test_a_refused_question_leaves_none(hub: SampleHub, what: str) -> None:
    before = await count(hub)
    if what == "the purpose is empty":
        await hub.verify(number="1", purpose="")
    elif what == "the role":
        await hub.verify(number="1", persona="clerk")
    else:
        await hub.verify(number="1", asOf="2999-01-01T00:00:00Z")
    assert await count(hub) == before


async def test_the_receipt_checks_offline(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    found = await hub.verify(jws=record, purpose="离线", caseNumber="BJ-2", holder={"name": "谁"})
    jwks = (await hub.http.get("/.well-known/jwks.json")).json()
    said = read_receipt(found["receipt"], jwks)
    assert said["verdict"] == found["verdict"] == "NOT_GENUINE"
    assert said["reason"] == found["reason"] == "HOLDER_MISMATCH"
    assert said["licence"] == {
        "identifier": body_of(record)["identifier"],
        "recordSha256": sha256_hex(record.encode()),
    }
    assert said["asked"] == {"by": "JWS", "masked": None, "holderClaimed": True}
    assert (said["purpose"], said["caseNumber"]) == ("离线", "BJ-2")
    assert datetime.fromisoformat(said["asOf"]) == datetime.fromisoformat(found["asOf"])
    assert said["trustListVersion"] == found["trustListVersion"]
    assert said["statusVersion"] == found["statusVersion"]
    assert [one["name"] for one in said["checks"]] == [one["name"] for one in found["checks"]]
    assert f"Verification:{said['jti']}" == ":".join(read_global_id(found["id"]))


async def test_an_altered_receipt_does_not(hub: SampleHub) -> None:
    found = await hub.verify(number="NO-SUCH-RECEIPT")
    jwks = (await hub.http.get("/.well-known/jwks.json")).json()
    with pytest.raises(BadReceipt):
        read_receipt(altered(found["receipt"], verdict="GENUINE"), jwks)
    with pytest.raises(BadReceipt):
        read_receipt(found["receipt"], {"keys": []})


async def test_the_trace_can_be_asked_for_again(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    found = await hub.verify(jws=record)
    document = """query($id: ID!) { verification(id: $id) {
        verdict reason asOf verifiedAt receipt checks { name outcome detail } licence { number }
    } }"""
    again = (await hub.ask(document, "department", id=found["id"]))["data"]["verification"]
    assert again == {name: found[name] for name in again if name != "licence"} | {
        "licence": {"number": found["licence"]["number"]}
    }


def _payload(jws: str) -> object:
    part = jws.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
