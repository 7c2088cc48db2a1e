"""Item codes (事项编码): the three lengths, and the older forms a library still holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.item import BasicCode, HandlingCode, ImplementingCode, read_basic
from zwhub.kernel.identifiers.malformed import MalformedIdentifier

BODY = "11430000006122244L"
BASIC = "430112003000"


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


def test_the_three_codes_and_their_parts() -> None:
    found = HandlingCode.parse(BODY + "3" + BASIC + "01")
    assert found.situation == "01"
    assert (found.implementing.body, found.implementing.level) == (BODY, "3")
    assert found.implementing.basic == BasicCode("43", "01", "12", "003", "000")
    assert [len(str(c)) for c in (found.implementing.basic, found.implementing, found)] == [
        12,
        31,
        33,
    ]


@given(digits(12), st.sampled_from("1234567"), digits(2))
def test_codes_come_back(basic: str, level: str, situation: str) -> None:
    text = BODY + level + basic
    assert str(BasicCode.parse(basic)) == basic
    assert str(ImplementingCode.parse(text)) == text
    assert str(HandlingCode.parse(text + situation)) == text + situation


@pytest.mark.parametrize("text", ["", BASIC[:10], BASIC + "0", "43A112003000", BASIC + "\n"])
def test_what_is_no_basic_code(text: str) -> None:
    with pytest.raises(MalformedIdentifier, match="12 digits"):
        BasicCode.parse(text)


@pytest.mark.parametrize("text", ["", BODY + "8" + BASIC, BODY + BASIC, "I" * 18 + "3" + BASIC])
def test_what_is_no_implementing_code(text: str) -> None:
    with pytest.raises(MalformedIdentifier, match="31 characters"):
        ImplementingCode.parse(text)


@pytest.mark.parametrize("text", ["", BODY + "3" + BASIC, BODY + "3" + BASIC + "0A"])
def test_what_is_no_handling_code(text: str) -> None:
    with pytest.raises(MalformedIdentifier, match="33 characters"):
        HandlingCode.parse(text)


DASHES, REGION, ZEROS = "dashes were removed", "put in front", "padded with zeros"


@pytest.mark.parametrize(
    ("text", "expected", "done"),
    [
        (BASIC, BASIC, []),
        ("43-01-12-003-000", BASIC, [DASHES]),
        ("43－01－12－003－000", BASIC, [DASHES]),
        (" 43-1-12-3-0 ", BASIC, [DASHES, ZEROS]),
        ("01-12-003-000", BASIC, [DASHES, REGION]),
        ("1-12-003-000", BASIC, [DASHES, REGION, ZEROS]),
        ("0112003000", BASIC, [REGION]),
        ("43112003000", BASIC, [ZEROS]),
        ("112003000", BASIC, [REGION, ZEROS]),
        ("002001002003", "002001002003", []),
    ],
)
def test_older_forms_are_read_and_said_so(text: str, expected: str, done: list[str]) -> None:
    code, notes = read_basic(text, "43")
    assert str(code) == expected
    assert len(notes) == len(done)
    assert all(words in note.en and note.zh for words, note in zip(done, notes, strict=True))


@pytest.mark.parametrize(
    "text",
    ["", "-", "43--12-003-000", "12003000", "1234567890123", "43-01-12-0003-000", "A-B-C-D-E"],
)
def test_what_stays_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(MalformedIdentifier):
        read_basic(text, "43")


@given(st.tuples(digits(2), digits(2), digits(2), digits(3), digits(3)), digits(2))
def test_nothing_is_ever_cut_off(whole: tuple[str, ...], own: str) -> None:
    assert str(read_basic("-".join(whole), own)[0]) == "".join(whole)
    assert str(read_basic("".join(whole[1:]), own)[0]) == own + "".join(whole[1:])
