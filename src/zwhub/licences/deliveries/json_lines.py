"""JSON lines: an object on each line; a broken one spoils no other."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from zwhub.licences.deliveries.lines import BUFFER, bounded_lines
from zwhub.licences.deliveries.pieces import Piece, bounded
from zwhub.licences.deliveries.rows import Place, Row, broken, members, row_of, too_long


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines in their order, from number `first` on; None was too long. They are read as rows.

    Blank ones are left out.
    """

    first: int
    texts: Sequence[bytes | None]

    def __iter__(self) -> Iterator[Row]:
        for number, text in enumerate(self.texts, start=self.first):
            row = too_long(number) if text is None else _row(number, text)
            if row is not None:
                yield row


class JsonLines:
    """A file of JSON lines; a place is a byte."""

    def __init__(self, path: Path) -> None:
        self._path, self.total = path, path.stat().st_size

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The lines behind `start`, not read yet: that is for whoever goes through them."""
        before = start.row
        with self._path.open("rb", BUFFER) as file:
            lines = bounded_lines(file, start.done)
            for some, done in bounded((line, len(line or b""), end) for end, line in lines):
                yield Lines(before + 1, some), Place(done, before + len(some))
                before += len(some)


def _row(number: int, line: bytes) -> Row | None:
    text = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        if not text.strip():
            return None
        return broken(number, "ROW_UNREADABLE", "此行不是 JSON", "the line is not JSON")
    try:
        return row_of(number, members(said))
    except KeyError:
        words = "此行有成员出现两次", "a member of the line occurs twice"
    except AttributeError:
        words = "此行不是 JSON 对象", "the line is no JSON object"
    return broken(number, "ROW_UNREADABLE", *words)
