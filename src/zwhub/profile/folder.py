"""A profile's folder (资料文件夹): CSV tables and `profile.toml`, read with every fault named."""

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from zwhub.kernel.words import Words

Row = dict[str, str]


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
    """All of a folder: tables by file name without ending, and the settings."""

    tables: Mapping[str, Sequence[Row]]
    settings: Mapping[str, Any]


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


def sample_folder() -> Path:
    """Where the sample city's profile lies."""
    return Path(str(files("zwhub.profile"))) / "sample"


def read_profile(folder: Path) -> Profile:
    """The folder as tables. Raises `BadProfile` naming every file, line and column at fault."""
    faults: list[Fault] = []
    tables = {
        name: _table(folder / f"{name}.csv", COLUMNS[name].split(), faults) for name in COLUMNS
    }
    settings = _settings(folder / "profile.toml", faults)
    if faults:
        raise BadProfile(faults)
    return Profile(tables, settings)


def read_rows(path: Path) -> list[Row]:
    """The rows of a CSV file in UTF-8 (with or without mark) or GB18030, as Excel saves them."""
    return list(csv.DictReader(io.StringIO(_text(path)), strict=True))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _table(path: Path, columns: Sequence[str], faults: list[Fault]) -> list[Row]:
    try:
        rows = read_rows(path)
        header = csv.DictReader(io.StringIO(_text(path))).fieldnames or []
    except OSError:
        faults.append(Fault(path.name, 0, Words("缺少此文件", "the file is missing")))
        return []
    except (csv.Error, UnicodeDecodeError):
        words = Words("不是 UTF-8 或 GB18030 的 CSV", "not a CSV file in UTF-8 or GB18030")
        faults.append(Fault(path.name, 0, words))
        return []
    for column in columns:
        if column not in header:
            words = Words(f"缺少列 {column}", f"the column {column} is missing")
            faults.append(Fault(path.name, 1, words))
    for line, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            words = Words("列数与表头不符", "the row has more or fewer cells than the header")
            faults.append(Fault(path.name, line, words))
    return (
        [{name: value.strip() for name, value in row.items()} for row in rows] if not faults else []
    )


def _settings(path: Path, faults: list[Fault]) -> Mapping[str, Any]:
    try:
        settings = tomllib.loads(path.read_text("utf-8"))
    except OSError:
        faults.append(Fault(path.name, 0, Words("缺少此文件", "the file is missing")))
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        faults.append(Fault(path.name, 0, Words("不是有效的 TOML", "not valid TOML")))
        return {}
    for section, members in _SECTIONS.items():
        for member in members.split():
            if member not in settings.get(section, {}):
                words = Words(f"缺少 [{section}] {member}", f"[{section}] {member} is missing")
                faults.append(Fault(path.name, 0, words))
    return settings


_SECTIONS = {
    "city": "name name_en region province lead",
    "expected": "departments districts items licence_types licence_records",
}
