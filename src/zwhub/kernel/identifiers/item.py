"""Item codes (事项编码): basic 12, implementing 31 and handling 33, and the older forms of them."""

import re
from dataclasses import dataclass

from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words

_WIDTHS = (2, 2, 2, 3, 3)  # region, task type, department, main item, sub-item
_BASIC = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{3})([0-9]{3})")
_IMPLEMENTING = re.compile(r"([0-9A-HJ-NPQRTUWXY]{18})([1-7])([0-9]{12})")
_HANDLING = re.compile(r"(.{31})([0-9]{2})")
_DASHES = re.compile(r"[-‐‑–—－]")
_WITHOUT_REGION, _SHORT_TYPE, _SHORT_BOTH = 10, 11, 9  # digits


@dataclass(frozen=True, slots=True)
class BasicCode:
    """基本编码: what kind of matter, the same everywhere in a province (region 00 = national)."""

    region: str
    task_type: str
    department: str
    main: str
    sub: str

    @classmethod
    def parse(cls, text: str) -> "BasicCode":
        """Read exactly 12 digits, or MalformedIdentifier."""
        found = _BASIC.fullmatch(text)
        if not found:
            raise _malformed("基本编码须为 12 位数字", "a basic code has 12 digits")
        return cls(*found.groups())

    def __str__(self) -> str:
        return self.region + self.task_type + self.department + self.main + self.sub


@dataclass(frozen=True, slots=True)
class ImplementingCode:
    """实施编码: a body (18 characters), at a level (1 to 7), implementing a basic item."""

    body: str
    level: str
    basic: BasicCode

    @classmethod
    def parse(cls, text: str) -> "ImplementingCode":
        """Read exactly 31 characters, or MalformedIdentifier."""
        found = _IMPLEMENTING.fullmatch(text)
        if not found:
            raise _malformed("实施编码须为 31 位", "an implementing code has 31 characters")
        return cls(found[1], found[2], BasicCode.parse(found[3]))

    def __str__(self) -> str:
        return f"{self.body}{self.level}{self.basic}"


@dataclass(frozen=True, slots=True)
class HandlingCode:
    """业务办理项编码: one situation (情形, 2 digits) of an implementing item."""

    implementing: ImplementingCode
    situation: str

    @classmethod
    def parse(cls, text: str) -> "HandlingCode":
        """Read exactly 33 characters, or MalformedIdentifier."""
        found = _HANDLING.fullmatch(text)
        if not found:
            raise _malformed("业务办理项编码须为 33 位", "a handling code has 33 characters")
        return cls(ImplementingCode.parse(found[1]), found[2])

    def __str__(self) -> str:
        return f"{self.implementing}{self.situation}"


def read_basic(text: str, region: str) -> tuple[BasicCode, tuple[Words, ...]]:
    """A basic code in its present or an older form, and what was done to it.

    Older forms: segments between dashes; no region in front (10 digits), then `region` (2
    digits) is put there; a task type of one digit (`1` for `01`). Nothing is ever cut off.
    MalformedIdentifier when the text stays ambiguous.
    """
    segments = _DASHES.split("".join(text.split()))
    notes = [_DASHED] if len(segments) > 1 else []
    if len(segments) == 1:
        segments = _cut(segments[0])
    if len(segments) == len(_WIDTHS) - 1:
        segments, notes = [region, *segments], [*notes, _REGION_ADDED]
    if len(segments) != len(_WIDTHS) or "" in segments:
        raise _malformed("无法识别的基本编码", "not a basic code of any known form")
    padded = "".join(s.rjust(width, "0") for s, width in zip(segments, _WIDTHS, strict=True))
    if padded != "".join(segments):
        notes.append(_PADDED)
    return BasicCode.parse(padded), tuple(notes)


def _cut(digits: str) -> list[str]:
    """The segments of a code without dashes; the type may have one digit, the region be absent."""
    widths = list(_WIDTHS)
    if len(digits) in (_SHORT_TYPE, _SHORT_BOTH):
        widths[1] = 1
    if len(digits) in (_WITHOUT_REGION, _SHORT_BOTH):
        del widths[0]
    if len(digits) != sum(widths):
        return []
    ends = [sum(widths[: i + 1]) for i in range(len(widths))]
    return [digits[end - width : end] for end, width in zip(ends, widths, strict=True)]


_DASHED = Words(zh="去掉了分隔符", en="dashes were removed")
_REGION_ADDED = Words(zh="补上了区划前两位", en="the region's two digits were put in front")
_PADDED = Words(zh="不足位的段补零", en="short segments were padded with zeros")


def _malformed(zh: str, en: str) -> MalformedIdentifier:
    return MalformedIdentifier(Words(zh=zh, en=en))
