"""Check a profile (资料检查): codes, references and limits, every fault with its line. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from zwhub.kernel.identifiers import uscc
from zwhub.kernel.identifiers.item import BasicCode, ImplementingCode
from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.profile.evidence import BadEvidence, read_evidence
from zwhub.profile.folder import SETTINGS, Fault, Profile, Row

UNITS = {"工作日": 1.0, "自然日": 1.0, "月": 22.0, "年": 250.0, "": 1.0}
_LEVELS = ("省", "市", "县", "乡", "村")
_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Cell:
    """What every cell of one column must be; `words` say it without quoting the cell."""

    table: str
    column: str
    fits: Callable[[str], object]
    words: Words


def _like(table: str, column: str, pattern: str, example: str) -> Cell:
    words = Words(f"{column} 格式须如 {example}", f"{column} must look like {example}")
    return Cell(table, column, re.compile(pattern).fullmatch, words)


def _of(table: str, column: str, *known: str) -> Cell:
    """One of these words, or several with | between."""
    words = Words(f"{column} 须为：{'、'.join(known)}", f"{column} must be of: {', '.join(known)}")
    return Cell(table, column, lambda cell: set(cell.split("|")) <= set(known), words)


def _number(table: str, column: str) -> Cell:
    words = Words(f"{column} 须为数字", f"{column} must be a number")
    return Cell(table, column, _NUMBER.fullmatch, words)


def _named(table: str) -> Cell:
    return Cell(table, "name", bool, Words("name 不能为空", "name must not be empty"))


_CELLS = (
    _like("matters", "code", r"ZW-[1-4]-[0-9]{2}-[0-9]{3}", "ZW-1-01-001"),
    _like("regions", "code", r"[0-9]{6}|[0-9]{9}|[0-9]{12}", "110101"),
    _like("licence_types", "key", r"[a-z][a-z0-9-]*", "business-licence"),
    _like("licence_types", "code", r"[0-9A-Z]{21}", "11100000000013338W001"),
    _like("licence_types", "validity", r"[0-9]{0,3}", "5"),
    _like("licence_types", "surface", r"[^|]+(\|[^|]+)*", "姓名|性别"),
    _like("calendar", "date", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "2027-02-01"),
    _of("matters", "levels", *_LEVELS, "群众端"),
    _of("matters", "stars", "1", "2", "3", "4", "5"),
    _of("matters_summary", "dimension", "total", "kind", "stars", "lead", "level"),
    _of("regions", "level", *_LEVELS),
    _of("organisations", "kind", "department", "district", "other"),
    _of("organisations", "level", *_LEVELS),
    _of("licence_types", "holder_kind", "person", "enterprise", "either"),
    _of("licence_types", "multi_holder", "yes", "no"),
    _of("items", "case_kind", "1", "2"),
    _of("materials", "necessity", "必要", "非必要", "容缺后补"),
    _of("calendar", "working", "yes", "no"),
    _number("matters_summary", "count"),
    _number("items", "visits"),
    _number("items", "online_depth"),
    _number("materials", "position"),
    _named("matters"),
    _named("regions"),
    _named("organisations"),
    _named("licence_types"),
    _named("items"),
    _named("materials"),
)
_KEYS = (
    ("matters", ("code",)),
    ("matters_summary", ("dimension", "key")),
    ("regions", ("code",)),
    ("organisations", ("code",)),
    ("licence_types", ("code",)),
    ("licence_types", ("key",)),
    ("items", ("implementation_code",)),
    ("materials", ("item", "code")),
    ("calendar", ("date",)),
)

Examine = Callable[[Profile], Iterator[Fault]]


def faults_of(profile: Profile) -> list[Fault]:
    """Every fault that keeps the profile from being loaded, in the order of file and line."""
    found = {fault for examine in _CHECKS for fault in examine(profile)}
    return sorted(found, key=lambda fault: (fault.file, fault.line, fault.words.en))


def _rows(profile: Profile, table: str) -> Iterator[tuple[int, Row]]:
    return zip(profile.lines[table], profile.tables[table], strict=True)


def _fault(table: str, line: int, zh: str, en: str) -> Fault:
    return Fault(f"{table}.csv", line, Words(zh, en))


def _codes(profile: Profile, table: str, column: str = "code") -> set[str]:
    return {row[column] for row in profile.tables[table]}


def _unique(profile: Profile) -> Iterator[Fault]:
    for table, columns in _KEYS:
        counted = Counter(tuple(row[c] for c in columns) for _, row in _rows(profile, table))
        for line, row in _rows(profile, table):
            if counted[tuple(row[c] for c in columns)] > 1:
                zh, en = "、".join(columns), ", ".join(columns)
                yield _fault(table, line, f"{zh} 重复", f"{en} repeated")


def _cells(profile: Profile) -> Iterator[Fault]:
    for cell in _CELLS:
        for line, row in _rows(profile, cell.table):
            if not cell.fits(row[cell.column]):
                yield Fault(f"{cell.table}.csv", line, cell.words)


def _references(profile: Profile) -> Iterator[Fault]:
    organisations, regions = _codes(profile, "organisations"), _codes(profile, "regions")
    types, items = _codes(profile, "licence_types", "key"), _codes(profile, "items")
    wanted = (
        ("matters", "lead", organisations),
        ("organisations", "region", regions),
        ("organisations", "parent", organisations | {""}),
        ("regions", "parent", regions | {""}),
        ("licence_types", "issuing", organisations),
        ("items", "organisation", organisations),
        ("items", "results", types | {""}),
        ("materials", "item", items),
    )
    for table, column, known in wanted:
        for line, row in _rows(profile, table):
            if not set(row[column].split("|")) <= known:
                zh, en = f"{column} 所指不存在", f"{column} refers to nothing known"
                yield _fault(table, line, zh, en)


def _bodies(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "organisations"):
        if uscc.check(row["code"]) is uscc.State.MALFORMED:
            zh, en = "code 不是统一社会信用代码", "code is no social credit code"
            yield _fault("organisations", line, zh, en)


def _items(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "items"):
        yield from _limits(line, row)
        try:
            basic = BasicCode.parse(row["code"])
            implementing = ImplementingCode.parse(row["implementation_code"])
        except MalformedIdentifier as malformed:
            yield Fault("items.csv", line, malformed.words)
            continue
        if str(implementing.basic) != str(basic):
            zh, en = "实施编码与基本编码不符", "implementation_code and code disagree"
            yield _fault("items", line, zh, en)


def _limits(line: int, row: Row) -> Iterator[Fault]:
    amounts = []
    for name in ("statutory", "promised"):
        amount, unit = row[f"{name}_limit"], row[f"{name}_unit"]
        if unit not in UNITS or (amount and not (unit and _NUMBER.fullmatch(amount))):
            zh, en = f"{name}_limit 或单位有误", f"{name}_limit or its unit is wrong"
            yield _fault("items", line, zh, en)
            return
        amounts.append(int(amount) * UNITS[unit] if amount else None)
    statutory, promised = amounts
    if promised is not None and statutory is not None and promised > statutory:
        zh, en = "承诺时限长于法定时限", "the promised limit exceeds the statutory one"
        yield _fault("items", line, zh, en)


def _materials(profile: Profile) -> Iterator[Fault]:
    types = profile.tables["licence_types"]
    surfaces = {row["key"]: set(row["surface"].split("|")) for row in types}
    for line, row in _rows(profile, "materials"):
        try:
            read_evidence(row["evidence"], surfaces)
        except BadEvidence as bad:
            yield Fault("materials.csv", line, bad.words)


def _calendar(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "calendar"):
        try:
            date.fromisoformat(row["date"])
        except ValueError:
            yield _fault("calendar", line, "date 不是日期", "date is no day")


_MEMBERS = {
    "city": ("name", "name_en", "region", "province", "lead"),
    "expected": ("departments", "districts", "items", "licence_types", "licence_records"),
}
_REPLACEMENT = ("subject_zh", "subject_en", "source_zh", "source_en")


def _settings(profile: Profile) -> Iterator[Fault]:
    for section, kind in (("city", str), ("expected", int)):
        members = _section(profile, section)
        for name in _MEMBERS[section]:
            if type(members.get(name)) is not kind:
                yield _toml(
                    f"[{section}] {name} 缺少或有误", f"[{section}] {name} is missing or wrong"
                )
    city, regions = _section(profile, "city"), _codes(profile, "regions")
    known = {"lead": _codes(profile, "organisations"), "region": regions, "province": regions}
    for name, codes in known.items():
        if city.get(name) not in codes:
            yield _toml(f"[city] {name} 所指不存在", f"[city] {name} refers to nothing known")


def _replacements(profile: Profile) -> Iterator[Fault]:
    listed = profile.settings.get("replacements")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    if [row.get("number") for row in rows] != [1, 2, 3, 4, 5, 6]:
        yield _toml(
            "须有 number 为 1 至 6 的六个 [[replacements]]",
            "there must be six [[replacements]], numbered 1 to 6",
        )
    for number, row in enumerate(rows, start=1):
        if not all(isinstance(row.get(name), str) for name in _REPLACEMENT):
            yield _toml(
                f"第 {number} 个 [[replacements]] 缺少文字",
                f"words are missing in [[replacements]] number {number}",
            )


def _section(profile: Profile, name: str) -> Mapping[str, Any]:
    members = profile.settings.get(name)
    return members if isinstance(members, dict) else {}


def _toml(zh: str, en: str) -> Fault:
    return Fault(SETTINGS, 0, Words(zh, en))


def published_years(profile: Profile) -> list[int]:
    """Years whose holidays stand complete in `calendar.csv`: `[calendar] published` (optional)."""
    years = _section(profile, "calendar").get("published", [])
    return years if isinstance(years, list) else [years]


def _years(profile: Profile) -> Iterator[Fault]:
    for year in published_years(profile):
        if type(year) is not int or not any(
            row["date"].startswith(f"{year}-") for row in profile.tables["calendar"]
        ):
            yield _toml(
                "[calendar] published 的年份须在 calendar.csv 中有日期",
                "[calendar] published: each year needs its days in calendar.csv",
            )


_CHECKS: tuple[Examine, ...] = (
    _unique,
    _cells,
    _references,
    _bodies,
    _items,
    _materials,
    _calendar,
    _years,
    _settings,
    _replacements,
)
