"""Cells (单元格): what each column of a profile's tables must hold, told once for all. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from zwhub.kernel.words import Words
from zwhub.profile.folder import Fault, Profile

NUMBER = re.compile(r"[0-9]{1,6}")
_LEVELS = ("省", "市", "县", "乡", "村")
_TASK_TYPES = {  # 事项类型
    "01": "行政许可",
    "02": "行政处罚",
    "03": "行政强制",
    "04": "行政征收",
    "05": "行政给付",
    "06": "行政检查",
    "07": "行政确认",
    "08": "行政奖励",
    "09": "行政裁决",
    "10": "其他行政权力",
    "20": "公共服务",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What every cell of one column must be; `words` say it without quoting the cell."""

    table: str
    column: str
    fits: Callable[[str], object]
    words: Words


def faults_in_cells(profile: Profile) -> Iterator[Fault]:
    """Every cell that is not what its column must hold."""
    for cell in _CELLS:
        for line, row in profile.rows(cell.table):
            # A column that only the sandbox needs may be absent.
            if cell.column in row and not cell.fits(row[cell.column]):
                yield Fault(f"{cell.table}.csv", line, cell.words)


def _like(table: str, column: str, pattern: str, example: str) -> Cell:
    words = Words(f"{column} 格式须如 {example}", f"{column} must look like {example}")
    return Cell(table, column, re.compile(pattern).fullmatch, words)


def _one_of(table: str, column: str, *known: str) -> Cell:
    return Cell(table, column, known.__contains__, _known(column, known))


def _some_of(table: str, column: str, *known: str) -> Cell:
    """One of these words, or several with | between."""
    return Cell(table, column, lambda c: set(c.split("|")) <= set(known), _known(column, known))


def _known(column: str, known: tuple[str, ...]) -> Words:
    return Words(f"{column} 须为：{'、'.join(known)}", f"{column} must be of: {', '.join(known)}")


def _number(table: str, column: str) -> Cell:
    words = Words(f"{column} 须为数字", f"{column} must be a number")
    return Cell(table, column, NUMBER.fullmatch, words)


def _named(table: str) -> Cell:
    words = Words("name 不能为空", "name must not be empty")
    return Cell(table, "name", lambda cell: any(map(str.isalnum, cell)), words)


_PATTERN = r"([^{}]|\{(region|year|date|serial(:0[0-9]{1,2})?)\})*"
# Codes are those of GB/T 39046-2020, annex A. What the database keeps as a key has a length: an
# index cannot hold more.
_CELLS = (
    _like("matters", "code", r"ZW-[1-4]-[0-9]{2}-[0-9]{3}", "ZW-1-01-001"),
    _like("matters_summary", "key", r".{0,100}", "公共服务"),
    _like("regions", "code", r"[0-9]{6}|[0-9]{9}|[0-9]{12}", "110101"),
    _like("licence_types", "key", r"[a-z][a-z0-9-]{0,99}", "business-licence"),
    _like("licence_types", "code", r"[0-9A-Z]{21}", "11100000000013338W001"),
    _like("licence_types", "validity", r"[0-9]{0,3}", "5"),
    _like("licence_types", "surface", r"[^|]+(\|[^|]+)*", "姓名|性别"),
    _like("licence_types", "number_pattern", _PATTERN, "J{region}-{year}-{serial:06}"),
    _like("items", "online_depth", r"[0-9]", "4"),  # each platform has a scale of its own
    _like("materials", "code", r".{1,100}", "M01"),
    _like("calendar", "date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "2027-02-01"),
    _one_of("matters", "kind", *_TASK_TYPES.values()),
    _some_of("matters", "levels", *_LEVELS, "群众端"),
    _one_of("matters", "stars", "1", "2", "3", "4", "5"),
    _one_of("matters_summary", "dimension", "total", "kind", "stars", "lead", "level"),
    _one_of("regions", "level", *_LEVELS),
    _one_of("organisations", "kind", "department", "district", "other"),
    _one_of("organisations", "level", *_LEVELS),
    _one_of("licence_types", "holder_kind", "person", "enterprise", "either"),
    _one_of("licence_types", "multi_holder", "yes", "no"),
    _one_of("items", "kind", *_TASK_TYPES),
    _one_of("items", "level", *"1234567"),
    _some_of("items", "served", *"123456"),
    _one_of("items", "case_kind", "1", "2"),
    _one_of("materials", "kind", "原件", "复印件", "原件和复印件"),
    _one_of("materials", "form", "纸质", "电子", "均可"),
    _one_of("materials", "source", "申请人自备", "政府部门核发", "其他"),
    _one_of("materials", "necessity", "必要", "非必要", "容缺后补"),
    _one_of("calendar", "working", "yes", "no"),
    _number("matters_summary", "count"),
    _number("items", "visits"),
    _number("materials", "position"),
    _named("matters"),
    _named("regions"),
    _named("organisations"),
    _named("licence_types"),
    _named("items"),
    _named("materials"),
)
