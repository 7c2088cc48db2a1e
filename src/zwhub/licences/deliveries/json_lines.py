"""JSON lines: an object on each line; a broken one spoils no other."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import orjson

from zwhub.licences.deliveries import pieces
from zwhub.licences.deliveries.lines import LONGEST_LINE
from zwhub.licences.deliveries.pieces import Piece
from zwhub.licences.deliveries.rows import (
    LONGEST_RECORD,
    Place,
    Row,
    broken,
    members,
    row_of,
    too_long,
)

MOST_BYTES = 8 * 1024 * 1024  # of a piece: some 5,000 records of the usual size


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines in a part of a file, from number `first` on, blank ones left out.

    They are read where they are gone through, be that in another process.
    """

    path: Path
    begin: int
    end: int
    first: int

    def __iter__(self) -> Iterator[Row]:
        if self.end - self.begin > MOST_BYTES:
            yield too_long(self.first)
            return
        with self.path.open("rb", 0) as file:
            file.seek(self.begin)
            text = file.read(self.end - self.begin)
        for number, line in enumerate(BytesIO(text), start=self.first):
            row = _row(number, line) if len(line) <= LONGEST_LINE else too_long(number)
            if row is not None:
                yield row


class JsonLines:
    """A file of JSON lines; a place is a byte."""

    def __init__(self, path: Path) -> None:
        self._path, self.total = path, path.stat().st_size

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The lines behind `start`, counted but not read yet."""
        at, row = start.done, start.row
        with self._path.open("rb", 0) as file:
            while count_and_size := _piece(file, at):
                count, size = count_and_size
                yield Lines(self._path, at, at + size, row + 1), Place(at + size, row + count)
                at, row = at + size, row + count


def _piece(file: BinaryIO, at: int) -> tuple[int, int] | None:
    """How many lines of the next ones make a piece, and their bytes; None at the file's end.

    A line that is larger than any piece is one by itself.
    """
    file.seek(at)
    block = file.read(MOST_BYTES)
    if not block:
        return None
    count, end = 0, 0
    while count < pieces.MOST_ROWS and (found := block.find(b"\n", end)) >= 0:
        count, end = count + 1, found + 1
    if len(block) < MOST_BYTES and count < pieces.MOST_ROWS and end < len(block):
        return count + 1, len(block)  # the last line need not be ended
    return (count, end) if count else (1, len(block) + _rest(file))


def _rest(file: BinaryIO) -> int:
    """How much of this line is still to come."""
    size = 0
    while more := file.read(MOST_BYTES):
        found = more.find(b"\n")
        if found >= 0:
            return size + found + 1
        size += len(more)
    return size


def _row(number: int, line: bytes) -> Row | None:
    text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
    try:
        said = orjson.loads(text)
        if type(said) is dict and len(said) == 1:  # nearly every line
            record = said.get("record")
            if type(record) is str and 0 < len(record) <= LONGEST_RECORD:
                return Row(number, record)
        cells = members(said)
    except orjson.JSONDecodeError as error:
        return _no_json(number, error) if text.strip() else None
    except KeyError:
        return broken(number, _CODE, "此行有成员出现两次", "a member of the line occurs twice")
    except AttributeError:
        return broken(number, _CODE, "此行不是 JSON 对象", "the line is no JSON object")
    if "record" not in cells:
        words = "此行没有成员 record（证照记录）", "the line has no member record"
        return broken(number, "RECORD_MISSING", *words)
    return row_of(number, cells)


def _no_json(number: int, error: orjson.JSONDecodeError) -> Row:
    if "depth" in error.msg or "ecursion" in error.msg:  # as the versions of the reader say it
        return broken(number, _CODE, "此行嵌套过深", "the line is nested too deeply")
    return broken(number, _CODE, "此行不是 JSON", "the line is not JSON")


_CODE = "ROW_UNREADABLE"
