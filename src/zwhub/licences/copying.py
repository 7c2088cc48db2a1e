"""Rows as COPY takes them (批量写入格式): PostgreSQL's binary format. Pure.

The processes that judge make the widest rows, all but their ids: those are known only where they
are stored. Before each value stands its length, before each row the number of its values.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from struct import Struct

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
_slot = Struct(">i16sihi").pack
_times = Struct(">iiiqiqi").pack
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


def names(rows: Iterable[tuple[bytes, int, int, int]]) -> bytes:
    """The same of `licence_names`, in the order of its index: that spares it half of its reads.

    Each row: the key, the version, the licence's id, the day of issue.
    """
    made = [_name(4, 16, key, 2, version, 8, id_, 4, day) for key, version, id_, day in rows]
    return b"".join((_BEGIN, *sorted(made), _END))


def holders(rows: Iterable[tuple[bytes, int]]) -> bytes:
    """The same of `licence_holders`: the key, the licence's id."""
    made = [_holder(2, 16, key, 8, id_) for key, id_ in rows]
    return b"".join((_BEGIN, *sorted(made), _END))
