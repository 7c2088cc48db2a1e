"""The viewer (当前调用者): whom the hub takes one for, and one's own licences page by page."""

import pytest

from builders import Issuer, a_citizen_number, a_holder, body_of
from samplecity import CITIZEN, CITIZEN_NAME, SampleHub

PAGE = """query($first: Int!, $after: String) { viewer { licences(first: $first, after: $after) {
    totalCount { value isExact } pageInfo { hasNextPage endCursor } edges { cursor node { id } }
} } }"""


async def pages(hub: SampleHub, first: int) -> list[str]:
    """The ids of all pages, walked by cursor."""
    seen: list[str] = []
    after = None
    while True:
        answer = await hub.ask(PAGE, "citizen", first=first, after=after)
        page = answer["data"]["viewer"]["licences"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == {"value": len(seen), "isExact": True}
            return seen
        after = page["pageInfo"]["endCursor"]


async def test_every_page_size_gives_the_same_list(hub: SampleHub, issuer: Issuer) -> None:
    whole = await pages(hub, 100)
    assert len(whole) == len(set(whole)) > 10
    assert await pages(hub, 1) == await pages(hub, 7) == whole
    await hub.collect(issuer.a_licence(holders=[a_holder(), a_holder(CITIZEN_NAME, CITIZEN)]))
    assert (await pages(hub, 100))[:-1] == whole  # a second holder is a holder


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_has_one_to_a_hundred_rows(hub: SampleHub, first: int) -> None:
    answer = await hub.ask(PAGE, "citizen", first=first)
    assert answer["data"] in (None, {"viewer": None})
    (error,) = answer["errors"]
    assert error["extensions"]["code"] in {"BAD_USER_INPUT", "INVALID_INPUT"}


async def test_a_cursor_of_another_list_is_refused(hub: SampleHub) -> None:
    answer = await hub.ask("items", "citizen", first=1)
    cursor = answer["data"]["items"]["pageInfo"]["endCursor"]
    for foreign in (cursor, cursor[:-2], "rubbish", ""):
        refused = await hub.ask(PAGE, "citizen", first=1, after=foreign)
        assert "游标无效" in refused["errors"][0]["message"]


@pytest.mark.parametrize("persona", ["anonymous", "clerk", "department", "supervisor", "operator"])
async def test_who_holds_nothing_sees_an_empty_list(hub: SampleHub, persona: str) -> None:
    answer = await hub.ask("my-licences", persona, first=10)
    viewer = answer["data"]["viewer"]
    kind = persona.upper()
    assert viewer["persona"] == kind
    assert viewer["licences"]["edges"] == []
    assert viewer["licences"]["totalCount"] == {"value": 0, "isExact": True}


SEEN = """query Q($by: LicenceKey!) { licence(by: $by) {
  name holders { name code } surface { name value } statusHistory { reason } } }"""


async def test_others_are_masked_wherever_they_stand(hub: SampleHub, issuer: Issuer) -> None:
    """In the licence's name, on its face, in the reasons of its standings: not only as holders."""
    other, stranger = a_citizen_number(), a_citizen_number()
    record = issuer.a_licence(
        name=f"{other}的证",
        holders=[a_holder(CITIZEN_NAME, CITIZEN), a_holder("陶俊杰", other)],
        surface={"男方": f"陶俊杰 {other}", "女方": f"{CITIZEN_NAME} {CITIZEN}"},
    )
    (one,) = await hub.collect(record)
    assert one["outcome"] == "ACCEPTED"
    by = {"identifier": body_of(record)["identifier"]}
    change = {"licence": by, "status": "SUSPENDED", "basis": "试〔1〕号"}
    change["reason"] = f"陶俊杰 {other} 与 {stranger} 有争议，{CITIZEN_NAME} {CITIZEN}"
    answer = await hub.ask("change-licence-status", "elsewhere", input=change)
    assert answer["data"]["changeLicenceStatus"]["__typename"] == "Licence", answer
    own = str((await hub.ask(SEEN, "citizen", by=by))["data"]["licence"])
    theirs = str((await hub.ask(SEEN, "department", by=by))["data"]["licence"])
    for hidden in (other, stranger, "陶俊杰"):
        assert hidden not in own
        assert hidden not in theirs
    assert "陶**" in own
    assert own.count(CITIZEN) == own.count(CITIZEN_NAME) == 3
    assert CITIZEN not in theirs
    assert CITIZEN_NAME not in theirs
