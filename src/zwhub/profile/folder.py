"""A profile's folder (资料文件夹): CSV tables and `profile.toml`, read with every fault named."""

import csv
import errno
import io
import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from unicodedata import category

from zwhub.kernel.words import Words

Row = dict[str, str]
SETTINGS = "profile.toml"
LARGEST_FILE = 256 * 1024 * 1024  # bytes; a whole table is held in memory


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a profile: the file, the line (1 = header; 0 = the file), the words."""

    file: str
    line: int
    words: Words


class BadProfile(Exception):
    """The folder cannot be loaded; nothing of it was."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Profile:
    """All of a folder: tables by file name without ending, and the settings.

    `lines` gives, for each row of a table, the line of the file on which it ends.
    """

    tables: Mapping[str, Sequence[Row]]
    lines: Mapping[str, Sequence[int]]
    settings: Mapping[str, Any]

    def rows(self, table: str) -> Iterator[tuple[int, Row]]:
        """The rows of a table, each with its line."""
        return zip(self.lines[table], self.tables[table], strict=True)

    def codes(self, table: str, column: str = "code") -> set[str]:
        """What one column of a table holds."""
        return {row[column] for row in self.tables[table]}


# Each table of a profile and the columns it must have.
COLUMNS = {
    "matters": "code name name_en description description_en kind lead supporting input output "
    "levels time stars",
    "matters_summary": "dimension key count",
    "regions": "code name name_en level parent",
    "organisations": "code name short_name name_en kind level region parent",
    "licence_types": "key code name name_en holder_kind validity issuing surface multi_holder",
    "items": "code name name_en kind organisation level implementation_code served case_kind "
    "statutory_limit statutory_unit promised_limit promised_unit legal_basis conditions fee "
    "fee_basis visits online_depth topics results contact complaint",
    "materials": "item position code name name_en kind form necessity source evidence",
    "calendar": "date working note",
}


def unseen(text: str) -> bool:
    """Whether it holds a control or an invisible character: a reader, or the database, trips.

    Tabs and line ends are none; nor is what joins the letters of Mongolian, Uyghur and Tibetan.
    """
    if text.isprintable():  # nearly always, and far quicker
        return False
    return any(category(one) in {"Cc", "Cf", "Cs"} and one not in _SEEN for one in text)


_LINE_END = re.compile(r"\r\n|\r|\n")
_SEEN = frozenset("\t\r\n\u180e\u200c\u200d")


def sample_folder() -> Path:
    """Where the sample city's profile lies."""
    return Path(str(files("zwhub.profile"))) / "sample"


def read_profile(folder: Path) -> Profile:
    """The folder as tables. Raises `BadProfile` naming every file, line and column at fault."""
    faults: list[Fault] = []
    read = {name: _table(folder / f"{name}.csv", COLUMNS[name].split(), faults) for name in COLUMNS}
    settings = _settings(folder / SETTINGS, faults)
    if faults:
        raise BadProfile(faults)
    tables = {name: [row for _, row in numbered] for name, numbered in read.items()}
    lines = {name: [line for line, _ in numbered] for name, numbered in read.items()}
    return Profile(tables, lines, settings)


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file in UTF-8 (with or without mark) or GB18030, as Excel saves them."""
    return [row for _, row in _numbered(_reader(_text(path)))]


def _reader(text: str) -> "csv.DictReader[str]":
    return csv.DictReader(io.StringIO(text, newline=""), strict=True)


def _numbered(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Row]]:
    """Each row with its line: blank lines and line breaks within a cell count."""
    for row in reader:
        yield reader.line_num, row


def _bytes(path: Path) -> bytes:
    """All of a regular file; OSError for a pipe or a device, which need never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    if status.st_size > LARGEST_FILE:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return path.read_bytes()


