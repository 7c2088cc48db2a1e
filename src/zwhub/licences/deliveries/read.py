"""Read a delivered file (读取归集文件): CSV, XLSX, Parquet or JSON lines, as chunks of rows."""

import codecs
import hashlib
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from zwhub.licences.batch import LARGEST, SUFFIX, DeliveredFile
from zwhub.licences.deliveries.comma_separated import CommaSeparated
from zwhub.licences.deliveries.json_lines import JsonLines
from zwhub.licences.deliveries.parquet import Parquet
from zwhub.licences.deliveries.pieces import Piece
from zwhub.licences.deliveries.rows import Place, Row, Unreadable
from zwhub.licences.deliveries.spreadsheet import Spreadsheet

_TOKEN = re.compile(r"([a-z]+):([0-9]{1,18}):([0-9]{1,18}):([a-z0-9-]{0,16})")
_HEAD = 4_096
_NAMED = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


class Chunk(NamedTuple):
    """Some rows in their order. `resume` begins the next chunk: keep it with what was stored.

    A text is read into rows where they are gone through, be that in another process. `share` says
    how much of the file lies behind, from 0 to 1, for a progress bar.
    """

    rows: Iterable[Row]
    resume: str
    share: float


class Source(Protocol):
    """A kind of file: how long it is, and what lies behind a place, in pieces of bounded size."""

    total: int

    def pieces(self, start: Place) -> Iterator[Piece]: ...


KINDS: Mapping[str, Callable[[Path], Source]] = {
    "csv": CommaSeparated,
    "jsonl": JsonLines,
    "parquet": Parquet,
    "xlsx": Spreadsheet,
}


def read(path: Path, start: str = "") -> Iterator[Chunk]:
    """The rows of a delivered file, in chunks, from the beginning or from a chunk's `resume`.

    Memory stays bounded whatever the file's size. A row that cannot be read is a row with a
    problem; `Unreadable` is raised for a file that cannot, or not beyond some point.
    """
    kind = kind_of(path)
    source = KINDS[kind](path)
    for rows, place in source.pieces(_place(start, kind)):
        resume = f"{kind}:{place.done}:{place.row}:{place.hint}"
        yield Chunk(rows, resume, min(place.done / max(source.total, 1), 1.0))


def kind_of(path: Path) -> str:
    """The kind of a file, by its first bytes, and of a text by its name. Raises `Unreadable`."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("不是普通文件", "this is no ordinary file")
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        raise Unreadable("文件无法打开", "the file cannot be opened") from None
    if not head:
        raise Unreadable("文件是空的", "the file is empty")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    _require_text(head)
    named = _NAMED.get(path.suffix.lower())
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    return named or ("jsonl" if start.startswith(b"{") else "csv")


def examined(path: Path) -> DeliveredFile:
    """What a batch signature is compared with: the file's name, size and SHA-256."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return DeliveredFile(path.name, file.tell(), digest)


class Mark(NamedTuple):
    """What is not the same any more when a file was changed or replaced."""

    device: int
    inode: int
    size: int
    changed: int  # the time nobody can set back


def mark_of(path: Path) -> Mark | None:
    """The mark of the file there; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Mark(found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns)


def batch_signature(path: Path) -> bytes | None:
    """What lies beside the file as its batch signature, if anything; more than fits is cut off."""
    try:
        with path.with_name(path.name + SUFFIX).open("rb") as file:
            return file.read(2 * LARGEST)
    except FileNotFoundError:
        return None


def _require_text(head: bytes) -> None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(
            "文件是 UTF-16 编码：请存为 UTF-8", "the file is in UTF-16: save it as UTF-8"
        )
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(
            "旧版 XLS 或加密的工作簿：请存为 XLSX",
            "an old XLS, or an encrypted workbook: save it as XLSX",
        )
    if head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        raise Unreadable("文件已压缩：请先解压", "the file is compressed: unpack it first")
    if head.lstrip().startswith(b"["):
        raise Unreadable(
            "不是 JSON 行：应每行一个对象，而非一个数组",
            "a JSON array: write JSON lines, one object on each line",
        )
    if b"\0" in head.split(b"\n", 1)[0]:
        raise Unreadable(
            "无法识别的文件：应为 CSV、XLSX、Parquet 或 JSON 行",
            "a file of an unknown kind: CSV, XLSX, Parquet and JSON lines are read",
        )


def _place(start: str, kind: str) -> Place:
    if not start:
        return Place(0, 0)
    found = _TOKEN.fullmatch(start)
    if found is None or found[1] != kind:
        raise Unreadable("续读位置与文件不符", "the place to go on from is not of this file")
    return Place(int(found[2]), int(found[3]), found[4])
