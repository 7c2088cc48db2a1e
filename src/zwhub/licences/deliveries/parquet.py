"""Parquet, page by page: a file of one huge row group needs no more memory than another."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zwhub.licences.deliveries.extra import missing
from zwhub.licences.deliveries.lines import LONGEST_LINE
from zwhub.licences.deliveries.parquet_pages import (
    damaged,
    row_groups,
    rows_at_once,
)
from zwhub.licences.deliveries.pieces import Piece, of_rows
from zwhub.licences.deliveries.rows import (
    Place,
    Row,
    Unreadable,
    broken,
    columns,
    row_of,
    too_long,
)

_BUFFER = 1_048_576  # bytes
_NOTHING = object()  # a cell that cannot be read
_ENDLESS = object()  # a cell longer than a line of any other kind of file may be


class Parquet:
    """A Parquet file; a place is a row."""

    def __init__(self, path: Path) -> None:
        """Raises `Unreadable`: pyarrow is missing, the file is cut off or lacks its records."""
        try:
            import pyarrow.parquet  # noqa: F401 - an extra, and heavy
        except ImportError:
            raise missing("Parquet", "pyarrow") from None
        self._path = path
        with path.open("rb") as raw:
            self._groups = row_groups(raw)
        with _opened(path) as file:
            schema = file.schema_arrow
            self._header = columns(schema.names)
            self._names = [schema.names[position] for position in self._header.values()]
            _require_text(schema.field(self._header["record"]).type)
            self._positions = [_position(file.metadata, name) for name in self._names]
            self.total = sum(group.rows for group in self._groups)
        if self.total > path.stat().st_size:  # a signature alone takes more than a byte
            raise Unreadable(
                "Parquet 文件的行数与大小不符", "it claims more rows than it has bytes"
            )

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The rows behind `start`. Raises `Unreadable`."""
        return of_rows(self._rows(start))

    def _rows(self, start: Place) -> Iterator[tuple[Row, int]]:
        with _opened(self._path) as file:
            first, skipped = self._group_of(start.done)
            groups = range(first, len(self._groups))
            number = skipped
            for batch in self._batches(file, groups):
                if number + batch.num_rows > start.done:
                    unread = batch.slice(max(start.done - number, 0))
                    yield from self._rows_of(unread, max(number, start.done))
                number += batch.num_rows

    def _group_of(self, row: int) -> tuple[int, int]:
        """The row group in which a row lies, and how many rows lie before that group."""
        before = 0
        for number, group in enumerate(self._groups):
            if row < before + group.rows:
                return number, before
            before += group.rows
        return len(self._groups), before

    def _batches(self, file: Any, groups: Iterable[int]) -> Iterator[Any]:
        from pyarrow import ArrowException

        try:
            with self._path.open("rb") as raw:
                for group in groups:  # one by one, or a damaged one takes the one before with it
                    count = rows_at_once(raw, self._groups[group], self._positions)
                    yield from file.iter_batches(
                        count, [group], columns=self._names, use_threads=False
                    )
        except (ArrowException, OSError, ValueError, MemoryError):
            raise damaged() from None

    def _rows_of(self, batch: Any, number: int) -> Iterator[tuple[Row, int]]:
        cells = [_values(batch.column(name)) for name in self._names]
        for values in zip(*cells, strict=True):
            number += 1
            row = _row(number, dict(zip(self._header, values, strict=True)))
            if row is not None:
                yield row, number


def _row(number: int, cells: dict[str, Any]) -> Row | None:
    if cells["record"] is _ENDLESS:
        return too_long(number)
    if _NOTHING in cells.values() or _ENDLESS in cells.values():
        words = "此行含不可读的单元格", "a cell of the row cannot be read"
        return broken(number, "ROW_UNREADABLE", *words)
    return row_of(number, cells)


def _values(column: Any) -> list[Any]:
    try:
        if _longest(column) <= LONGEST_LINE:
            return list(column.to_pylist())
    except (ValueError, OverflowError):  # text that is not UTF-8, a time beyond all calendars
        pass
    return [_value(cell) for cell in column]


def _longest(column: Any) -> int:
    """No text of the column has more bytes."""
    texts = getattr(column, "dictionary", column)
    return max((_size(cell) for cell in texts), default=0) if texts.nbytes > LONGEST_LINE else 0


def _size(cell: Any) -> int:
    held = cell.value if hasattr(cell, "dictionary") else cell
    octets = held.as_buffer() if hasattr(held, "as_buffer") else None
    return 0 if octets is None else int(octets.size)


def _value(cell: Any) -> Any:
    try:
        return _ENDLESS if _size(cell) > LONGEST_LINE else cell.as_py()
    except (ValueError, OverflowError):
        return _NOTHING


def _opened(path: Path) -> Any:
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path, memory_map=False, buffer_size=_BUFFER, pre_buffer=False)
    except (ArrowException, OSError, ValueError):
        raise Unreadable(
            "Parquet 文件不完整或已损坏", "the Parquet file is cut off or damaged"
        ) from None


def _require_text(kind: Any) -> None:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(value) or types.is_large_string(value) or types.is_string_view(value)):
        raise Unreadable("列 record 须为文本", "the column record must hold text")


def _position(metadata: Any, name: str) -> int:
    """Which column of the file holds it, as one value a row."""
    for position in range(metadata.num_columns):
        column = metadata.schema.column(position)
        if column.path == name and column.max_repetition_level == 0:
            return position
    raise Unreadable(f"列 {name} 须为单值", f"the column {name} must hold one value a row")
