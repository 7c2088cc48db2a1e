"""The size of a workbook (工作簿规模): what an XLSX would take in memory, told before it is parsed.

The library holds each row of a sheet as a tree, and every text that cells share, at once; an
element takes many times the room of its name.
"""

import re

from zwhub.licences.deliveries.rows import Unreadable
from zwhub.licences.files.container import Container

MOST_IN_ROW = 100_000  # tags between the marks of two rows: ECMA-376 knows 16,384 columns
MOST_ROW_MARKS = 2_200_000  # two of each of the 1,048,576 rows, and some
MOST_ELSEWHERE = 1_200_000  # tags of all that is no sheet: texts of 270,000 cells
LONGEST_TEXT = 1_048_576  # bytes without a tag; a cell holds 32,767 characters
_ROW = re.compile(rb"<row[\s/>]|row>")
_OVERLAP = 8  # bytes of a mark that may be cut in two
_SHEETS = re.compile(rb"<Override\b[^>]*?>")
_TYPES = "[Content_Types].xml"


def require_modest(book: Container) -> None:
    """Raises `Unreadable` for one whose parsing would take much more memory than its size."""
    sheets = _sheets(book)
    elsewhere = 0
    for name in book.names:
        elsewhere += _tags(book, name, in_rows=name in sheets)
        if elsewhere > MOST_ELSEWHERE:
            raise _too_much()


def _sheets(book: Container) -> frozenset[str]:
    """The parts that are sheets and nothing besides, by the table that the library goes by."""
    kinds: dict[str, set[bool]] = {}
    for entry in _SHEETS.findall(book.read(_TYPES) or b""):
        name = re.search(rb"PartName=[\"']/([^\"']*)", entry)
        if name is not None:
            part = name[1].decode("utf-8", "replace")
            kinds.setdefault(part, set()).add(b"worksheet+xml" in entry)
    return frozenset(part for part, sheet in kinds.items() if sheet == {True})


def _tags(book: Container, name: str, *, in_rows: bool) -> int:
    """How many a part has; none for one in which no row has too many."""
    tags = marks = text = 0
    kept = b""
    for piece in book.pieces(name):
        text = text + len(piece) if b"<" not in piece else len(piece) - piece.rindex(b"<")
        runs = [part.count(b"<") for part in (_ROW.split(kept + piece) if in_rows else [piece])]
        runs[0] += tags
        tags, marks = runs[-1], marks + len(runs) - 1
        too_many = max(runs) > (MOST_IN_ROW if in_rows else MOST_ELSEWHERE)
        if too_many or marks > MOST_ROW_MARKS or text > LONGEST_TEXT:
            raise _too_much()
        kept = piece[-_OVERLAP:]
    return 0 if in_rows else tags


def _too_much() -> Unreadable:
    return Unreadable(
        "XLSX 内容过于细碎或过大：请改用 CSV、Parquet 或 JSON 行",
        "the XLSX holds too much for its size: deliver CSV, Parquet or JSON lines",
    )
