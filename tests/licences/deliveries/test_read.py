"""Reading delivered files (读取归集文件): what was written comes back, from every kind and place."""

import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivered import KINDS, Cells, write
from zwhub.kernel.clock import BEIJING
from zwhub.licences.batch import SUFFIX, DeliveredFile
from zwhub.licences.deliveries import json_lines, pieces
from zwhub.licences.deliveries.read import batch_signature, examined, read
from zwhub.licences.deliveries.rows import COLUMNS, Change, Row, Unreadable, broken, too_long

HEADER = tuple(COLUMNS)
CHINESE = tuple(name for (name,) in COLUMNS.values())
SINCE = datetime(2026, 5, 1, tzinfo=BEIJING)


def rows(path: Path, start: str = "") -> list[Row]:
    return [row for chunk in read(path, start) for row in chunk.rows]


def first_row(kind: str) -> int:
    """A spreadsheet counts its header as row 1, the others have none."""
    return 2 if kind in {"csv", "xlsx"} else 1


texts = st.text(  # a leading "=" would be a formula to the spreadsheet
    st.characters(exclude_categories=("C", "Z"), exclude_characters="\ufeff="), max_size=20
)
changes: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(["02", "03", "04", "05", "06", "07", "99"]),
            "statusSince": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str),
            "statusReason": texts,
            "statusBasis": texts,
        }
    ),
)
records = st.from_regex(
    r"[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{4}", fullmatch=True
)
delivered = st.lists(st.builds(lambda r, c: {"record": r, **c}, records, changes), min_size=1)


def expected(number: int, cells: Cells) -> Row:
    change = None
    if "status" in cells:
        since = datetime.fromisoformat(cells["statusSince"]).replace(tzinfo=BEIJING)
        change = Change(cells["status"], since, cells["statusReason"], cells["statusBasis"], False)
    return Row(number, cells["record"], change)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(written=delivered)
def test_what_was_written_comes_back(kind: str, written: list[Cells], tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{kind}", written, HEADER)
    assert rows(path) == [expected(n, one) for n, one in enumerate(written, first_row(kind))]


def many(count: int) -> list[Cells]:
    """Rows of all sorts: plain, with a status, blank, and with a reason of several lines."""
    made: list[Cells] = []
    for number in range(count):
        cells: dict[str, Any] = {"record": f"h.p{number}.s"}
        if number % 7 == 3:
            cells |= {"status": "04", "statusSince": "2026-05-01", "statusReason": "注销"}
        if number % 31 == 5:
            cells |= {"status": "02", "statusReason": "没有时间"}  # a problem: no statusSince
        if number % 11 == 4:
            cells = {}
        made.append(cells)
    return made


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "MOST_ROWS", 97)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("kind", KINDS)
def test_reading_goes_on_from_every_chunk(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{kind}", many(2_000), HEADER)
    chunks = list(read(path))
    whole = rows(path)
    assert len(chunks) > 15
    assert all(len(list(chunk.rows)) <= 97 for chunk in chunks)
    shares = [chunk.share for chunk in chunks]
    assert shares == sorted(shares)
    assert kind == "xlsx" or 0.9 < shares[-1] <= 1.0  # this one does not declare its rows
    behind = 0
    for chunk in chunks:
        behind += len(list(chunk.rows))
        assert rows(path, chunk.resume) == whole[behind:]


def test_long_records_make_short_chunks(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{"record": "x" * 65_000}] * 600, HEADER)
    counts = [len(list(chunk.rows)) for chunk in read(path)]
    assert sum(counts) == 600
    assert max(counts) == 129  # as many as have room in 8 MiB


LINES = st.lists(
    st.sampled_from(
        [b"", b" ", b'{"record":"a.b.c"}', b'{"record":"a"} ', b"{}", b"[", b"x" * 47, b"y" * 48]
        + [b"z" * size for size in (63, 64, 65, 200)]
    ),
    max_size=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, st.booleans(), st.integers(1, 9))
