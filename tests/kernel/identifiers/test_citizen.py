"""Citizen numbers (公民身份号码): the law of the check character, and what a number says."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.citizen import Sex, check_character, is_valid, parse, upgraded
from zwhub.kernel.identifiers.malformed import MalformedIdentifier

# The worked example of GB 11643-1999, and the same for a man.
EXAMPLE = "11010519491231002X"


@st.composite
def numbers(draw: st.DrawFn) -> str:
    region = draw(st.integers(100000, 999999))
    born = draw(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
    body = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03}"
    return body + check_character(body)


def test_the_standards_example() -> None:
    found = parse(EXAMPLE)
    assert (found.number, found.region) == (EXAMPLE, "110105")
    assert (found.birth_date, found.sex) == (date(1949, 12, 31), Sex.FEMALE)


def test_a_number_stays_out_of_repr() -> None:
    assert repr(parse(EXAMPLE)) == "CitizenNumber(region='110105', sex=<Sex.FEMALE: 'FEMALE'>)"


def test_the_first_generation_has_fifteen_digits() -> None:
    found = parse("110105491231002")
    assert found == parse(EXAMPLE)
    assert upgraded("110105491231002") == EXAMPLE
    assert upgraded(EXAMPLE) == EXAMPLE
    assert upgraded("01010549123100") == "01010549123100"


def test_a_region_in_the_nines_is_read_like_any_other() -> None:
    body = "99010219900307123"
    assert parse(body + check_character(body)).sex is Sex.MALE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "form"),
        ("11010519491231002x", "form"),
        ("1101051949123100", "form"),
        ("01010519491231002X", "form"),
        ("１１０１０５１９４９１２３１００２X", "form"),
        (EXAMPLE + "\n", "form"),
        ("110105194912310021", "check character"),
        ("110105491331002", "no date"),
        ("11010519490229" + "002" + check_character("11010519490229002"), "no date"),
        ("11010500000101" + "002" + check_character("11010500000101002"), "no date"),
    ],
)
def test_what_is_no_number(text: str, why: str) -> None:
    with pytest.raises(MalformedIdentifier, match=why) as refused:
        parse(text)
    assert not is_valid(text)
    assert text == "" or text not in str(refused.value)


@given(numbers())
def test_a_built_number_is_valid(number: str) -> None:
    found = parse(number)
    assert is_valid(number)
    assert number == f"{found.region}{found.birth_date:%Y%m%d}{number[14:]}"


@given(numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_every_single_substitution_is_detected(number: str, at: int, put: str) -> None:
    assert is_valid(number[:at] + put + number[at + 1 :]) == (put == number[at])


@given(numbers(), st.integers(0, 16))
def test_every_adjacent_transposition_is_detected(number: str, at: int) -> None:
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert is_valid(swapped) == (swapped == number)


@given(
    st.one_of(
        st.text("0123456789X٣ ", min_size=14, max_size=19),
        st.tuples(
            st.sampled_from(["110105", "010105", "11010A", "9901٣5"]),
            st.sampled_from(["19491231", "19490229", "19480229", "00000101", "1949123X"]),
            st.text("0123456789X٣", min_size=4, max_size=4),
        ).map("".join),
    )
)
def test_told_by_its_parts_a_number_is_what_reading_it_says(text: str) -> None:
    try:
        parse(text)
        sound = True
    except MalformedIdentifier:
        sound = False
    assert is_valid(text) == sound
