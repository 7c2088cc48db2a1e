"""The status book (状态列表簿): places, versions, and lists that are nobody else's to change."""

import pytest

from zwhub.kernel.status_book import SIZE, Place, StatusBook, lists_for
from zwhub.kernel.status_lists import INVALID, SUSPENDED, UNKNOWN, VALID, StatusArray


@pytest.mark.parametrize(
    ("row_id", "number", "index"),
    [(1, 1, 0), (SIZE, 1, SIZE - 1), (SIZE + 1, 2, 0), (8_000_000, 8, 8_000_000 - 7 * SIZE - 1)],
)
def test_a_licence_keeps_its_place(row_id: int, number: int, index: int) -> None:
    assert Place.of(row_id) == Place(number, index)
    assert lists_for(row_id) == number


def test_there_is_always_a_list() -> None:
    assert lists_for(0) == 1


def test_a_new_list_vouches_for_nothing() -> None:
    book = StatusBook("https://hub.example")
    assert book.snapshot(1) is None
    book.put(SIZE + 2, VALID)
    first, second = book.snapshot(1), book.snapshot(2)
    assert first is not None
    assert second is not None
    assert {first.statuses[0], first.statuses[SIZE - 1]} == {UNKNOWN}
    assert [second.statuses[index] for index in (0, 1, 2)] == [UNKNOWN, VALID, UNKNOWN]
    assert (book.snapshot(0), book.snapshot(3), book.snapshot(-1)) == (None, None, None)
    assert book.uri(2) == "https://hub.example/status-lists/2"


def test_only_a_change_makes_a_version() -> None:
    book = StatusBook("https://hub.example")
    book.put(1, VALID)
    before = book.snapshot(1)
    book.put(1, VALID)
    assert book.snapshot(1) == before
    book.put(1, SUSPENDED)
    after = book.snapshot(1)
    assert after is not None
    assert before is not None
    assert after.version > before.version
    assert (before.statuses[0], after.statuses[0]) == (VALID, SUSPENDED)
    book.replace([StatusArray.of(SIZE, 2)])
    anew = book.snapshot(1)
    assert anew is not None
    assert anew.version > after.version


def test_eight_million_licences_take_two_megabytes() -> None:
    book = StatusBook("https://hub.example")
    book.put(8_000_000, INVALID)
    lists = [book.snapshot(number) for number in range(1, lists_for(8_000_000) + 1)]
    assert sum(len(one.statuses.octets) for one in lists if one) == 2 * 1024 * 1024


@pytest.mark.parametrize("wrong", [StatusArray.of(SIZE, 1), StatusArray.of(SIZE - 4, 2)])
def test_lists_have_one_size(wrong: StatusArray) -> None:
    with pytest.raises(ValueError, match="another size"):
        StatusBook("https://hub.example").replace([wrong])