def test_lines_are_the_same_however_a_file_is_cut(
    tmp_path: Path, lines: list[bytes], ended: bool, most: int
) -> None:
    """Pieces of 64 bytes at most, and lines of 48: what is longer is passed over."""
    path = tmp_path / "a.jsonl"
    content = b"\n".join([b'{"record":"first"}', *lines]) + (b"\n" if ended else b"")
    path.write_bytes(content)
    whole = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        last = number == content.count(b"\n") + 1
        if len(line) + (not last) > 48:
            whole.append(too_long(number))
        elif line.strip():
            cells = json.loads(line) if line.startswith(b"{") else None
            problem = "RECORD_MISSING" if cells == {} else "ROW_UNREADABLE"
            whole.append(Row(number, cells["record"]) if cells else broken(number, problem, "", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "MOST_BYTES", 64)
        patch.setattr(json_lines, "LONGEST_LINE", 48)
        patch.setattr(pieces, "MOST_ROWS", most)
        parts = list(read(path))
        found = [row for chunk in parts for row in chunk.rows]
        behind = 0
        for chunk in parts:
            behind += len(list(chunk.rows))
            assert rows(path, chunk.resume) == found[behind:]
    assert [plainly(row) for row in found] == [plainly(row) for row in whole]


def plainly(row: Row) -> tuple[int, str | None, str | None]:
    return row.number, row.record, row.problem and row.problem.code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("header", [CHINESE, ("Record", "STATUS", "status_since", "StatusReason")])
def test_columns_have_other_names_too(kind: str, header: tuple[str, ...], tmp_path: Path) -> None:
    cells = dict(zip(header, ("a.b.c", "撤销", "2026/5/1", "骗取"), strict=False))
    path = write(tmp_path / f"a.{kind}", [cells | {"备注": "x"}], [*header, "备注"])
    (row,) = rows(path)
    assert row.record == "a.b.c"
    assert row.change == Change("03", SINCE, "骗取", "", False)


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
def test_cells_of_other_kinds(kind: str, tmp_path: Path) -> None:
    cells = {"record": "a.b.c", "status": 3, "statusSince": date(2026, 5, 1)}
    path = write(tmp_path / f"a.{kind}", [{**cells, "fromTheBeginning": True}], HEADER)
    assert rows(path)[0].change == Change("03", SINCE, "", "", True)


@pytest.mark.parametrize(
    ("said", "since"),
    [
        ("2026-05-01", SINCE),
        ("20260501", SINCE),
        ("2026.5.1", SINCE),
        ("20260501T093000", SINCE.replace(hour=9, minute=30)),
        ("2026-05-01 09:30:00", SINCE.replace(hour=9, minute=30)),
        ("2026-05-01T01:30:00Z", SINCE.replace(hour=9, minute=30)),
    ],
)
def test_times_are_beijings(said: str, since: datetime, tmp_path: Path) -> None:
    cells = {"record": "a.b.c", "status": "04", "statusSince": said}
    (row,) = rows(write(tmp_path / "a.jsonl", [cells], HEADER))
    assert row.change is not None
    assert row.change.since == since


@pytest.mark.parametrize(
    "cells",
    [
        {"status": "08", "statusSince": "2026-05-01"},
        {"status": "04"},
        {"status": "04", "statusSince": "202651"},
        {"status": "04", "statusSince": "2026-02-30"},
        {"status": "04", "statusSince": "0001-01-01"},
        {"status": "04", "statusSince": "2026-05-01", "fromTheBeginning": "true"},
        {"status": "03", "fromTheBeginning": "maybe"},
        {"status": "04", "statusSince": "2026-05-01", "statusReason": "x" * 501},
        {"status": "04", "statusSince": "2026-05-01", "statusBasis": "a\0b"},
        {"status": ["04"], "statusSince": "2026-05-01"},
        {"status": {"04": 1}},
    ],
)
def test_a_status_out_of_order_is_a_problem(cells: Cells, tmp_path: Path) -> None:
    good = {"record": "d.e.f"}
    path = write(tmp_path / "a.jsonl", [{"record": "a.b.c", **cells}, good], HEADER)
    bad, after = rows(path)
    assert bad.problem is not None
    assert bad.problem.code == "STATUS_INVALID"
    assert bad.record == "a.b.c"
    assert after == Row(2, "d.e.f")


def test_void_from_the_beginning_needs_no_day(tmp_path: Path) -> None:
    cells = {"record": "a.b.c", "status": "03", "fromTheBeginning": "是"}
    (row,) = rows(write(tmp_path / "a.csv", [cells], HEADER))
    assert row.change == Change("03", None, "", "", True)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("header", [HEADER, CHINESE])
def test_codings_of_csv(coding: str, header: tuple[str, ...], tmp_path: Path) -> None:
    cells = dict(zip(header, ("a.b.c", "04", "2026-05-01", "注销，㐀𠮷"), strict=False))
    path = write(tmp_path / "a.csv", [cells, {header[0]: "d.e.f"}] * 3, header, coding=coding)
    found = rows(path)
    assert [row.record for row in found] == ["a.b.c", "d.e.f"] * 3
    assert found[0].change == Change("04", SINCE, "注销，㐀𠮷", "", False)


@pytest.mark.parametrize(("mine", "other"), [("utf-8", "gb18030"), ("gb18030", "utf-8")])
def test_a_line_in_another_coding_is_a_problem(mine: str, other: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = ["a.b.c,04,2026-05-01,持证人申请注销"] * 3
    coded = [line.encode(other if i == 1 else mine) for i, line in enumerate(lines)]
    path.write_bytes(b"\n".join([b"record,status,statusSince,statusReason", *coded]))
    assert [row.problem and row.problem.code for row in rows(path)] == [
        None,
        "ROW_UNREADABLE",
        None,
    ]


BROKEN: dict[str, tuple[str, bytes]] = {
    "half a line": ("jsonl", b'{"record":"a.b'),
    "no object": ("jsonl", b'["a.b.c"]'),
    "a number": ("jsonl", b"5"),
    "NUL": ("jsonl", b'{"record":"a\0b"}'),
    "no text": ("jsonl", b'{"record":5}'),
    "no record": ("jsonl", b'{"status":"04"}'),
    "twice": ("jsonl", '{"record":"a.b.c","证照记录":"d.e.f"}'.encode()),
    "not UTF-8": ("jsonl", b'{"record":"\xff"}'),
    "deep": ("jsonl", b'{"record":' + b"[" * 10_000 + b"}"),
    "100 MB": ("jsonl", b'{"record":"' + b"x" * 100_000_000 + b'"}'),
    "a long record": ("jsonl", b'{"record":"' + b"x" * 65_537 + b'"}'),
    "an open quote": ("csv", b'"a.b.c,,'),
    "too few": ("csv", b"a.b.c"),
    "too many": ("csv", b"a.b.c,,,,"),
    "NUL in CSV": ("csv", b"a.b\0.c,,"),
    "100 MB of CSV": ("csv", b"x" * 100_000_000),
    "a long record of CSV": ("csv", b"x" * 65_537 + b",,"),
    "a torn quote": ("csv", b'"a.b.c"x,,'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_spoils_no_other(name: str, tmp_path: Path) -> None:
    kind, line = BROKEN[name]
    path = tmp_path / f"a.{kind}"
    plain = b'{"record":"a.b.c"}' if kind == "jsonl" else b"a.b.c,,"
    header = [] if kind == "jsonl" else [b"record,status,statusReason"]
    path.write_bytes(b"\n".join([*header, plain, line, *[plain] * 3]))
    before, bad, *after = rows(path)
    assert bad.problem is not None
    assert bad.problem.words.zh
    start = first_row(kind)
    assert (before.number, bad.number) == (start, start + 1)
    assert [before, *after] == [Row(n, "a.b.c") for n in (start, *range(start + 2, start + 5))]


def test_quoted_cells_hold_commas_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        'record,status,statusSince,statusReason\r\n\r\na.b.c,04,2026-05-01,"甲,""乙"""\r\n'
        'd.e.f,04,2026-05-01,"两\r\n行"\r\ng.h.i,,,a"b\r\nj.k.l,,,\r\n'.encode()
    )
    one, two, three, four = rows(path)
    assert one == Row(3, "a.b.c", Change("04", SINCE, '甲,"乙"', "", False))
    assert two.problem is not None  # a reason is one line
    assert two.problem.code == "STATUS_INVALID"
    assert (three.number, three.record) == (5, "g.h.i")
    assert four == Row(6, "j.k.l")


def test_a_text_is_known_by_its_first_line_or_its_name(tmp_path: Path) -> None:
    for name, content in {
        "a.txt": b"\xef\xbb\xbf record \na.b.c\n",
        "b.txt": b'\xef\xbb\xbf\r\n{"record":"a.b.c"}',
        "c.NDJSON": b'?\n{"record":"a.b.c"}',
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert rows(path)[-1].record == "a.b.c"


def xls() -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600


NOT_READ: dict[str, tuple[str, bytes, str]] = {
    "empty": ("a.csv", b"", "empty"),
    "no column": ("a.csv", b"number,status\n1,04\n", "no column record"),
    "a column twice": ("a.csv", "record,证照记录\na.b.c,d.e.f\n".encode(), "twice"),
    "binary": ("a.dat", bytes(range(256)), "unknown kind"),
    "UTF-16": ("a.csv", "record\na.b.c".encode("utf-16"), "UTF-16"),
    "old XLS": ("a.xls", xls(), "XLSX"),
    "gzip": ("a.csv.gz", b"\x1f\x8b\x08\0\0\0\0\0", "unpack"),
    "a JSON array": ("a.json", b'[{"record":"a.b.c"}]', "JSON lines"),
    "cut-off Parquet": ("a.parquet", b"PAR1" + b"\0" * 100, "cut off"),
    "PAR1 alone": ("a.parquet", b"PAR1", "cut off"),
    "a torn zip": ("a.xlsx", b"PK\x03\x04" + b"\0" * 100, "XLSX"),
    "a header of 1 MB": ("a.csv", b"x" * 1_000_000, "no column record"),
}


@pytest.mark.parametrize("name", NOT_READ)
def test_a_file_that_is_not_read_says_why(name: str, tmp_path: Path) -> None:
    called, content, why = NOT_READ[name]
    path = tmp_path / called
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=why) as refused:
        list(read(path))
    assert refused.value.words.zh
    assert str(tmp_path) not in refused.value.words.en


def test_a_folder_or_nothing_is_not_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(Unreadable):
            list(read(path))


def test_a_parquet_file_of_numbers_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", [{"record": 1}], ["record"])
    with pytest.raises(Unreadable, match="must hold text"):
        list(read(path))


def test_a_parquet_file_damaged_in_the_middle_gives_what_lies_before(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", many(2_100), HEADER)
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2 : len(octets) // 2 + 3_000] = b"\xff" * 3_000
    path.write_bytes(octets)
    found: list[Row] = []
    with pytest.raises(Unreadable):
        found.extend(row for chunk in read(path) for row in chunk.rows)
    assert len(found) >= 600
    assert found[0] == Row(1, "h.p0.s")


def test_every_truncation_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.parquet", many(50), HEADER).read_bytes()
    path = tmp_path / "b.parquet"
    for size in range(4, len(whole), 37):
        path.write_bytes(whole[:size])
        with pytest.raises(Unreadable):
            list(read(path))


@pytest.mark.parametrize("token", ["x", "jsonl:0:0:", "csv:-1:0:", "csv:0:0:utf8; drop", "csv:::"])
def test_a_place_of_another_file_is_refused(token: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", many(3), HEADER)
    with pytest.raises(Unreadable, match="go on from"):
        list(read(path, token))


def test_a_place_behind_the_end_leaves_nothing(tmp_path: Path) -> None:
    for kind in KINDS:
        path = write(tmp_path / f"a.{kind}", many(3), HEADER)
        assert rows(path, f"{kind}:9999999:9999999:") == []


@pytest.mark.parametrize("missing", ["pyarrow", "openpyxl"])
def test_a_library_that_is_missing_is_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = {"pyarrow": "parquet", "openpyxl": "xlsx"}[missing]
    path = write(tmp_path / f"a.{kind}", many(3), HEADER)
    for name in (missing, f"{missing}.parquet"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(Unreadable, match=r"zwhub\[load\]"):
        list(read(path))


def test_what_a_batch_signature_is_compared_with(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"abc")
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert examined(path) == DeliveredFile("a.jsonl", 3, digest)
    assert batch_signature(path) is None
    path.with_name("a.jsonl" + SUFFIX).write_bytes(b"x" * 100_000)
    assert len(batch_signature(path) or b"") < 100_000


def replaced(xml: Callable[[str], str], path: Path) -> Path:
    """The workbook with another first sheet."""
    import zipfile

    other = path.with_name("other.xlsx")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, xml(text) if name.endswith("sheet1.xml") else text)
    return other


def told(path: Path) -> list[Row]:
    """The rows, or none for a file that is refused in words."""
    try:
        return rows(path)
    except Unreadable:
        return []


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    "row",
    [
        '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>',
        '<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>',
        '<row r="x"><c r="1"><v>?</v></c></row>',
        '<row r="3"><c r="A3" t="s"><v>99999</v></c></row>',
    ],
)
def test_a_sheet_of_far_corners_needs_neither_time_nor_memory(row: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [{"record": "a.b.c"}], HEADER)
    hostile = replaced(lambda xml: xml.replace("</sheetData>", row + "</sheetData>"), path)
    assert told(hostile)[:1] in ([Row(2, "a.b.c")], [])


def test_entities_of_a_sheet_are_not_blown_up(tmp_path: Path) -> None:
    path = write(tmp_path / "a.xlsx", [{"record": "a.b.c"}], HEADER)
    hostile = replaced(lambda xml: BOMB + xml.split("?>", 1)[-1].replace("a.b.c", "&j;"), path)
    assert sum(len(row.record or "") for row in told(hostile)) < 65_537


SHARED = (
    b'<Override PartName="/xl/more.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)


@pytest.mark.parametrize(
    ("row", "shared"),
    [
        ('<row r="3">' + '<c r="A3"><v>1</v></c>' * 30_000 + "</row>", ""),
        ('<row r="3"><c r="A3" t="inlineStr"><is>' + "<r><t>1</t></r>" * 30_000, ""),
        ('<row r="3"><c r="A3" t="inlineStr"><is><t>' + "x" * 1_200_000, ""),
        ("<row/>" * 2_300_000, ""),
        ("", "<si><t>1</t></si>" * 310_000),
        ("", "<si>" + "<r><t>1</t></r>" * 310_000),
    ],
)
def test_a_workbook_of_crumbs_is_not_parsed(row: str, shared: str, tmp_path: Path) -> None:
    import zipfile

    path = write(tmp_path / "a.xlsx", [{"record": "a.b.c"}], HEADER)
    hostile = tmp_path / "b.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(hostile, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b"</sheetData>", row.encode() + b"</sheetData>")
            if name == "[Content_Types].xml" and shared:
                content = content.replace(b"</Types>", SHARED)
            new.writestr(name, content)
        new.writestr("xl/more.xml", shared)
    with pytest.raises(Unreadable, match="too much for its size"):
        rows(hostile)
