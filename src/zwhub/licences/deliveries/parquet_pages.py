"""The pages of a Parquet file (Parquet 数据页): how much room each takes, before anybody unpacks it.

What a file says of itself in its metadata may be a lie; a library unpacks as much as the header in
front of a page says, so those headers are what is looked at.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from zwhub.licences.deliveries.rows import Unreadable
from zwhub.licences.deliveries.thrift import I32, I64, LIST, STRUCT, Compact, Malformed

MOST_ROOM = 80 * 1024 * 1024  # of the pages that lie in memory together, packed and unpacked
MOST_AT_ONCE = 24 * 1024 * 1024  # of rows decoded together
_LARGE = 4 * 1024 * 1024  # a page in which one value may outweigh all the others
MOST_ROWS_AT_ONCE = 1_000
LARGEST_METADATA = 8 * 1024 * 1024
_MOST_PARTS = 120_000  # structures and texts of the metadata, each up to 1 KB in memory
_LONGEST_HEADER, _HEADER_PARTS = 16_384, 64
_END = 8  # bytes: the size of the metadata, and PAR1
_DICTIONARY, _DATA = 2, (0, 3)  # kinds of pages; 3 is the second layout of data pages
_EXPANDING = frozenset({2, 7, 8})  # encodings by which a few bytes stand for long values
_COUNTED = frozenset({5, 6, 7})  # encodings whose lengths are all unpacked at once
_ENTRY = 16  # bytes of one value in a decoder's table


Fields = Mapping[tuple[int, int], Any]


class Chunk(NamedTuple):
    """The pages of one column in one row group: their values, where they begin, their bytes."""

    values: int
    start: int
    packed: int


class RowGroup(NamedTuple):
    """Rows whose columns lie together; a chunk that lies elsewhere, or nowhere, is None."""

    rows: int
    chunks: tuple[Chunk | None, ...]


class Page(NamedTuple):
    """One page: values, bytes on the disk and unpacked."""

    kind: int
    encoding: int
    values: int
    packed: int
    unpacked: int

    @property
    def room(self) -> int:
        """What it takes in memory while its rows are read."""
        table = self.kind == _DICTIONARY
        entries = _ENTRY * self.values if table or self.encoding in _COUNTED else 0
        return self.packed + self.unpacked * (2 if table else 1) + entries


def row_groups(file: BinaryIO) -> list[RowGroup]:
    """What the metadata say, before a library reads them. Raises `Unreadable`."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _END, 0))
    end = file.read(_END)
    length = int.from_bytes(end[:4], "little")
    if len(end) < _END or end[4:] != b"PAR1" or length > size - _END:
        raise Unreadable("Parquet 文件不完整或已损坏", "the Parquet file is cut off or damaged")
    if length > LARGEST_METADATA:
        raise _too_much()
    file.seek(size - _END - length)
    try:
        said = Compact(file.read(length), _MOST_PARTS).struct()
        return [_row_group(one) for one in said[4, LIST]]
    except (Malformed, KeyError, TypeError):
        raise _too_much() from None


def _row_group(said: Fields) -> RowGroup:
    return RowGroup(said[3, I64], tuple(_chunk(one.get((3, STRUCT))) for one in said[1, LIST]))


def _chunk(said: Fields | None) -> Chunk | None:
    if said is None:
        return None
    first, table = said[9, I64], said.get((11, I64))
    start = table if table is not None and 0 < table < first else first
    return Chunk(said[5, I64], start, said[7, I64])


def rows_at_once(file: BinaryIO, group: RowGroup, positions: Sequence[int]) -> int:
    """How many rows of a row group may be decoded together; `positions` are the columns read.

    Raises `Unreadable` for its pages.
    """
    room, longest = 0, 1
    for position in positions:
        pages = list(_pages(file, group, position))
        data = [page for page in pages if page.kind in _DATA]
        tables = [page for page in pages if page.kind == _DICTIONARY]
        if sum(page.values for page in data) != group.rows:
            raise damaged()
        room += max((page.room for page in data), default=0) + sum(page.room for page in tables)
        longest += max((_longest(page, tables) for page in data), default=0)
    if room > MOST_ROOM:
        raise Unreadable(
            "Parquet 数据页过大：请改用较小的页或行组（如每组 10000 行）",
            "its pages are too large: write smaller ones, or row groups of 10,000 rows",
        )
    return max(1, min(MOST_ROWS_AT_ONCE, MOST_AT_ONCE // longest))


def _longest(page: Page, tables: Sequence[Page]) -> int:
    """No value of the page is longer; on an average, where each one takes its room in the page."""
    if page.encoding in _EXPANDING or page.unpacked > _LARGE:
        return max([page.unpacked, *(table.unpacked for table in tables)])
    return -(-page.unpacked // max(page.values, 1))


def _pages(file: BinaryIO, group: RowGroup, position: int) -> Iterator[Page]:
    chunk = group.chunks[position] if position < len(group.chunks) else None
    if chunk is None or chunk.start < 0:
        raise damaged()
    at, values = chunk.start, 0
    while values < chunk.values:
        if at >= chunk.start + chunk.packed:
            raise damaged()
        page, header = _page(os.pread(file.fileno(), _LONGEST_HEADER, at))
        at += header + page.packed
        values += page.values if page.kind in _DATA else 0
        yield page


def _page(octets: bytes) -> tuple[Page, int]:
    """The page whose header these octets begin with, and the header's length."""
    reader = Compact(octets, _HEADER_PARTS)
    try:
        said = reader.struct()
        kind, unpacked, packed = (said[number, I32] for number in (1, 2, 3))
        about = said[{0: 5, 2: 7, 3: 8}[kind], STRUCT]
        values, encoding = about[1, I32], about[4 if kind == _DATA[1] else 2, I32]
    except (Malformed, KeyError):
        raise damaged() from None
    if min(values, packed, unpacked) < 0:
        raise damaged()
    return Page(kind, encoding, values, packed, unpacked), reader.at


def damaged() -> Unreadable:
    return Unreadable("Parquet 文件自此处起已损坏", "from here on, the Parquet file is damaged")


def _too_much() -> Unreadable:
    return Unreadable(
        "Parquet 元数据过大或已损坏：请用较大的行组，只写所需的列",
        "the Parquet metadata are damaged or too large: write larger row groups and fewer columns",
    )
