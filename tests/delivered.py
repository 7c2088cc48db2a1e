"""Delivered files for tests (测试归集文件): the same rows, written in each of the four kinds."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import orjson
import pyarrow
import pyarrow.parquet

KINDS = ("csv", "jsonl", "parquet", "xlsx")
Cells = Mapping[str, Any]


def write(path: Path, rows: Sequence[Cells], header: Sequence[str], **more: Any) -> Path:
    """`rows` as the kind of file that `path` is named after; an absent cell is an empty one."""
    {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx}[path.suffix[1:]](
        path, rows, header, **more
    )
    return path


def _csv(path: Path, rows: Sequence[Cells], header: Sequence[str], coding: str = "utf-8") -> None:
    with path.open("w", encoding=coding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row.get(name, "") for name in header] for row in rows)


def _jsonl(path: Path, rows: Sequence[Cells], header: Sequence[str]) -> None:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def _parquet(
    path: Path, rows: Sequence[Cells], header: Sequence[str], row_group_size: int = 700
) -> None:
    columns = {name: pyarrow.array([row.get(name) for row in rows]) for name in header}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=row_group_size)


def _xlsx(path: Path, rows: Sequence[Cells], header: Sequence[str]) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(header))
    for row in rows:
        sheet.append([row.get(name) for name in header])
    book.save(path)
