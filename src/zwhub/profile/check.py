"""Check a profile (资料检查): codes, references and limits, every fault with its line. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from zwhub.kernel.identifiers import uscc
from zwhub.kernel.identifiers.item import BasicCode, ImplementingCode
from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.profile.evidence import BadEvidence, read_evidence
from zwhub.profile.folder import Fault, Profile, Row

UNITS = {"工作日": 1.0, "自然日": 1.0, "月": 22.0, "年": 250.0, "": 1.0}
_LEVELS = {"省", "市", "县", "乡", "村", "群众端"}
_MATTER = re.compile(r"ZW-[1-4]-\d{2}-\d{3}")

Examine = Callable[[Profile], Iterator[Fault]]


def faults_of(profile: Profile) -> list[Fault]:
    """Every fault that keeps the profile from being loaded."""
    return [fault for examine in _CHECKS for fault in examine(profile)]


def _rows(profile: Profile, table: str) -> Iterator[tuple[int, Row]]:
    yield from enumerate(profile.tables[table], start=2)


def _fault(table: str, line: int, zh: str, en: str) -> Fault:
    return Fault(f"{table}.csv", line, Words(zh, en))


def _codes(profile: Profile, table: str, column: str = "code") -> set[str]:
    return {row[column] for row in profile.tables[table]}


def _unique(profile: Profile) -> Iterator[Fault]:
    keys: Mapping[str, Sequence[str]] = {
        "matters": ["code"],
        "regions": ["code"],
        "organisations": ["code"],
        "licence_types": ["code"],
        "items": ["implementation_code"],
        "materials": ["item", "code"],
        "calendar": ["date"],
    }
    for table, columns in keys.items():
        counted = Counter(tuple(row[c] for c in columns) for _, row in _rows(profile, table))
        for line, row in _rows(profile, table):
            if counted[tuple(row[c] for c in columns)] > 1:
                yield _fault(
                    table, line, f"{'、'.join(columns)} 重复", f"{', '.join(columns)} repeated"
                )


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
                yield _fault(
                    table, line, f"{column} 所指不存在", f"{column} refers to nothing known"
                )


def _matters(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "matters"):
        if not _MATTER.fullmatch(row["code"]):
            yield _fault(
                "matters", line, "code 格式须为 ZW-1-01-001", "code must look like ZW-1-01-001"
            )
        if not set(row["levels"].split("|")) <= _LEVELS:
            yield _fault("matters", line, "levels 含未知层级", "levels has an unknown level")
        if row["stars"] not in {"1", "2", "3", "4", "5"}:
            yield _fault("matters", line, "stars 须为 1 至 5", "stars must be 1 to 5")
    for line, row in _rows(profile, "matters_summary"):
        if not row["count"].isdecimal() or row["dimension"] not in {
            "total",
            "kind",
            "stars",
            "lead",
            "level",
        }:
            yield _fault(
                "matters_summary", line, "dimension 或 count 有误", "dimension or count is wrong"
            )


def _bodies(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "organisations"):
        if uscc.check(row["code"]) is uscc.State.MALFORMED:
            yield _fault(
                "organisations", line, "code 不是统一社会信用代码", "code is no social credit code"
            )
    if profile.settings["city"]["lead"] not in _codes(profile, "organisations"):
        words = Words("[city] lead 不在机构表中", "[city] lead is not among the organisations")
        yield Fault("profile.toml", 0, words)


def _types(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "licence_types"):
        if not re.fullmatch(r"[0-9A-Z]{21}", row["code"]):
            yield _fault("licence_types", line, "code 须为 21 位", "code must have 21 characters")
        if row["validity"] and not row["validity"].isdecimal():
            yield _fault(
                "licence_types", line, "validity 须为年数或空", "validity must be years or empty"
            )


def _items(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "items"):
        try:
            basic = BasicCode.parse(row["code"])
            implementing = ImplementingCode.parse(row["implementation_code"])
        except MalformedIdentifier as malformed:
            yield Fault("items.csv", line, malformed.words)
            continue
        if str(implementing.basic) != str(basic):
            yield _fault(
                "items", line, "实施编码与基本编码不符", "implementation_code and code disagree"
            )
        yield from _limits(line, row)
        for column in ("visits", "online_depth"):
            if not row[column].isdecimal():
                yield _fault("items", line, f"{column} 须为数字", f"{column} must be a number")


def _limits(line: int, row: Row) -> Iterator[Fault]:
    amounts = {}
    for name in ("statutory", "promised"):
        amount, unit = row[f"{name}_limit"], row[f"{name}_unit"]
        if (amount and not amount.isdecimal()) or unit not in UNITS or (amount and not unit):
            yield _fault(
                "items", line, f"{name}_limit 或单位有误", f"{name}_limit or its unit is wrong"
            )
            return
        amounts[name] = int(amount) * UNITS[unit] if amount else None
    promised, statutory = amounts["promised"], amounts["statutory"]
    if promised is not None and statutory is not None and promised > statutory:
        yield _fault(
            "items", line, "承诺时限长于法定时限", "the promised limit exceeds the statutory one"
        )


def _materials(profile: Profile) -> Iterator[Fault]:
    surfaces = {
        row["key"]: set(row["surface"].split("|")) for row in profile.tables["licence_types"]
    }
    for line, row in _rows(profile, "materials"):
        if not row["position"].isdecimal():
            yield _fault("materials", line, "position 须为数字", "position must be a number")
        try:
            read_evidence(row["evidence"], surfaces)
        except BadEvidence as bad:
            yield Fault("materials.csv", line, bad.words)


def _calendar(profile: Profile) -> Iterator[Fault]:
    for line, row in _rows(profile, "calendar"):
        try:
            date.fromisoformat(row["date"])
        except ValueError:
            yield _fault("calendar", line, "date 须为 YYYY-MM-DD", "date must be YYYY-MM-DD")
        if row["working"] not in {"yes", "no"}:
            yield _fault("calendar", line, "working 须为 yes 或 no", "working must be yes or no")


_CHECKS: tuple[Examine, ...] = (
    _unique,
    _references,
    _matters,
    _bodies,
    _types,
    _items,
    _materials,
    _calendar,
)
