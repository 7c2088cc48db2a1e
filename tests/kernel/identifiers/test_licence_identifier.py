"""Licence identifiers (电子证照标识): real ones, and what ISO 7064 MOD 37,36 promises."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.licence import (
    CheckState,
    LicenceIdentifier,
    MalformedIdentifier,
    build,
    check_character,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ROOT = "1.2.156.3005.2."
REAL = {
    "11100000000013338W011.11430000006122244L.20230000403.001.U": CheckState.VALID,
    "11100000MB03271699022.340100.000000016.001.9": CheckState.VALID,
    "11100000000013338W009.11330105002500287C.2025052201.002.0": CheckState.VALID,
    "11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M": (
        CheckState.VARIANT
    ),
}


@st.composite
def identifiers(draw: st.DrawFn) -> str:
    text = st.text(ALPHABET, min_size=1, max_size=40)
    issuer = draw(
        st.text(ALPHABET, min_size=18, max_size=18) | st.text("0123456789", min_size=6, max_size=6)
    )
    type_code = draw(st.text(ALPHABET, min_size=21, max_size=21))
    return build(type_code, issuer, draw(text), draw(st.integers(0, 999)))


def test_the_example_of_iso_7064() -> None:
    assert check_character("A12425GABC1234002") == "M"


@pytest.mark.parametrize(("text", "state"), REAL.items())
def test_real_identifiers(text: str, state: CheckState) -> None:
    found = LicenceIdentifier.parse(ROOT + text)
    assert found.check_state is state
    assert str(found) == ROOT + text


def test_the_parts_of_an_identifier() -> None:
    found = LicenceIdentifier.parse(ROOT + next(iter(REAL)))
    assert (found.type_code, found.issuer) == ("11100000000013338W011", "11430000006122244L")
    assert (found.serial, found.version, found.check) == ("20230000403", "001", "U")
    assert build(found.type_code, found.issuer, found.serial, 1) == str(found)


def test_a_wrong_check_character_is_wrong_and_not_malformed() -> None:
    text = ROOT + next(iter(REAL))
    states = [LicenceIdentifier.parse(text[:-1] + c).check_state for c in ALPHABET]
    assert states.count(CheckState.VALID) == states.count(CheckState.VARIANT) == 1
    assert states.count(CheckState.WRONG) == 34


@pytest.mark.parametrize(
    "text",
    [
        "",
        next(iter(REAL)),  # without its root
        ROOT + "11100000000013338W011.11430000006122244L.20230000403.001.U\n",
        ROOT + "11100000000013338W011.11430000006122244L.20230000403.001.u",
        ROOT + "11100000000013338W011.11430000006122244L.20230000403.1.U",
        ROOT + "11100000000013338W011.11430000006122244L..001.U",
        ROOT + "11100000000013338W01.11430000006122244L.20230000403.001.U",
        ROOT + "11100000000013338W011.1143.20230000403.001.U",
        ROOT + f"11100000000013338W011.11430000006122244L.{'0' * 41}.001.U",
        "1.2.156.3005.3." + next(iter(REAL)),
        "1x2x156x3005x2." + next(iter(REAL)),
        ROOT + "１1100000000013338W011.11430000006122244L.20230000403.001.U",
    ],
)
def test_another_form_is_malformed(text: str) -> None:
    with pytest.raises(MalformedIdentifier, match="form of a licence identifier"):
        LicenceIdentifier.parse(text)


@pytest.mark.parametrize(
    ("type_code", "issuer", "serial", "version"),
    [
        ("1" * 20, "340100", "1", 1),
        ("1" * 21, "34010", "1", 1),
        ("1" * 21, "340100", "", 1),
        ("1" * 21, "340100", "证", 1),
        ("1" * 21, "340100", "a", 1),
        ("1" * 21, "340100", "1.1", 1),
        ("1" * 21, "340100", "1", 1000),
        ("1" * 21, "340100", "1", -1),
    ],
)
def test_what_does_not_fit_is_not_built(
    type_code: str, issuer: str, serial: str, version: int
) -> None:
    with pytest.raises(MalformedIdentifier):
        build(type_code, issuer, serial, version)


@given(identifiers())
def test_a_built_identifier_is_valid_and_comes_back(text: str) -> None:
    found = LicenceIdentifier.parse(text)
    assert found.check_state is CheckState.VALID
    assert str(found) == text


@given(identifiers(), st.data())
def test_no_single_substitution_stays_valid(text: str, data: st.DataObject) -> None:
    places = [i for i in range(len(ROOT), len(text)) if text[i] != "."]
    at, put = data.draw(st.sampled_from(places)), data.draw(st.sampled_from(ALPHABET))
    altered = text[:at] + put + text[at + 1 :]
    try:
        state = LicenceIdentifier.parse(altered).check_state
    except MalformedIdentifier:
        return  # a letter where only digits stand: detected, too
    assert (state is CheckState.VALID) == (altered == text)


def test_transpositions_that_escape_are_counted_exactly() -> None:
    """ISO 7064 promises nearly all. Exhaustively: 36 states, 630 pairs of unlike neighbours."""

    def after(state: int, pair: tuple[int, int]) -> int:
        for value in pair:
            state = ((state + value) % 36 or 36) * 2 % 37
        return state

    pairs = list(combinations(range(36), 2))
    states = range(1, 37)
    escaped = [p for p in states for a, b in pairs if after(p, (a, b)) == after(p, (b, a))]
    assert escaped == list(states)  # one pair for each state: 36 of 22,680, or 0.16 %
