"""Statement counts (语句计数): each operation takes a fixed number, however many the rows."""

from typing import Any

import pytest

from builders import Issuer, a_holder, licence_types
from samplecity import CITIZEN, CITIZEN_NAME, SampleHub, statements
from zwhub.items.store import code_with_most_evidence

ITEMS = """query($first: Int!) { items(first: $first) { edges { node {
    code organisation { name } results { name }
    materials { name evidence { attributes allOf { code name } } }
} } } }"""
LICENCES = """query($first: Int!) { viewer { licences(first: $first) { totalCount { value }
    edges { node { number holders { name } surface { value } type { name } issuer { name } status
    statusHistory { since } verification { verdict checks { detail } } } }
} } }"""
MATTERS = "{ businessMatters { code operations leadOrganisation { name } } }"
PREVIEW = """query($input: LicenceSupermarketInput!) { licenceSupermarket(input: $input) {
    ... on SupermarketPlan { saved total materials { material { name } outcome } }
} }"""


async def count(hub: SampleHub, document: str, persona: str, /, **variables: Any) -> int:
    """How many statements the operation takes once the hub is warm."""
    await hub.ask(document, persona, **variables)
    with statements(hub) as seen:
        answer = await hub.ask(document, persona, **variables)
    assert "errors" not in answer
    return len(seen)


@pytest.mark.parametrize("first", [1, 10, 50, 100])
async def test_items_with_everything(hub: SampleHub, first: int) -> None:
    # The page; the bodies, materials and result types of all items; the types of all evidence.
    assert await count(hub, ITEMS, "anonymous", first=first) == 5


async def test_matters(hub: SampleHub) -> None:
    assert await count(hub, MATTERS, "anonymous") == 2  # the matters, the bodies in the lead


@pytest.fixture(scope="module")
async def a_hundred_licences(hub: SampleHub, issuer: Issuer) -> None:
    holders = [a_holder(CITIZEN_NAME, CITIZEN)]
    found = await hub.collect(*(issuer.a_licence(holders=holders) for _ in range(100)))
    assert {one["outcome"] for one in found} == {"ACCEPTED"}


@pytest.mark.parametrize("first", [1, 10, 100])
@pytest.mark.usefixtures("a_hundred_licences")
async def test_ones_own_licences_with_everything(hub: SampleHub, first: int) -> None:
    answer = await hub.ask(LICENCES, "citizen", first=first)
    assert len(answer["data"]["viewer"]["licences"]["edges"]) == first
    # The page, the count, types, issuers, standings (for the list), and for the verdicts: the
    # trust list's version with standings and successors; and the successors' names.
    assert await count(hub, LICENCES, "citizen", first=first) == 7


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        # The row behind the name, and where the cache has not got it, the record; trust list's
        # version, standings, successors in one; the trace with its entry, nodes and the next checkpoint;
        # and for the answer's face: type, issuer, standing.
        ("number", 6),
        ("identifier", 6),
        ("jws", 6),  # the registered record is looked up to compare
        ("nothing", 3),  # as for a number, with a decoy in the record's place, and no face
    ],
)
async def test_verify_licence(hub: SampleHub, issuer: Issuer, by: str, expected: int) -> None:
    record = issuer.a_licence(number=f"Q-{by}", holders=[a_holder() for _ in range(20)])
    (found,) = await hub.collect(record)
    asked = {
        "number": {"number": f"Q-{by}"},
        "identifier": {"identifier": issuer.a_body(serial="Q")["identifier"]},
        "jws": {"jws": record},
        "nothing": {"number": "Q-NO-SUCH"},
    }[by]
    if by == "identifier":
        await hub.collect(issuer.a_licence(serial="Q"))
    question = {"licence": asked, "purpose": "计数"}
    assert found["outcome"] == "ACCEPTED"
    assert await count(hub, "verify-licence", "department", input=question) == expected


# The item, its materials, the holder's licences; where there are any: the trust list's version,
# with standings and successors; the ledger's checkpoint, and one for the traces of all looks with
# all that they change.
@pytest.mark.parametrize(("held", "expected"), [(0, 3), (1, 6), (100, 6)])
async def test_the_supermarket(hub: SampleHub, issuer: Issuer, held: int, expected: int) -> None:
    card, holder = licence_types()["identity-card"], a_holder("李四")
    signed = [issuer.a_licence(type_code=card, holders=[holder]) for _ in range(held)]
    if signed:
        await hub.collect(*signed)
    async with hub.db.read() as session:
        code = await code_with_most_evidence(session, [card])
    asked = {"itemCodes": [code], "holder": {"code": holder["code"]}}
    assert await count(hub, PREVIEW, "department", input=asked) == expected


@pytest.mark.parametrize("many", [1, 100])
async def test_collect_licences(hub: SampleHub, issuer: Issuer, many: int) -> None:
    delivered = {"records": [{"jws": issuer.a_licence()} for _ in range(many)]}
    with statements(hub) as seen:
        await hub.ask("collect-licences", "department", input=delivered)
    # Types, trust list, lock, registered records, owners of numbers, ids, a COPY for each of three.
    assert len(seen) == 9
