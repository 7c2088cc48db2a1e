"""Write a delivered file (写出归集文件): CSV, Parquet or JSON lines, row after row."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, BinaryIO

import orjson

from zwhub.licences.deliveries.extra import missing
from zwhub.licences.deliveries.rows import COLUMNS

Rows = Iterable[Mapping[str, Any]]
_AT_ONCE = 10_000  # rows of a row group


def _json_lines(file: BinaryIO, rows: Rows) -> None:
    for row in rows:
        file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def _comma_separated(file: BinaryIO, rows: Rows) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.DictWriter(text, list(COLUMNS), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    text.detach()


def require(kind: str) -> None:
    """Raises `Unreadable` where a library for that kind of file is missing."""
    if kind == "parquet":
        _libraries()


def _parquet(file: BinaryIO, rows: Rows) -> None:
    pyarrow, parquet = _libraries()
    kinds = [(name, pyarrow.string()) for name in COLUMNS if name != "fromTheBeginning"]
    schema = pyarrow.schema([*kinds, ("fromTheBeginning", pyarrow.bool_())])
    turn = iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while some := list(islice(turn, _AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(some, schema))


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise missing("Parquet", "pyarrow") from None
    return pyarrow, pyarrow.parquet


WRITERS: Mapping[str, Callable[[BinaryIO, Rows], None]] = {
    "csv": _comma_separated,
    "jsonl": _json_lines,
    "parquet": _parquet,
}
