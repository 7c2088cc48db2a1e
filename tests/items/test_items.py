"""Items (事项检索): every item found by what it holds, and visited exactly once."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from samplecity import Ask, SampleHub
from zwhub.items import store
from zwhub.items.model import Item
from zwhub.kernel.paging import Page
from zwhub.kernel.search import normalised, words_of
from zwhub.profile.holders import Row

ITEMS = """
query ($first: Int!, $after: String, $filter: ItemFilter) {
  items(first: $first, after: $after, filter: $filter) {
    totalCount { value isExact }
    edges { cursor node { id code name nameEn kind organisation { code } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
SLOW_IS_FINE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def found(ask: Ask, first: int = 100, **filter: str) -> list[dict[str, Any]]:
    """The items of the first page, whole."""
    answer = await ask(ITEMS, "anonymous", first=first, filter=filter)
    assert "errors" not in answer, answer
    return [edge["node"] for edge in answer["data"]["items"]["edges"]]


async def total(ask: Ask, **filter: str) -> dict[str, Any]:
    answer = await ask(ITEMS, "anonymous", first=1, filter=filter)
    counted: dict[str, Any] = answer["data"]["items"]["totalCount"]
    return counted


def names(items: list[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items}


@pytest.fixture(scope="module")
def rows(hub: SampleHub) -> list[Row]:
    return list(hub.city.tables["items"])


@pytest.mark.parametrize(
    "text", ["许可", "备", "BUSINESS", "ｂｕｓｉｎｅｓｓ", "企业 备案", "备案　企业", "审批,登记"]
)
async def test_words_that_must_all_occur(
    ask: Ask, hub: SampleHub, rows: list[Row], text: str
) -> None:
    bodies = {row["code"]: row for row in hub.city.tables["organisations"]}

    def searched(row: Row) -> str:
        body = bodies[row["organisation"]]
        said = (row["name"], row["name_en"], row["code"], body["name"], body["short_name"])
        return normalised(" ".join(said))

    wanted = {row["name"] for row in rows if all(word in searched(row) for word in words_of(text))}
    assert names(await found(ask, text=text)) == wanted
    assert await total(ask, text=text) == {"value": len(wanted), "isExact": True}


async def test_an_item_is_found_by_its_code_and_its_body(
    ask: Ask, hub: SampleHub, rows: list[Row]
) -> None:
    one = rows[0]
    assert one["name"] in names(await found(ask, text=one["code"]))
    body = one["organisation"]
    by_body = await found(ask, organisation=body)
    assert names(by_body) == {row["name"] for row in rows if row["organisation"] == body}
    kind = await found(ask, organisation=body, kind=one["kind"], text=one["name"])
    assert names(kind) == {one["name"]}


@pytest.mark.parametrize("text", ["%", "_", "\\", "%%", "'--%", "？！", "*", "\U0001f600"])
async def test_signs_are_no_wildcards(ask: Ask, text: str) -> None:
    assert await found(ask, text=text) == []


@pytest.mark.parametrize("text", ["", "   ", "　"])
async def test_no_word_leaves_out_nothing(ask: Ask, rows: list[Row], text: str) -> None:
    assert (await total(ask, text=text))["value"] == len(rows)


@pytest.mark.parametrize("text", ["企" * 3000, "企业 " * 1500, "a" * 5000])
async def test_a_very_long_text_is_no_error(ask: Ask, text: str) -> None:
    assert len(await found(ask, text=text)) <= 100


async def test_an_unknown_body_or_kind_has_no_items(ask: Ask) -> None:
    assert await found(ask, organisation="nobody") == []
    assert await found(ask, kind="%") == []


async def walk(ask: Ask, sizes: list[int], **filter: str) -> list[str]:
    """The codes of all pages, the page sizes taken in turn."""
    seen, after, turn = [], None, 0
    while True:
        first = sizes[turn % len(sizes)]
        answer = await ask(ITEMS, "anonymous", first=first, after=after, filter=filter)
        page = answer["data"]["items"]
        assert len(page["edges"]) <= first
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [edge["node"]["id"] for edge in page["edges"]]
        if not page["pageInfo"]["hasNextPage"]:
            return seen
        after = page["pageInfo"]["endCursor"]
        assert after == page["edges"][-1]["cursor"]
        turn += 1


@pytest.mark.parametrize("sizes", [[100], [1, 100], [64, 64]])
async def test_all_pages_visit_each_item_once(ask: Ask, sizes: list[int]) -> None:
    seen = await walk(ask, sizes)
    assert len(seen) == len(set(seen)) == (await total(ask))["value"]


@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4), text=st.sampled_from(["", "许可"])
)
@SLOW_IS_FINE
async def test_whatever_the_page_sizes(hub: SampleHub, sizes: list[int], text: str) -> None:
    wanted = store.ItemFilter(text=text)
    now = await _now(hub)
    seen: list[int] = []
    after = None
    async with hub.db.read() as session:
        everything = await store.count_items(session, wanted, now)
        while True:
            page = Page(sizes[len(seen) % len(sizes)], after)
            rows = await store.items(session, wanted, page, now)
            seen += [row.id for row in rows.rows]
            if not rows.has_next:
                break
            after = (rows.rows[-1].code, rows.rows[-1].id)
    assert len(seen) == len(set(seen)) == everything


async def _now(hub: SampleHub) -> Any:
    async with hub.db.read() as session:
        return await session.scalar(select(Item.effective_from).limit(1))


async def test_a_cursor_of_another_list_or_changed_is_refused(ask: Ask, hub: SampleHub) -> None:
    answer = await ask(ITEMS, "anonymous", first=1)
    cursor = answer["data"]["items"]["pageInfo"]["endCursor"]
    foreign = hub.hub.cursors.seal("licences", (1,))
    for bad in (foreign, cursor[:-2], cursor[::-1], "", "x", "=" * 9, "é"):
        answer = await ask(ITEMS, "anonymous", language="en", first=1, after=bad)
        [error] = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["inputPath"] == ["after"]
        assert answer["data"] == {"items": None}


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_has_one_to_a_hundred_rows(ask: Ask, first: int) -> None:
    answer = await ask(ITEMS, "anonymous", first=first)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert answer["errors"][0]["extensions"]["inputPath"] == ["first"]


async def test_a_count_stops_at_its_cap(
    ask: Ask, hub: SampleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zwhub.items.store.COUNT_CAP", 5)
    monkeypatch.setattr("zwhub.graph.connections.COUNT_CAP", 5)
    assert await total(ask) == {"value": 5, "isExact": False}
    few = (await found(ask))[0]["name"]
    assert await total(ask, text=few) == {"value": 1, "isExact": True}
