"""Rows (归集行): what one line of a delivered file says, whatever the file's kind. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from zwhub.kernel.clock import BEIJING
from zwhub.kernel.words import Words
from zwhub.licences.status import CODES

LONGEST_RECORD = 65_536  # characters
LONGEST_TEXT = 500  # characters of a reason, and of a basis

# The columns, and what else they may be called.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "record": ("证照记录",),
    "status": ("状态",),
    "statusSince": ("变更时间",),
    "statusReason": ("变更原因",),
    "statusBasis": ("变更依据",),
    "fromTheBeginning": ("自始无效",),
}
_STATES = {  # a code may also be written in words
    "有效": "01",
    "暂扣": "02",
    "撤销": "03",
    "注销": "04",
    "失效": "05",
    "办理转出": "06",
    "吊销": "07",
    "其他": "99",
}
_YES, _NO = frozenset({"1", "true", "yes", "是"}), frozenset({"", "0", "false", "no", "否"})
_VALID, _REVOKED = "01", "03"
_PLAIN = (None, "", _VALID)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_DAY = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEARS = range(1900, 2200)


class Unreadable(Exception):
    """A file that cannot be read at all, or not beyond some point; `words` says why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Change(NamedTuple):
    """What the registry is to hold of a record's status (证照状态).

    `status` is a code of `licences.status.CODES`; `since` is None only where it is void from the
    beginning or valid; a day means its first moment in China.
    """

    status: str
    since: datetime | None
    reason: str
    basis: str
    from_the_beginning: bool


class RowProblem(NamedTuple):
    """Why a row is not to be taken in: a code for counting, words for people."""

    code: str
    words: Words


class Row(NamedTuple):
    """One row. `number` counts as the file's own programs show it; `record` is not yet judged.

    With a `problem`, `record` is what could be read of it, if anything.
    """

    number: int
    record: str | None
    change: Change | None = None
    problem: RowProblem | None = None


class Place(NamedTuple):
    """A point between two rows: how far into the file, the number of the row before, a hint."""

    done: int
    row: int
    hint: str = ""


class _Bad(Exception):
    def __init__(self, zh: str, en: str) -> None:
        self.words = Words(zh, en)


def columns(names: Sequence[object]) -> dict[str, int]:
    """Where each known column stands in a header; others are left aside.

    Raises `Unreadable` when the records are missing or a column stands there twice.
    """
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        column = KNOWN.get(_plain(name))
        if column in found:
            raise Unreadable(f"列“{column}”出现两次", f"the column {column} occurs twice")
        if column is not None:
            found[column] = position
    if "record" not in found:
        raise Unreadable(
            "缺少列 record（证照记录）：第一行须为列名",
            "there is no column record (证照记录): the first row must name the columns",
        )
    return found


def _plain(name: object) -> str:
    return str(name).strip().strip("\ufeff").replace("_", "").casefold()


KNOWN = {_plain(name): column for column, more in COLUMNS.items() for name in (column, *more)}


