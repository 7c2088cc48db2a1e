"""Unified social credit codes (统一社会信用代码, GB 32100) and the organisation codes inside."""

import re
from enum import StrEnum
from operator import mul

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I O S V Z
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)  # GB 11714
_FORM = re.compile(f"[{_ALPHABET}]{{18}}")


class State(StrEnum):
    """What a look at a code finds. A few early real codes fail the check: that is a warning."""

    OK = "OK"
    CHECK_FAILS = "CHECK_FAILS"
    MALFORMED = "MALFORMED"


def check(code: str) -> State:
    """The form and the check character of an 18-character code."""
    if not _FORM.fullmatch(code):
        return State.MALFORMED
    return State.OK if check_character(code[:17]) == code[17] else State.CHECK_FAILS


def check_organisation(code: str) -> State:
    """The same for the organisation code (组织机构代码) in positions 9 to 17 of a code."""
    if not _FORM.fullmatch(code):
        return State.MALFORMED
    own = organisation_code(code)
    fits = organisation_check_character(own[:8]) == own[8]
    return State.OK if fits else State.CHECK_FAILS


def organisation_code(code: str) -> str:
    """The 9 characters of the organisation code, the last being its own check character."""
    return code[8:17]


def check_character(first17: str) -> str:
    """GB 32100 §5: weights 3^(i-1) mod 31, complement to 31."""
    return _ALPHABET[-sum(map(mul, map(_VALUES.__getitem__, first17), _WEIGHTS)) % 31]


def organisation_check_character(first8: str) -> str:
    """GB 11714: complement to 11, where ten is X and eleven is 0."""
    values = (_ORGANISATION_ALPHABET.index(c) for c in first8)
    total = sum(w * v for w, v in zip(_ORGANISATION_WEIGHTS, values, strict=True))
    return "0123456789X"[-total % 11]
