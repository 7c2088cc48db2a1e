"""Neighbours (相邻名): close where the numbers are, and nobody's where they may be a person's."""

import string
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.citizen import check_character
from zwhub.licences.neighbours import NAME_BYTES, SHARED_BYTES, TAIL, names

SECRET = bytes(range(32))
name = names(SECRET, "number")

texts = st.text(alphabet="019AZ.照", max_size=30)
born = st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(lambda day: f"{day:%Y%m%d}")


@given(texts, texts)
def test_a_name_is_one_texts_alone(one: str, other: str) -> None:
    assert len(name(one)) == NAME_BYTES
    assert (name(one) == name(other)) == (one == other)
    assert name(one) != names(SECRET, "series")(one) != names(SECRET[::-1], "series")(one)


@given(texts, st.text(min_size=TAIL, max_size=TAIL), st.text(min_size=TAIL, max_size=TAIL))
def test_what_begins_alike_is_close(beginning: str, one: str, other: str) -> None:
    left, right = name("照" + beginning + one), name("照" + beginning + other)
    alike = left[:SHARED_BYTES] == right[:SHARED_BYTES]
    may_be_a_persons = any(letter in string.digits for letter in beginning) and len(beginning) > 10
    assert alike or one != other
    assert alike or may_be_a_persons
    assert left[SHARED_BYTES:] != right[SHARED_BYTES:] or one == other


@given(texts, st.text(alphabet="照号A", max_size=1), texts)
def test_what_begins_otherwise_is_not(one: str, between: str, other: str) -> None:
    left, right = name(one + between + "0000"), name(other + "0000")
    assert (left[:SHARED_BYTES] == right[:SHARED_BYTES]) == (one + between == other)


@pytest.mark.parametrize("around", ["", "J", "证", "00"])
@pytest.mark.parametrize("behind", ["", "44", "号"])
@given(region=st.integers(100_000, 999_999), day=born, first=st.integers(0, 998))
def test_persons_have_no_neighbours(
    around: str, behind: str, region: int, day: str, first: int
) -> None:
    numbers = [f"{region}{day}{order:03}" for order in (first, first + 1)]
    one, other = (name(around + text + check_character(text) + behind) for text in numbers)
    assert one[:SHARED_BYTES] != other[:SHARED_BYTES]


@given(region=st.integers(100_000, 999_999), day=born, first=st.integers(0, 998))
def test_nor_have_those_of_the_first_generation(region: int, day: str, first: int) -> None:
    one, other = (name(f"{region}{day[2:]}{order:03}") for order in (first, first + 1))
    assert one[:SHARED_BYTES] != other[:SHARED_BYTES]
