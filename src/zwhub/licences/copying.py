"""Rows as COPY takes them (批量写入格式): PostgreSQL's binary format. Pure.

The processes that judge make the widest rows, all but their ids: those are known only where they
are stored. Before each value stands its length, before each row the number of its values.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import NamedTuple

# The columns, in the order of the values below.
LICENCES = (
    *("id", "series_key", "version", "type_code"),
    *("issued_on", "signed_at", "collected_at", "sealed"),
)
NAMES = ("key", "version", "licence_id", "issued_on")
HOLDERS = ("holder_key", "licence_id")

_FIRST_DAY = date(2000, 1, 1).toordinal()  # of PostgreSQL's calendar
_FIRST_MOMENT, _TICK = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_BEGIN, _END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

_id = Struct(">hiq").pack
_slot, _read_slot = (_of := Struct(">i16sihi")).pack, _of.unpack_from
_times = Struct(">iiiqiqi").pack
_HEAD, _TIMES = 30, 36  # bytes of the two
_name = Struct(">hi16sihiqii").pack
_holder = Struct(">hi16siq").pack


def day_number(day: date) -> int:
    """A day as PostgreSQL counts them."""
    return day.toordinal() - _FIRST_DAY


def moment_number(moment: datetime) -> int:
    """An instant as PostgreSQL counts them, in microseconds."""
    return (moment - _FIRST_MOMENT) // _TICK


def licence_values(
    slot: tuple[bytes, int], type_code: str, day: int, moments: tuple[int, int], sealed: bytes
) -> bytes:
    """A row of `licences` behind its id; `moments` are those of its signature and collection."""
    code = type_code.encode()
    head = _slot(16, slot[0], 2, slot[1], len(code))
    times = _times(4, day, 8, moments[0], 8, moments[1], len(sealed))
    return b"".join((head, code, times, sealed))


def licences(first: int, rows: Iterable[bytes]) -> bytes:
    """All that COPY reads: rows of `licences` under ids from `first` on."""
    numbered = (part for id_, row in enumerate(rows, first) for part in (_id(8, 8, id_), row))
    return b"".join((_BEGIN, *numbered, _END))


class Rows(NamedTuple):
    """Rows of one table, all as wide: of each the first byte of its id counts from `id_at`."""

    width: int
    id_at: int


OF_NAMES, OF_HOLDERS = Rows(48, 32), Rows(34, 26)


def names(rows: Iterable[tuple[bytes, int, int, int]]) -> bytes:
    """Rows of `licence_names` in the order of its index: that spares it half of its reads.

    Each row: the key, the version, the licence's id, the day of issue.
    """
    return b"".join(sorted([_name(4, 16, key, 2, v, 8, id_, 4, day) for key, v, id_, day in rows]))


def holders(rows: Iterable[tuple[bytes, int]]) -> bytes:
    """The same of `licence_holders`: the key, the licence's id."""
    return b"".join(sorted([_holder(2, 16, key, 8, id_) for key, id_ in rows]))


def counted_from(first: int, rows: bytes, kind: Rows) -> bytes:
    """All that COPY reads: rows whose ids counted from 0, and now count from `first`.

    Written one behind another they are one long number, to which `first` is added at each id.
    """
    ones = bytes(kind.id_at + 7) + b"\1" + bytes(kind.width - kind.id_at - 8)
    each = int.from_bytes(ones * (len(rows) // kind.width))
    return b"".join((_BEGIN, (int.from_bytes(rows) + first * each).to_bytes(len(rows)), _END))


def renumbered(rows: bytes, kind: Rows, numbers: Mapping[int, int]) -> bytes:
    """Those rows whose ids have a new number, under it."""
    kept: list[bytes] = []
    for at in range(0, len(rows), kind.width):
        begin, end = at + kind.id_at, at + kind.id_at + 8
        number = numbers.get(int.from_bytes(rows[begin:end]))
        if number is not None:
            kept += (rows[at:begin], number.to_bytes(8), rows[end : at + kind.width])
    return b"".join(kept)


def slot_of(values: bytes) -> tuple[bytes, int]:
    """The series and version in a row of `licences` behind its id."""
    _, series, _, version, _ = _read_slot(values)
    return series, version


def sealed_of(values: bytes) -> bytes:
    """The sealed record in it."""
    code = _read_slot(values)[-1]
    return values[_HEAD + code + _TIMES :]
