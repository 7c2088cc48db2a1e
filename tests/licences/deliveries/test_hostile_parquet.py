"""Hostile Parquet: whatever a small file unpacks to, reading it takes no more memory than another."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from delivered import write
from zwhub.licences.deliveries.read import read
from zwhub.licences.deliveries.rows import COLUMNS, Row, Unreadable
from zwhub.licences.deliveries.thrift import Compact, Malformed

MOST_MEMORY = 250  # MB of a process that reads
_READ = """
import sys
from collections import Counter
from pathlib import Path
from zwhub.licences.deliveries.read import read
from zwhub.licences.deliveries.rows import Unreadable
found = Counter()
try:
    for chunk in read(Path(sys.argv[1])):
        found.update(row.problem.code if row.problem else "OK" for row in chunk.rows)
except Unreadable as unreadable:
    print(unreadable.words.en)
else:
    print(*(f"{count} {code}" for code, count in sorted(found.items())))
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def a_file(path: Path, record: Any, **how: Any) -> Path:
    """Records, and beside each as many random bytes as make the file look like an honest one."""
    beside = pyarrow.array([os.urandom(40) for _ in range(len(record))])
    table = pyarrow.table({"record": record, "beside": beside})
    parquet.write_table(table, path, compression="zstd", **how)
    return path


def repeated(value: str, count: int) -> Any:
    """One value in a dictionary, and so many indices into it."""
    indices = pyarrow.array([0] * count, pyarrow.int32())
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array([value]))


CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], str]] = {
    "one endless value": (
        lambda: ["x" * 120_000_000],
        {"use_dictionary": False},
        "its pages are too large",
    ),
    "an endless value in a dictionary": (
        lambda: ["x" * 120_000_000],
        {},
        "its pages are too large",
    ),
    "a long value in a dictionary": (lambda: ["x" * 14_000_000] * 20, {}, "20 RECORD_TOO_LONG"),
    "long records": (lambda: ["x" * 60_000] * 5_000, {"use_dictionary": False}, "5000 OK"),
    "one record many times": (lambda: repeated("x" * 60_000, 20_000), {}, "20000 OK"),
    "the same, as plain text": (
        lambda: repeated("x" * 60_000, 20_000),
        {"store_schema": False},
        "20000 OK",
    ),
    "many prefixes of one record": (
        lambda: ["x" * 60_000] * 5_000,
        {"use_dictionary": False, "column_encoding": {"record": "DELTA_BYTE_ARRAY"}},
        "5000 OK",
    ),
    "characters of four bytes": (lambda: repeated("\U00020000" * 60_000, 2_000), {}, "2000 OK"),
    "nothing, many times": (lambda: pyarrow.nulls(30_000, pyarrow.string()), {}, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_reading_takes_little_memory(name: str, tmp_path: Path) -> None:
    make, how, expected = CASES[name]
    path = tmp_path / "a.parquet"
    child = os.fork()  # what it takes to make the file is nobody's concern
    if not child:
        try:
            a_file(path, make(), **({"column_encoding": None} | how))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    done = subprocess.run(
        [sys.executable, "-c", _READ, path], capture_output=True, text=True, check=True
    )
    found, peak = done.stdout.splitlines()
    assert expected in found
    assert int(peak) / 1_000 < MOST_MEMORY


def codes(rows: list[Row]) -> list[str]:
    return ["OK" if row.problem is None else row.problem.code for row in rows]


def all_rows(path: Path) -> list[Row]:
    return [row for chunk in read(path) for row in chunk.rows]


def test_a_value_longer_than_any_line_is_a_problem_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    cells = {"record": ["a.b.c", "x" * 300_000, "a.b.c"], "statusBasis": ["", "", "x" * 300_000]}
    parquet.write_table(pyarrow.table(cells), path)
    assert codes(all_rows(path)) == ["OK", "RECORD_TOO_LONG", "ROW_UNREADABLE"]


def test_columns_that_are_not_read_cost_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    other = pyarrow.array([["x" * 1_000_000] * 100])
    parquet.write_table(pyarrow.table({"record": ["a.b.c"], "other": other}), path)
    assert codes(all_rows(path)) == ["OK"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"record": pyarrow.nulls(1_000_000, pyarrow.string())}, "more rows than it has bytes"),
        ({"record": ["a.b.c"], "status": [["01", "02"]]}, "one value a row"),
        ({"record": ["a.b.c"], **{f"c{n}": [1] for n in range(10_000)}}, "metadata"),
    ],
)
def test_a_file_that_is_refused(table: dict[str, Any], says: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table(table), path)
    with pytest.raises(Unreadable, match=says):
        all_rows(path)


def test_damage_is_never_more_than_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    cells = [{"record": f"a.{n}.c", "statusReason": "注销"} for n in range(50)]
    whole = write(tmp_path / "a.parquet", cells, tuple(COLUMNS)).read_bytes()
    dice, path = random.Random(1), tmp_path / "b.parquet"
    for _ in range(300):
        at = dice.randrange(4, len(whole))
        path.write_bytes(whole[:at] + dice.randbytes(1) + whole[at + 1 :])
        try:
            all_rows(path)
        except Unreadable:
            continue


@given(st.binary(max_size=200))
def test_any_octets_are_a_structure_or_none(octets: bytes) -> None:
    reader = Compact(octets, 50)
    try:
        reader.struct()
    except Malformed:
        return
    assert 0 < reader.at <= len(octets)