def members(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The members of an object by the names of their columns. Raises KeyError for a repetition."""
    if said.keys() <= COLUMNS.keys():
        return said
    found: dict[str, Any] = {}
    for name, value in said.items():
        column = KNOWN.get(name) or KNOWN.get(_plain(name))
        if column in found:
            raise KeyError(column)
        if column is not None:
            found[column] = value
    return found


def row_of(number: int, cells: Mapping[str, Any]) -> Row | None:
    """The row with these cells, by column; None when all of them are empty."""
    record = cells.get("record")
    if not isinstance(record, str) or not record:
        if record in (None, "") and not any(cells.values()):
            return None
        return broken(number, "RECORD_MISSING", "缺少证照记录", "the row holds no record")
    if len(record) > LONGEST_RECORD:
        return too_long(number)
    if len(cells) == 1 or _is_plain(cells):
        return Row(number, record)
    try:
        return Row(number, record, _change(cells))
    except _Bad as bad:
        return Row(number, record, problem=RowProblem("STATUS_INVALID", bad.words))


def _is_plain(cells: Mapping[str, Any]) -> bool:
    """Whether nothing is said but that it is valid: so with most rows, and quickly told."""
    said = cells.get
    return said("status") in _PLAIN and not (
        said("statusSince")
        or said("statusReason")
        or said("statusBasis")
        or said("fromTheBeginning")
    )


def broken(number: int, code: str, zh: str, en: str) -> Row:
    """A row of which nothing can be read."""
    return Row(number, None, problem=RowProblem(code, Words(zh, en)))


def too_long(number: int) -> Row:
    """A row whose record is longer than any record may be."""
    zh = f"记录过长（上限 {LONGEST_RECORD} 个字符）"
    return broken(
        number, "RECORD_TOO_LONG", zh, f"the record is longer than {LONGEST_RECORD} characters"
    )


def _change(cells: Mapping[str, Any]) -> Change | None:
    said = {name: value for name, value in cells.items() if name != "record" and value is not None}
    if not any(said.values()):
        return None
    status, void = _status(said.get("status", "")), _truth(said.get("fromTheBeginning", ""))
    since = _instant(said.get("statusSince", ""))
    reason, basis = (_text(name, said.get(name, "")) for name in ("statusReason", "statusBasis"))
    if void and status != _REVOKED:
        raise _Bad("只有撤销（03）可以自始无效", "only 03 (撤销) can be void from the beginning")
    if status == _VALID and not (since or reason or basis):
        return None
    if status != _VALID and since is None and not void:
        raise _Bad("缺少 statusSince（变更时间）", "statusSince is missing")
    return Change(status, since, reason, basis, void)


def _status(value: object) -> str:
    text = _written(value)
    code = _STATES.get(text, text.zfill(2) if text else _VALID)  # spreadsheets drop a leading zero
    if code not in CODES:
        raise _Bad("状态须为 01 至 07 或 99", "status must be 01 to 07, or 99")
    return code


def _truth(value: object) -> bool:
    text = _written(value).casefold()
    if text not in _YES | _NO:
        raise _Bad(
            "fromTheBeginning 须为 true 或 false（是、否）", "fromTheBeginning: true or false"
        )
    return text in _YES


def _text(name: str, value: object) -> str:
    text = _written(value)
    if len(text) > LONGEST_TEXT or _CONTROL.search(text):
        raise _Bad(
            f"{name} 须为不超过 {LONGEST_TEXT} 个字符的一行文字",
            f"{name} must be one line of at most {LONGEST_TEXT} characters",
        )
    return text


def _instant(value: object) -> datetime | None:
    """A day or an instant as spreadsheets, databases and GB/T 39046 write it; Beijing's time."""
    text = _written(value)
    if not text:
        return None
    try:
        moment = value if isinstance(value, datetime) else _moment(text)
        if moment.year in _YEARS:
            return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)
        raise ValueError("no year in which licences are signed")
    except ValueError:
        raise _Bad(
            "statusSince 须为日期或时间（如 2026-05-01、2026-05-01T09:00:00+08:00）",
            "statusSince must be a day or an instant: 2026-05-01, 2026-05-01T09:00:00+08:00",
        ) from None


def _moment(text: str) -> datetime:
    if day := _DAY.fullmatch(text):
        return datetime(int(day[1]), int(day[3]), int(day[4]))  # noqa: DTZ001 - Beijing's, later
    return datetime.fromisoformat(text)  # ISO 8601; GB/T 39046: YYYYMMDD, YYYYMMDDThhmmss


def _written(value: object) -> str:
    """A cell as text; a spreadsheet's whole number is written without a fraction."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | bool | date):
        raise _Bad("单元格内容的类型不符", "a cell holds another kind of value")
    return str(value).strip()


def cells_of(values: Sequence[Any], header: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """The known cells of a row, by column."""
    return {name: values[position] for name, position in header}
