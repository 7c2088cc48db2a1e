"""JSON lines: an object on each line; a broken one spoils no other."""

import codecs
from collections.abc import Iterator
from pathlib import Path

import orjson

from zwhub.licences.deliveries.lines import BUFFER, bounded_lines
from zwhub.licences.deliveries.rows import Place, Row, broken, members, row_of, too_long


class JsonLines:
    """A file of JSON lines; a place is a byte."""

    hint = ""

    def __init__(self, path: Path) -> None:
        self._path, self.total = path, path.stat().st_size

    def rows(self, start: Place) -> Iterator[tuple[Row, int]]:
        """The rows behind `start`, each with the place behind it; blank lines are left out."""
        number = start.row
        with self._path.open("rb", BUFFER) as file:
            for end, line in bounded_lines(file, start.done):
                number += 1
                row = too_long(number) if line is None else _row(number, line)
                if row is not None:
                    yield row, end


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