def _text(path: Path) -> str:
    raw = _bytes(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _table(path: Path, columns: Sequence[str], faults: list[Fault]) -> list[tuple[int, Row]]:
    """The rows with their lines; what is wrong with the file is added to `faults`."""
    try:
        text = _text(path)
    except OSError as error:
        faults.append(_unread(path, error))
        return []
    except UnicodeDecodeError:
        words = Words("不是 UTF-8 或 GB18030 的文本", "not a text in UTF-8 or GB18030")
        faults.append(Fault(path.name, 0, words))
        return []
    reader = _reader(text)
    rows, wrong = _rows(path.name, text, reader)
    if not wrong:
        wrong = [
            *_wrong_header(path.name, reader.fieldnames or [], columns),
            *_wrong_rows(path.name, rows, columns),
        ]
    faults += wrong
    return [] if wrong else [(line, _stripped(row)) for line, row in rows]


def _rows(
    file: str, text: str, reader: "csv.DictReader[str]"
) -> tuple[list[tuple[int, Row]], list[Fault]]:
    """The rows, or where they end to be CSV: the line on which the row at fault begins."""
    rows: list[tuple[int, Row]] = []
    ended = 0
    try:
        if not reader.fieldnames:
            return [], [Fault(file, 0, Words("文件是空的", "the file is empty"))]
        ended = reader.line_num
        for line, row in _numbered(reader):
            rows.append((line, row))
            ended = line
    except csv.Error:
        words = Words(
            "此行起不是 CSV：引号未闭合，或多出引号",
            "from here on it is no CSV: a quote is not closed, or one is too many",
        )
        lines = _LINE_END.split(text)
        begins = next(at for at in range(ended, len(lines)) if lines[at])
        return [], [Fault(file, begins + 1, words)]
    return rows, []


def _unread(path: Path, error: OSError) -> Fault:
    if error.errno == errno.ENOENT:
        return Fault(path.name, 0, Words("缺少此文件", "the file is missing"))
    size = LARGEST_FILE // 1024**2
    words = Words(
        f"无法读取：须为可读的普通文件，至多 {size} MiB",
        f"cannot be read: it must be an ordinary file of at most {size} MiB, open to this account",
    )
    return Fault(path.name, 0, words)


def _wrong_header(file: str, header: Sequence[str], columns: Sequence[str]) -> Iterator[Fault]:
    for column in columns:
        if column not in header:
            words = Words(f"缺少列 {column}", f"the column {column} is missing")
            yield Fault(file, 1, words)
    for column in sorted({one for one in header if header.count(one) > 1}):
        words = Words(f"列 {column} 重复", f"the column {column} stands there twice")
        yield Fault(file, 1, words)


def _wrong_rows(
    file: str, rows: Sequence[tuple[int, Row]], columns: Sequence[str]
) -> Iterator[Fault]:
    for line, row in rows:
        if None in row or None in row.values():
            words = Words("列数与表头不符", "the row has more or fewer cells than the header")
            yield Fault(file, line, words)
            continue
        for column in columns:
            if unseen(row.get(column, "")):
                words = Words(f"{column} 含不可见字符", f"{column} holds an invisible character")
                yield Fault(file, line, words)


def _stripped(row: Row) -> Row:
    return {name: cell.strip() for name, cell in row.items()}


def _settings(path: Path, faults: list[Fault]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(_bytes(path).decode("utf-8-sig"))
    except OSError as error:
        faults.append(_unread(path, error))
    except UnicodeDecodeError:
        faults.append(Fault(path.name, 0, Words("须为 UTF-8 编码", "must be encoded in UTF-8")))
    except ValueError as error:  # not only TOMLDecodeError: a number can have too many digits
        where = re.search(r"line (\d+)", str(error))  # the exception has no number before 3.14
        words = Words("不是有效的 TOML", "not valid TOML")
        faults.append(Fault(path.name, int(where[1]) if where else 0, words))
    except RecursionError:
        faults.append(Fault(path.name, 0, Words("嵌套过深", "nested too deeply")))
    return {}
