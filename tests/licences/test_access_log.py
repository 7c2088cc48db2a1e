"""The access log (调阅记录): who looked at my licences, and a proof that anybody can check."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import text

from builders import Issuer, a_citizen_number, a_holder
from ledgers import a_reading
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, SampleHub, statements
from zwhub.app import existing_ledger_key
from zwhub.kernel.merkle import leaf_hash
from zwhub.kernel.merkle_proofs import includes
from zwhub.licences import store_growth as growing
from zwhub.licences import store_ledger as ledger
from zwhub.licences.entry import entries_of

DOCUMENT = """query($first: Int!, $after: String) { accessLog(first: $first, after: $after) {
    totalCount { value isExact } pageInfo { hasNextPage endCursor }
    edges { node { at action purpose caseNumber entry by { code name }
        licence { number holders { name code } }
        proof { index treeSize rootHash path leafHash checkpoint } } }
} }"""


async def log_of(hub: SampleHub, persona: str = "citizen", **asked: Any) -> list[dict[str, Any]]:
    answer = await hub.ask(DOCUMENT, persona, **{"first": 100, **asked})
    assert "errors" not in answer, answer
    return [edge["node"] for edge in answer["data"]["accessLog"]["edges"]]


async def placed(hub: SampleHub) -> None:
    """Return once every entry has its place."""
    waiting = text("SELECT count(*) FROM ledger_entries WHERE position IS NULL")
    while True:
        async with hub.db.read() as session:
            if not await session.scalar(waiting):
                return
        await asyncio.sleep(0.05)


async def leave_waiting(hub: SampleHub, licence_id: int) -> None:
    """A look whose entry has no place, as where the ledger cannot be continued."""
    trace = a_reading(licence_id=licence_id)
    async with hub.db.write() as session:
        await growing.leave_waiting(session, [trace], entries_of([trace], hub.hub.index_secret))


async def own(hub: SampleHub, issuer: Issuer, number: str) -> None:
    holders = [a_holder(CITIZEN_NAME, CITIZEN), a_holder("示例公司", ENTERPRISE, "001")]
    (collected,) = await hub.collect(issuer.a_licence(number=number, holders=holders))
    assert collected["outcome"] == "ACCEPTED", collected


async def test_each_look_is_there_newest_first(hub: SampleHub, issuer: Issuer) -> None:
    await own(hub, issuer, "A-1")
    await hub.verify(number="A-1", purpose="窗口受理", caseNumber="BJ-7")
    await hub.ask('{ licence(by: {number: "A-1"}) { number } }', "department")
    asked = {"licences": [{"number": "A-1"}, {"number": "NO-SUCH"}], "purpose": "批量"}
    await hub.ask("verify-licences", "department", input=asked)
    await hub.ask('{ licence(by: {number: "A-1"}) { number } }', "citizen")  # one's own look
    found = (await log_of(hub))[:3]
    assert [one["action"] for one in found] == ["VERIFICATION", "READING", "VERIFICATION"]
    assert [one["purpose"] for one in found] == ["批量", None, "窗口受理"]
    assert [one["caseNumber"] for one in found] == [None, None, "BJ-7"]
    assert {one["licence"]["number"] for one in found} == {"A-1"}
    assert {one["by"]["code"] for one in found} == {"1199000000000049X7"}
    assert all(one["by"]["name"] for one in found)
    moments = [one["at"] for one in found]
    assert moments == sorted(moments, reverse=True)
    assert (await log_of(hub, "enterprise"))[:3] != []  # the other holder sees the same looks


async def test_the_proof_leads_from_the_entry_to_the_signed_checkpoint(
    hub: SampleHub, issuer: Issuer
) -> None:
    await own(hub, issuer, "A-2")
    for number in range(5):
        await hub.verify(number="A-2", purpose=f"第{number}次")
    await placed(hub)
    key = existing_ledger_key(hub.city.data_dir / "secrets")
    assert key is not None
    newest = (await log_of(hub))[:5]
    assert len(newest) == 5
    for one in newest:
        proof, entry = one["proof"], json.loads(one["entry"])
        leaf = leaf_hash(one["entry"].encode())
        assert proof["leafHash"] == leaf.hex()
        root, path = bytes.fromhex(proof["rootHash"]), [bytes.fromhex(h) for h in proof["path"]]
        assert includes(root, proof["treeSize"], proof["index"], leaf, path)
        vouched = key.read(proof["checkpoint"])
        assert (vouched.size, vouched.root) == (proof["treeSize"], root)
        assert entry["purpose"] == one["purpose"]
        assert entry["organisation"] == one["by"]["code"]
        assert CITIZEN not in one["entry"]


async def test_an_entry_without_a_place_has_no_proof_yet(hub: SampleHub, issuer: Issuer) -> None:
    await own(hub, issuer, "A-3")
    await placed(hub)
    await hub.verify(number="A-3")
    newest, *_ = await log_of(hub)
    assert newest["proof"]["index"] == newest["proof"]["treeSize"] - 1  # it has one at once
    newest_of = text("SELECT licence_id FROM ledger_entries ORDER BY position DESC LIMIT 1")
    async with hub.db.read() as session:
        licence_id = int(await session.scalar(newest_of) or 0)
    async with hub.db.write() as session:  # nobody gives out places meanwhile
        await ledger.locked_checkpoint(session)
        await leave_waiting(hub, licence_id)
        newest, *_ = await log_of(hub)
        assert newest["proof"] is None
        assert newest["entry"] is not None
    await placed(hub)
    newest, *_ = await log_of(hub)
    assert newest["proof"]["index"] == newest["proof"]["treeSize"] - 1


async def test_pages_follow_each_other(hub: SampleHub, issuer: Issuer) -> None:
    await own(hub, issuer, "A-4")
    await own(hub, issuer, "A-5")
    both = {"licences": [{"number": "A-4"}, {"number": "A-5"}] * 5, "purpose": "同一时刻"}
    await hub.ask("verify-licences", "department", input=both)  # ten at the very same moment
    whole = await log_of(hub)
    assert len(whole) >= 10
    seen: list[dict[str, Any]] = []
    after = None
    while True:
        answer = await hub.ask(DOCUMENT, "citizen", first=3, after=after)
        page = answer["data"]["accessLog"]
        seen += [edge["node"] for edge in page["edges"]]
        assert page["totalCount"] == {"value": len(whole), "isExact": True}
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert [one["entry"] for one in seen] == [one["entry"] for one in whole]


async def test_nobody_sees_another_persons_log(hub: SampleHub, issuer: Issuer) -> None:
    stranger = a_citizen_number()
    await hub.collect(issuer.a_licence(number="A-6", holders=[a_holder("王小明", stranger)]))
    await hub.verify(number="A-6", purpose="别人的")
    for persona in ("citizen", "enterprise"):
        log = await log_of(hub, persona)
        assert "别人的" not in str(log)
        assert stranger not in str(log)


async def test_a_strange_cursor_is_refused(hub: SampleHub) -> None:
    answer = await hub.ask("access-log", "citizen", first=3, after="AAAA")
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    cursor = (await hub.ask("{ viewer { licences(first: 1) { pageInfo { endCursor } } } }"))["data"]
    other = cursor["viewer"]["licences"]["pageInfo"]["endCursor"]
    answer = await hub.ask("access-log", "citizen", first=3, after=other)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("first", [1, 10, 100])
async def test_statements(hub: SampleHub, issuer: Issuer, first: int) -> None:
    number = f"A-7-{first}"
    await own(hub, issuer, number)
    asked = {"licences": [{"number": number}] * 110, "purpose": "计数"}
    await hub.ask("verify-licences", "department", input=asked)
    await placed(hub)
    with statements(hub) as seen:
        answer = await hub.ask("access-log", "citizen", first=first)
    assert "errors" not in answer
    assert len(answer["data"]["accessLog"]["edges"]) == first
    # The page with its traces and licences; the bodies; the checkpoint and the nodes of all proofs.
    assert len(seen) == 4
    with statements(hub) as seen:
        await hub.ask(DOCUMENT, "citizen", first=first)
    # Also the count, and the whole traces for the entries: of verifications, for there is no look.
    assert len(seen) == 4 + 2


async def test_a_moment_that_cannot_be_keeps_nobody_from_the_rest(
    hub: SampleHub, issuer: Issuer
) -> None:
    await own(hub, issuer, "A-9")
    for purpose in ("前一次", "后一次"):
        await hub.verify(number="A-9", purpose=purpose)
    last = "position = (SELECT max(position) FROM ledger_entries)"
    for value in ("20000-01-01", "0044-03-15 BC", "infinity"):
        async with hub.db.write() as session:
            await session.execute(text(f"UPDATE ledger_entries SET at = '{value}' WHERE {last}"))  # noqa: S608
        assert (await log_of(hub))[0]["purpose"] == "前一次"


async def test_tampering_leaves_the_log_standing(hub: SampleHub, issuer: Issuer) -> None:
    await own(hub, issuer, "A-8")
    await hub.verify(number="A-8")
    await placed(hub)
    async with hub.db.write() as session:
        await session.execute(text("DELETE FROM ledger_nodes"))
        await session.execute(text("DELETE FROM verifications"))
    newest, *_ = await log_of(hub)
    assert (newest["purpose"], newest["by"], newest["entry"]) == (None, None, None)
    assert newest["proof"] is None


@pytest.fixture(autouse=True)
async def settled(hub: SampleHub) -> None:
    """The ledger has begun before a test, so that its first entries get their place soon."""
    while True:
        async with hub.db.read() as session:
            if await session.scalar(text("SELECT count(*) FROM ledger_checkpoint")):
                break
        await asyncio.sleep(0.05)
