"""Unified social credit codes (统一社会信用代码): real bodies, and the law of both checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.uscc import (
    State,
    check,
    check_character,
    check_organisation,
    organisation_check_character,
    organisation_code,
)

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
REAL = [
    "11100000000013338W",
    "11430000006122244L",
    "11330105002500287C",
    "11100000000013661B",
    "113700000045046442",
    "11100000MB03271699",
]
BODIES = st.text(ALPHABET, min_size=17, max_size=17)


@pytest.mark.parametrize("code", REAL)
def test_real_bodies_pass_both_checks(code: str) -> None:
    assert (check(code), check_organisation(code)) == (State.OK, State.OK)


def test_the_examples_of_gb_11714() -> None:
    assert organisation_check_character("D2143569") == "X"
    assert organisation_code("11100000MB03271699") == "MB0327169"


def test_a_wrong_check_is_a_warning_and_not_malformed() -> None:
    assert check("11100000000013338X") is State.CHECK_FAILS
    assert check_organisation("111000000000133390") is State.CHECK_FAILS


@pytest.mark.parametrize(
    "code", ["", "11100000000013338", "1110000000001333I0", "11100000000013338w", "1" * 18 + "\n"]
)
def test_another_form_is_malformed(code: str) -> None:
    assert (check(code), check_organisation(code)) == (State.MALFORMED, State.MALFORMED)


@given(BODIES)
def test_a_built_code_passes(body: str) -> None:
    assert check(body + check_character(body)) is State.OK


@given(BODIES, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_every_single_substitution_is_detected(body: str, at: int, put: str) -> None:
    code = body + check_character(body)
    altered = code[:at] + put + code[at + 1 :]
    assert check(altered) is (State.OK if altered == code else State.CHECK_FAILS)


@given(BODIES, st.integers(0, 16))
def test_every_adjacent_transposition_is_detected(body: str, at: int) -> None:
    code = body + check_character(body)
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert check(swapped) is (State.OK if swapped == code else State.CHECK_FAILS)


@given(st.text(ALPHABET, min_size=8, max_size=8))
def test_organisation_codes_hold_their_own_check(own: str) -> None:
    code = "11100000" + own + organisation_check_character(own) + "0"
    assert check_organisation(code) is (State.OK if code[16] in ALPHABET else State.MALFORMED)
