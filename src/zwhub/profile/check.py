"""Check a profile (资料检查): codes, references and limits, every fault with its line. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from zwhub.kernel.identifiers import uscc
from zwhub.kernel.identifiers.item import BasicCode, ImplementingCode
from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.profile.cells import NUMBER, faults_in_cells
from zwhub.profile.evidence import BadEvidence, read_evidence
from zwhub.profile.folder import Fault, Profile, Row
from zwhub.profile.settings import faults_in_settings

_UNITS = {"工作日": 1.0, "自然日": 1.0, "月": 22.0, "年": 250.0, "": 1.0}
_KEYS = (
    ("matters", ("code",)),
    ("matters_summary", ("dimension", "key")),
    ("regions", ("code",)),
    ("organisations", ("code",)),
    ("licence_types", ("code",)),
    ("licence_types", ("key",)),
    ("items", ("implementation_code",)),
    ("materials", ("item", "code")),
    ("materials", ("item", "position")),
    ("calendar", ("date",)),
)

_LISTS = ("issuing", "results")  # columns that name several, with | between

Examine = Callable[[Profile], Iterator[Fault]]


def faults_of(profile: Profile) -> list[Fault]:
    """Every fault that keeps the profile from being loaded, in the order of file and line."""
    return _in_order(fault for examine in _CHECKS for fault in examine(profile))


def warnings_of(profile: Profile) -> list[Fault]:
    """What can be loaded, but is to be compared with its source; in the same order.

    A few early real codes fail their check (GB 32100): nobody guesses which one this is. An
    item's code holds that of its organisation, so `organisations` tells for both.
    """
    return _in_order(_unchecked(profile))


def _in_order(found: Iterable[Fault]) -> list[Fault]:
    return sorted(set(found), key=lambda fault: (fault.file, fault.line, fault.words.en))


def _fault(table: str, line: int, zh: str, en: str) -> Fault:
    return Fault(f"{table}.csv", line, Words(zh, en))


def _unique(profile: Profile) -> Iterator[Fault]:
    for table, columns in _KEYS:
        counted = Counter(tuple(row[c] for c in columns) for _, row in profile.rows(table))
        for line, row in profile.rows(table):
            if counted[tuple(row[c] for c in columns)] > 1:
                zh, en = "、".join(columns), ", ".join(columns)
                yield _fault(table, line, f"{zh} 重复", f"{en} repeated")


def _references(profile: Profile) -> Iterator[Fault]:
    organisations, regions = profile.codes("organisations"), profile.codes("regions")
    types, items = profile.codes("licence_types", "key"), profile.codes("items")
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
        for line, row in profile.rows(table):
            named = row[column].split("|") if column in _LISTS else [row[column]]
            if not set(named) <= known:
                zh, en = f"{column} 所指不存在", f"{column} refers to nothing known"
                yield _fault(table, line, zh, en)


def _circles(profile: Profile) -> Iterator[Fault]:
    """Regions and bodies form trees: whoever goes up comes to an end."""
    for table in ("regions", "organisations"):
        parents = {row["code"]: row["parent"] for row in profile.tables[table]}
        for line, row in profile.rows(table):
            if row["code"] in _above(row["code"], parents):
                yield _fault(table, line, "parent 成环", "parent leads round in a circle")


def _above(code: str, parents: Mapping[str, str]) -> set[str]:
    """All that stand above, as far as one comes before meeting the same again."""
    met: set[str] = set()
    while (code := parents.get(code, "")) and code not in met:
        met.add(code)
    return met


def _bodies(profile: Profile) -> Iterator[Fault]:
    for line, row in profile.rows("organisations"):
        if uscc.check(row["code"]) is uscc.State.MALFORMED:
            zh, en = "code 不是统一社会信用代码", "code is no social credit code"
            yield _fault("organisations", line, zh, en)


def _unchecked(profile: Profile) -> Iterator[Fault]:
    for table in ("organisations", "licence_types"):
        for line, row in profile.rows(table):
            body = row["code"][:18]  # 证照类型代码 begins with the body that defines it
            states = (uscc.check(body), uscc.check_organisation(body))
            for state, (zh, en) in zip(states, _CHECKED, strict=True):
                if state is uscc.State.CHECK_FAILS:
                    name = " ".join(row["name"].split())
                    yield _fault(
                        table, line, f"警告：{name}：{zh}，请核对", f"warning: {name}: {en}"
                    )


_CHECKED = (
    ("统一社会信用代码校验码不符", "the check character of the social credit code does not fit"),
    (
        "组织机构代码（第 9 至 17 位）校验码不符",
        "the check character of the organisation code (positions 9 to 17) does not fit",
    ),
)


def _items(profile: Profile) -> Iterator[Fault]:
    for line, row in profile.rows("items"):
        yield from _limits(line, row)
        try:
            basic = BasicCode.parse(row["code"])
            implementing = ImplementingCode.parse(row["implementation_code"])
        except MalformedIdentifier as malformed:
            yield Fault("items.csv", line, malformed.words)
            continue
        pairs = (
            ("implementation_code", str(implementing.basic), "code", str(basic)),
            ("implementation_code", implementing.body, "organisation", row["organisation"]),
            ("implementation_code", implementing.level, "level", row["level"]),
            ("code", basic.task_type, "kind", row["kind"]),
        )
        for code, inside, column, said in pairs:
            if inside != said:
                yield _fault(
                    "items", line, f"{code} 与 {column} 不符", f"{code} and {column} disagree"
                )


def _limits(line: int, row: Row) -> Iterator[Fault]:
    amounts = []
    for name in ("statutory", "promised"):
        amount, unit = row[f"{name}_limit"], row[f"{name}_unit"]
        written = NUMBER.fullmatch(amount) if unit else not amount  # neither: 无期限
        if unit not in _UNITS or not written:
            zh, en = f"{name}_limit 或单位有误", f"{name}_limit or its unit is wrong"
            yield _fault("items", line, zh, en)
            return
        amounts.append(int(amount) * _UNITS[unit] if amount else None)
    statutory, promised = amounts
    if promised is not None and statutory is not None and promised > statutory:
        zh, en = "承诺时限长于法定时限", "the promised limit exceeds the statutory one"
        yield _fault("items", line, zh, en)


def _materials(profile: Profile) -> Iterator[Fault]:
    types = profile.tables["licence_types"]
    surfaces = {row["key"]: set(row["surface"].split("|")) for row in types}
    for line, row in profile.rows("materials"):
        try:
            read_evidence(row["evidence"], surfaces)
        except BadEvidence as bad:
            yield Fault("materials.csv", line, bad.words)


def _calendar(profile: Profile) -> Iterator[Fault]:
    for line, row in profile.rows("calendar"):
        try:
            date.fromisoformat(row["date"])
        except ValueError:
            yield _fault("calendar", line, "date 不是日期", "date is no day")


_CHECKS: tuple[Examine, ...] = (
    _unique,
    faults_in_cells,
    _references,
    _circles,
    _bodies,
    _items,
    _materials,
    _calendar,
    faults_in_settings,
)
