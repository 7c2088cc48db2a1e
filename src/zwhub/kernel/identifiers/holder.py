"""Holders (持证主体): kinds of code, comparing a claim with a record, and masking."""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files

from zwhub.kernel.identifiers.citizen import upgraded


class HolderKind(StrEnum):
    """持证主体代码类型, three digits."""

    CREDIT_CODE = "001"
    OTHER_BODY = "099"
    CITIZEN = "111"
    OFFICER = "114"
    POLICE_OFFICER = "115"
    SOLDIER = "118"
    DIPLOMATIC_PASSPORT = "411"
    SERVICE_PASSPORT = "412"
    PASSPORT = "414"
    TAIWAN_PERMIT = "511"
    HONG_KONG_MACAO_PERMIT = "516"
    OTHER = "999"


# One person's name is written with any of these between its parts, depending on the keyboard.
# A full stop is one of them: ． is what many a form has beside 艾力.
_MIDDLE_DOTS = dict.fromkeys(map(ord, "•‧∙・･⋅᛫⸱ꞏ."), "·")
_BREAK = re.compile(r"([\s·'’.\-]+)")
_HEAD, _TAIL = 3, 4


def normalise_code(code: str) -> str:
    """A code for comparing and indexing: half-width, no spaces, upper case.

    The 15 digits of an old citizen number become its 18, so that both find the same records.
    """
    return upgraded(_plain(code))


def normalise_name(name: str) -> str:
    """A name for comparing: NFKC, no spaces, upper case, one middle dot, one form of each character.

    Traditional and simplified forms (陳 陈) become one, as do all that share a form (乾 幹 干): two
    ways to write one name never differ. It is for comparing a claim, never for showing or finding.
    """
    return _plain(name.translate(_MIDDLE_DOTS)).translate(_MIDDLE_DOTS).translate(_one_form())


def matches_code(claimed: str, recorded: str) -> bool:
    """Whether two codes are the same one; an empty claim matches nothing."""
    return normalise_code(claimed) == normalise_code(recorded) != ""


def matches_name(claimed: str, recorded: str) -> bool:
    """Whether two names are the same one; an empty claim matches nothing."""
    return normalise_name(claimed) == normalise_name(recorded) != ""


def mask_number(code: str) -> str:
    """The first 3 and last 4 characters of a long code, fewer of a short one, stars between.

    At least half is always hidden, a citizen's birth date entirely.
    """
    shown = len(code) // 2
    tail = min(_TAIL, shown // 2)
    head = min(_HEAD, shown - tail)
    return code[:head] + "*" * (len(code) - head - tail) + code[len(code) - tail :]


def mask_name(name: str) -> str:
    """The first character of each part of a name, stars for the rest: 张*, J*** S****, 买**·艾*.

    A part of one character is hidden altogether.
    """
    parts = _BREAK.split(unicodedata.normalize("NFC", name.strip()))
    return "".join(part if i % 2 else _masked(part) for i, part in enumerate(parts))


def _masked(part: str) -> str:
    return part[:1] + "*" * (len(part) - 1) if len(part) > 1 else "*" * len(part)


@cache
def _one_form() -> Mapping[int, str]:
    """Each Han character that has other forms, and the one that stands for all of them."""
    table = files(__package__).joinpath("han_forms.txt").read_text("utf-8")
    groups = (line for line in table.splitlines() if not line.startswith("#"))
    return {ord(char): group[0] for group in groups for char in group[1:]}


def _plain(text: str) -> str:
    if text.isascii() and text.isalnum():  # nearly every number: nothing to fold
        return text.upper()
    # Folded after each step, because upper case and a vanished space both make new neighbours.
    folded = _folded(_folded(text).upper())
    return _folded("".join(c for c in folded if unicodedata.category(c) not in _INVISIBLE))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


_INVISIBLE = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
