"""Paging (分页): only the hub's own cursors of the same list lead on."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.paging import LARGEST_PAGE, Cursors, Key, Page, Slice
from zwhub.kernel.refusal import Reason, Refused

CURSORS = Cursors(b"a secret of the tests")
KEYS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(), max_size=4)


@given(KEYS.map(tuple), st.integers(1, LARGEST_PAGE))
def test_a_cursor_leads_back_to_its_position(key: Key, first: int) -> None:
    assert CURSORS.page("items", first, CURSORS.seal("items", key)) == Page(first, key)


def refused(listing: str, cursor: str) -> None:
    with pytest.raises(Refused) as raised:
        CURSORS.page(listing, 10, cursor)
    assert raised.value.reason is Reason.INVALID_INPUT
    assert raised.value.path == ("after",)


@given(KEYS.map(tuple), st.data())
def test_a_changed_cursor_is_refused(key: Key, data: st.DataObject) -> None:
    cursor = CURSORS.seal("items", key)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    refused("items", base64.urlsafe_b64encode(raw).decode())


def test_a_cursor_of_another_list_or_hub_is_refused() -> None:
    refused("items", CURSORS.seal("licences", ("a", 1)))
    refused("items", Cursors(b"another secret").seal("items", ("a", 1)))


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    refused("items", text)


@pytest.mark.parametrize("first", [0, -1, LARGEST_PAGE + 1, 10**9])
def test_the_page_size_has_bounds(first: int) -> None:
    with pytest.raises(Refused) as raised:
        CURSORS.page("items", first, None)
    assert raised.value.path == ("first",)


@given(st.lists(st.integers(), max_size=12), st.integers(1, 10))
def test_one_row_more_tells_that_more_follow(rows: list[int], first: int) -> None:
    page = Slice.of(Page(first), rows[: first + 1])
    assert page.rows == rows[:first]
    assert page.has_next is (len(rows) > first)
