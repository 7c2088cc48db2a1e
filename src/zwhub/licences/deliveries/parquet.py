"""Parquet, page by page: a file of one huge row group needs no more memory than another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zwhub.licences.deliveries.pieces import Piece, of_rows
from zwhub.licences.deliveries.rows import Place, Row, Unreadable, broken, columns, row_of

_AT_ONCE = 1_000  # rows decoded together
_BUFFER = 1_048_576  # bytes
_NOTHING = object()  # a cell that cannot be read


class Parquet:
    """A Parquet file; a place is a row."""

    def __init__(self, path: Path) -> None:
        """Raises `Unreadable`: pyarrow is missing, the file is cut off or lacks its records."""
        try:
            import pyarrow.parquet  # noqa: F401 - an extra, and heavy
        except ImportError:
            raise Unreadable(
                "读取 Parquet 需要 pyarrow：pip install 'zwhub[load]'",
                "reading Parquet needs pyarrow: pip install 'zwhub[load]'",
            ) from None
        self._path = path
        with _opened(path) as file:
            schema = file.schema_arrow
            self._header = columns(schema.names)
            self._names = [schema.names[position] for position in self._header.values()]
            _require_text(schema.field(self._header["record"]).type)
            self.total = file.metadata.num_rows

    def pieces(self, start: Place) -> Iterator[Piece]:
        """The rows behind `start`. Raises `Unreadable`."""
        return of_rows(self._rows(start))

    def _rows(self, start: Place) -> Iterator[tuple[Row, int]]:
        with _opened(self._path) as file:
            first, skipped = _group_of(file, start.done)
            groups = list(range(first, file.num_row_groups))
            number = skipped
            for batch in _batches(file, groups, self._names):
                if number + batch.num_rows > start.done:
                    unread = batch.slice(max(start.done - number, 0))
                    yield from self._rows_of(unread, max(number, start.done))
                number += batch.num_rows

    def _rows_of(self, batch: Any, number: int) -> Iterator[tuple[Row, int]]:
        cells = [_values(batch.column(name)) for name in self._names]
        for values in zip(*cells, strict=True):
            number += 1
            row = _row(number, dict(zip(self._header, values, strict=True)))
            if row is not None:
                yield row, number


def _row(number: int, cells: dict[str, Any]) -> Row | None:
    if _NOTHING in cells.values():
        words = "此行含不可读的单元格", "a cell of the row cannot be read"
        return broken(number, "ROW_UNREADABLE", *words)
    return row_of(number, cells)


def _values(column: Any) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):  # text that is not UTF-8, a time beyond all calendars
        return [_value(cell) for cell in column]


def _value(cell: Any) -> Any:
    try:
        return cell.as_py()
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


def _group_of(file: Any, row: int) -> tuple[int, int]:
    """The row group in which a row lies, and how many rows lie before that group."""
    before = 0
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if row < before + rows:
            return group, before
        before += rows
    return file.num_row_groups, before


def _batches(file: Any, groups: list[int], names: list[str]) -> Iterator[Any]:
    from pyarrow import ArrowException

    try:
        for group in groups:  # one by one, or a damaged one would take the one before with it
            yield from file.iter_batches(_AT_ONCE, [group], columns=names, use_threads=False)
    except (ArrowException, OSError, ValueError, MemoryError):
        raise Unreadable(
            "Parquet 文件自此处起已损坏", "from here on, the Parquet file is damaged"
        ) from None
