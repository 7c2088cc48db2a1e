"""Citizen numbers (公民身份号码, GB 11643): 18 characters, the old 15 digits, the foreigners' 9."""

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from math import nan
from operator import mul

from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words

_FULL = re.compile(r"[1-9][0-9]{16}[0-9X]")
_REGION, _DAY, _REST = (re.compile(f) for f in ("[1-9][0-9]{5}", "[0-9]{8}", "[0-9]{3}[0-9X]"))
_LENGTH = 18
_OLD = re.compile(r"[1-9][0-9]{14}")
_OLD_LENGTH = 15
_CHECKS = "10X98765432"
_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_OFFSET = ord("0") * sum(_WEIGHTS)


class Sex(StrEnum):
    """Sex as the sequence number tells it: odd male, even female."""

    MALE = "MALE"
    FEMALE = "FEMALE"


@dataclass(frozen=True, slots=True)
class CitizenNumber:
    """What a number says. `number` always has 18 characters; `region` has 6 digits.

    The region is not looked up: it may have been abolished since. A number beginning with 9 is
    a foreigner's permanent-residence number (外国人永久居留证), read by the same rules.
    """

    number: str = field(repr=False)
    region: str
    birth_date: date = field(repr=False)
    sex: Sex


def parse(text: str) -> CitizenNumber:
    """Read 18 characters, or 15 digits of the first generation (then born in 19xx).

    MalformedIdentifier for a wrong form, birth date or check character.
    """
    number = upgraded(text)
    if not _FULL.fullmatch(number):
        raise _malformed("公民身份号码格式错误", "not the form of a citizen number")
    if check_character(number[:17]) != number[17]:
        raise _malformed("公民身份号码校验位错误", "the check character of the number is wrong")
    born = _day(number[6:14])
    if born is None:
        raise _malformed("公民身份号码出生日期错误", "the birth date is no date")
    return CitizenNumber(number, number[:6], born, Sex.MALE if int(number[16]) % 2 else Sex.FEMALE)


def is_valid(text: str) -> bool:
    """Whether `parse` would accept it; told without reading it into parts."""
    number = upgraded(text)
    if len(number) != _LENGTH:
        return False
    region, day, rest = _region_sum(number[:6]), _day_sum(number[6:14]), _rest_sum(number[14:])
    return (region + day + rest) % 11 == 1  # ISO 7064 MOD 11-2; no sum where a part is unsound


# A city's people share regions and days, and nothing else fits into four characters: what each part
# adds to the weighted sum is known already. What is in no order adds what no sum makes good.


@lru_cache(maxsize=8_192)
def _region_sum(digits: str) -> float:
    return _sum(digits, 0) if _REGION.fullmatch(digits) else nan


@lru_cache(maxsize=65_536)
def _day_sum(digits: str) -> float:
    return _sum(digits, 6) if _DAY.fullmatch(digits) and _day(digits) else nan


@lru_cache(maxsize=16_384)
def _rest_sum(text: str) -> float:
    if not _REST.fullmatch(text):
        return nan
    return _sum(text[:3], 14) + (10 if text[3] == "X" else int(text[3]))


def _sum(digits: str, at: int) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS[at:], strict=False))


@lru_cache(maxsize=65_536)  # the days of 179 years: a city's people share them
def _day(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def upgraded(text: str) -> str:
    """The 18-character form of a 15-digit number (GB 11643-1999); other texts unchanged."""
    if len(text) != _OLD_LENGTH or not _OLD.fullmatch(text):
        return text
    body = text[:6] + "19" + text[6:]
    return body + check_character(body)


def check_character(first17: str) -> str:
    """The last character, ISO 7064 MOD 11-2, for 17 digits."""
    return _CHECKS[(sum(map(mul, first17.encode(), _WEIGHTS)) - _OFFSET) % 11]


def _malformed(zh: str, en: str) -> MalformedIdentifier:
    return MalformedIdentifier(Words(zh=zh, en=en))
