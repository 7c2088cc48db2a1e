"""CSV (RFC 4180), in UTF-8 or GB18030; a broken line spoils no other."""

import codecs
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zwhub.licences.deliveries.lines import BUFFER, LONGEST_LINE, bounded_lines
from zwhub.licences.deliveries.pieces import Piece, of_rows
from zwhub.licences.deliveries.rows import (
    Place,
    Row,
    broken,
    cells_of,
    columns,
    row_of,
    too_long,
)

_MOST_LINES = 64  # of one row: a quoted reason may hold line ends
_UTF8, _GB18030 = "utf-8", "gb18030"
_HEADER = 1
_CHINESE = re.compile("[\u4e00-\u9fff]")


class CommaSeparated:
    """A CSV file; a place is a byte, and the hint is the coding, once a line has told it."""

    def __init__(self, path: Path) -> None:
        """Raises `Unreadable` when the first row does not name the columns."""
        self._path, self.total = path, path.stat().st_size
        with path.open("rb") as file:
            self._first, line = next(bounded_lines(file, 0))
        text = (line or b"").removeprefix(codecs.BOM_UTF8)
        self.hint = _UTF8 if line != text else ""
        names = self._parsed(self._text(text) or "")
        self._header = tuple(columns(names or ()).items())
        self._width = len(names or ())

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The rows behind `start`; blank lines are left out."""
        return of_rows(self._rows(start), lambda: self.hint)

    def _rows(self, start: Place) -> Iterator[tuple[Row, int]]:
        self.hint = start.hint or self.hint
        at, number = max(start.done, self._first), max(start.row, _HEADER)
        with self._path.open("rb", BUFFER) as file:
            while at < self.total:
                for end, row in self._until_broken(file, at, number + 1):
                    at, number = end, number + 1
                    if row is not None:
                        yield row, at
                    if row is not None and row.problem is not None:
                        break  # the next row begins on the next line, whatever was torn open

    def _until_broken(
        self, file: BinaryIO, at: int, number: int
    ) -> Iterator[tuple[int, Row | None]]:
        lines = bounded_lines(file, at)
        for after, line in lines:
            end, whole = after, line
            values = self._values(whole)
            for _ in range(_MOST_LINES):
                if values is not None or not _open(whole):
                    break
                end, more = next(lines, (end, None))
                whole = None if more is None or whole is None else whole + more
                values = self._values(whole)
            if values is None:
                end = after
            yield end, self._row(number, line, values)
            number += 1

    def _values(self, line: bytes | None) -> list[str] | None:
        text = None if line is None else self._text(line)
        values = None if text is None else self._parsed(text)
        return values if values is not None and len(values) in (0, self._width) else None

    def _row(self, number: int, line: bytes | None, values: list[str] | None) -> Row | None:
        if values is not None:
            return row_of(number, cells_of(values, self._header)) if values else None
        if line is None:
            return too_long(number)
        if self._text(line) is None:
            words = "此行含 NUL，或不是文件的编码", "the line holds NUL, or is in another coding"
        else:
            words = "此行的列数或引号有误", "the line's columns or quotes are not in order"
        return broken(number, "ROW_UNREADABLE", *words)

    def _parsed(self, text: str) -> list[str] | None:
        """The cells of one row, none for an empty line; None for a text that is no row."""
        text = text.rstrip("\r\n")
        if '"' not in text:
            return text.split(",") if text else []
        try:
            (values,) = csv.reader([text], strict=True)
        except (csv.Error, ValueError):
            return None
        return values

    def _text(self, line: bytes) -> str | None:
        """The line's characters. The first that is not plain ASCII tells the file's coding."""
        if b"\0" in line:
            return None
        if line.isascii():
            return line.decode("ascii")
        utf8, gb18030 = _decoded(line, _UTF8), _decoded(line, _GB18030)
        if not self.hint:
            self.hint = _UTF8 if utf8 is not None else _GB18030 if gb18030 is not None else ""
        if self.hint == _GB18030 and utf8 is not None and _CHINESE.search(utf8):
            return None  # it reads as GB18030 too, but as nonsense
        return utf8 if self.hint == _UTF8 else gb18030


def _decoded(line: bytes, coding: str) -> str | None:
    try:
        return line.decode(coding)
    except UnicodeDecodeError:
        return None


def _open(line: bytes | None) -> bool:
    """Whether a quoted cell may go on in the next line."""
    return line is not None and len(line) <= LONGEST_LINE and line.count(b'"') % 2 == 1
