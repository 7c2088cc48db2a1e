"""XLSX: the first sheet of a workbook, row by row, behind the checks of a stranger's zip."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from zwhub.licences.deliveries.extra import missing
from zwhub.licences.deliveries.pieces import Piece, of_rows
from zwhub.licences.deliveries.rows import Place, Row, Unreadable, cells_of, columns, row_of
from zwhub.licences.deliveries.workbook_size import require_modest
from zwhub.licences.files.container import Container, Refused

LARGEST = 64 * 1024 * 1024  # bytes of a workbook, and what it may unpack to
LARGEST_UNPACKED = 128 * 1024 * 1024
_MOST_COLUMNS, _MOST_ROWS = 64, 1_048_576  # ECMA-376: a sheet has no more rows
_AT_ONCE = 500


class Spreadsheet:
    """An XLSX file; a place is a row of the sheet."""

    def __init__(self, path: Path) -> None:
        """Raises `Unreadable`: openpyxl is missing, the workbook too large, damaged, hostile."""
        try:
            import openpyxl  # noqa: F401 - an extra
        except ImportError:
            raise missing("XLSX", "openpyxl") from None
        _require_room(path)
        self._path, self.total = path, _declared_rows(path)
        header = next(_rows(path), ())
        while header and header[-1] is None:
            header = header[:-1]
        self._header = tuple(columns(header).items())

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The rows behind `start`; empty ones are left out."""
        return of_rows(self._rows(start))

    def _rows(self, start: Place) -> Iterator[tuple[Row, int]]:
        width = 1 + max(position for _, position in self._header)
        for number, values in enumerate(_rows(self._path), start=1):
            if number <= max(start.row, 1):
                continue
            padded = (*values, *[None] * (width - len(values)))
            row = row_of(number, cells_of(padded, self._header))
            if row is not None:
                yield row, number


def _require_room(path: Path) -> None:
    if path.stat().st_size > LARGEST:
        raise Unreadable(
            "XLSX 文件超过 64 MiB：请改用 CSV、Parquet 或 JSON 行",
            "the XLSX file is larger than 64 MiB: deliver CSV, Parquet or JSON lines",
        )
    try:
        require_modest(Container(path.read_bytes(), LARGEST_UNPACKED))
    except Refused as refused:
        raise Unreadable(f"XLSX：{refused.words.zh}", f"XLSX: {refused.words.en}") from None


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from openpyxl import load_workbook

    with path.open("rb") as file:  # ours to close: the library leaves it open when it stumbles
        with warnings.catch_warnings(action="ignore"):  # of styles and others not read here
            book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        try:
            yield book
        finally:
            book.close()


def _declared_rows(path: Path) -> int:
    """How many rows the sheet says that it has: good enough for a progress bar."""
    try:
        with _opened(path) as book:
            rows = book.worksheets[0].max_row
    except Exception:  # told where the rows are read
        rows = None
    return rows if isinstance(rows, int) and rows > 0 else _MOST_ROWS


def _rows(path: Path) -> Iterator[tuple[Any, ...]]:
    try:
        yield from _unguarded_rows(path)
    except Exception:  # of many kinds, whatever in a stranger's XML the library stumbles over
        raise Unreadable("XLSX 文件已损坏", "the XLSX file is damaged") from None


def _unguarded_rows(path: Path) -> Iterator[tuple[Any, ...]]:
    with _opened(path) as book:
        rows = book.worksheets[0].iter_rows(
            max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True
        )
        while True:
            with warnings.catch_warnings(action="ignore"):
                some = list(islice(rows, _AT_ONCE))
            if not some:
                return
            yield from some
