"""A profile's folder (资料文件夹): read as spreadsheets save it, every fault with its place."""

import os
from pathlib import Path

import pytest

from othercity import settings, tables, write_city
from zwhub.profile.folder import (
    COLUMNS,
    LARGEST_FILE,
    BadProfile,
    read_profile,
    read_rows,
    sample_folder,
)


def faults(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(BadProfile) as raised:
        read_profile(folder)
    return [(fault.file, fault.line, fault.words.en) for fault in raised.value.faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_tables_as_spreadsheets_save_them(tmp_path: Path, encoding: str) -> None:
    profile = read_profile(write_city(tmp_path, encoding=encoding))
    assert profile.tables == tables()
    assert profile.settings["city"]["name"] == "云港市"


def test_windows_lines_blank_lines_and_blanks_around_cells(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    path = folder / "calendar.csv"
    path.write_bytes("date,working,note\r\n\r\n 2026-03-10 ,no, 云港节\r\n".encode())
    profile = read_profile(folder)
    assert profile.tables["calendar"] == tables()["calendar"]
    assert profile.lines["calendar"] == [3]


def test_lines_count_breaks_within_cells(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    text = 'date,working,note\n2026-03-10,no,"two\nlines"\n2026-03-11,no,x\n'
    (folder / "calendar.csv").write_text(text, "utf-8")
    assert read_profile(folder).lines["calendar"] == [3, 4]


def test_further_columns_and_their_order_do_not_matter(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "calendar.csv").write_text("more,note,working,date\n1,x,no,2026-03-10\n", "utf-8")
    [row] = read_profile(folder).tables["calendar"]
    assert (row["date"], row["more"]) == ("2026-03-10", "1")


@pytest.mark.parametrize("name", [*(f"{table}.csv" for table in COLUMNS), "profile.toml"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_city(tmp_path)
    (folder / name).unlink()
    assert faults(folder) == [(name, 0, "the file is missing")]


@pytest.mark.parametrize("table", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, table: str) -> None:
    folder = write_city(tmp_path)
    header, *rest = (folder / f"{table}.csv").read_text("utf-8").splitlines()
    column = COLUMNS[table].split()[1]
    renamed = ",".join("other" if one == column else one for one in header.split(","))
    (folder / f"{table}.csv").write_text("\n".join([renamed, *rest]), "utf-8")
    assert faults(folder) == [(f"{table}.csv", 1, f"the column {column} is missing")]


NO_CSV = "from here on it is no CSV: a quote is not closed, or one is too many"


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n"])
def test_an_empty_file_is_told_once(tmp_path: Path, text: str) -> None:
    folder = write_city(tmp_path)
    (folder / "items.csv").write_text(text, "utf-8")
    assert faults(folder) == [("items.csv", 0, "the file is empty")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "date,working,note\n2026-03-10,no\n",
            2,
            "the row has more or fewer cells than the header",
        ),
        (
            "date,working,note\n\n2026-03-10,no,x,y\n",
            3,
            "the row has more or fewer cells than the header",
        ),
        ('date,working,note\n2026-03-10,no,"x\n', 2, NO_CSV),
        ('date,working,note\n2026-03-10,no,x\n\n2026-03-11,no,"x\n2026-03-12,no,x\n', 4, NO_CSV),
        ('date,working,note\n2026-03-10,no,"two\nlines"\n2026-03-11,no,"x"y\n', 4, NO_CSV),
        ('date,"working,note\n2026-03-10,no,x\n', 1, NO_CSV),
        ("date,working,note,note\n", 1, "the column note stands there twice"),
        ("date,working,note\n2026-03-10,no,\0\n", 2, "note holds an invisible character"),
        ("date;working;note\n", 1, "the column date is missing"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, line: int, words: str) -> None:
    folder = write_city(tmp_path)
    (folder / "calendar.csv").write_bytes(text.encode())
    assert faults(folder)[0] == ("calendar.csv", line, words)


@pytest.mark.parametrize("hidden", ["\u200b", "港\u202e云", "\ufeff", "\x1b[1m", "\x85"])
def test_what_nobody_sees_is_told(tmp_path: Path, hidden: str) -> None:
    bodies = tables()["organisations"]
    bodies[-1]["name"] = hidden
    folder = write_city(tmp_path, organisations=bodies)
    assert faults(folder) == [("organisations.csv", 5, "name holds an invisible character")]


@pytest.mark.parametrize(
    "name", ["云港市\n住房局", "云港　住房", "\ue76c\U00030ede", "ئۇيغۇر\u200cچە"]
)
def test_rare_letters_and_what_joins_letters_are_no_fault(tmp_path: Path, name: str) -> None:
    bodies = tables()["organisations"]
    bodies[-1]["name"] = name
    folder = write_city(tmp_path, organisations=bodies)
    assert read_profile(folder).tables["organisations"][-1]["name"] == name


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "calendar.csv").write_bytes(b"date,working,note\n\xff\xff\xff\n")
    assert faults(folder) == [("calendar.csv", 0, "not a text in UTF-8 or GB18030")]
    (folder / "profile.toml").write_bytes("[city]\nname = '云'".encode("gb18030"))
    assert ("profile.toml", 0, "must be encoded in UTF-8") in faults(folder)


def test_settings_that_are_no_toml_are_told_with_their_line(tmp_path: Path) -> None:
    folder = write_city(tmp_path, settings() + "\n[oops\n")
    assert faults(folder) == [("profile.toml", len(settings().splitlines()) + 1, "not valid TOML")]


def test_settings_with_a_number_of_too_many_digits(tmp_path: Path) -> None:
    folder = write_city(tmp_path, f"{settings()}\na = {'9' * 5_000}\n")
    assert faults(folder) == [("profile.toml", 0, "not valid TOML")]


def test_settings_nested_too_deeply(tmp_path: Path) -> None:
    folder = write_city(tmp_path, "a = " + "[" * 5_000)
    assert faults(folder) == [("profile.toml", 0, "nested too deeply")]


@pytest.mark.parametrize("name", ["items.csv", "profile.toml"])
def test_only_ordinary_files_of_some_size_are_read(tmp_path: Path, name: str) -> None:
    path = write_city(tmp_path) / name
    said = "cannot be read: it must be an ordinary file of at most 256 MiB, open to this account"
    with path.open("ab") as file:
        file.truncate(LARGEST_FILE + 1)  # a hole: no disk is used
    assert faults(tmp_path) == [(name, 0, said)]
    path.unlink()
    os.mkfifo(path)
    assert faults(tmp_path) == [(name, 0, said)]
    path.unlink()
    path.mkdir()
    assert faults(tmp_path) == [(name, 0, said)]


def test_settings_may_begin_with_a_mark(tmp_path: Path) -> None:
    profile = read_profile(write_city(tmp_path, "\ufeff" + settings()))
    assert profile.settings["expected"]["items"] == 2


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "items.csv").unlink()
    (folder / "regions.csv").write_text("code\n", "utf-8")
    files = {file for file, _, _ in faults(folder)}
    assert files == {"items.csv", "regions.csv"}


def test_the_sample_is_a_profile() -> None:
    profile = read_profile(sample_folder())
    assert {len(profile.lines[name]) == len(profile.tables[name]) for name in COLUMNS} == {True}
    assert read_rows(sample_folder() / "names.csv")


def test_a_fault_speaks_both_languages(tmp_path: Path) -> None:
    with pytest.raises(BadProfile) as raised:
        read_profile(tmp_path)
    assert {fault.words.zh for fault in raised.value.faults} == {"缺少此文件"}
