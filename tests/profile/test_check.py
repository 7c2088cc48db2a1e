"""Check a profile (资料检查): one fault put in, one fault named, at its line."""

from pathlib import Path

import pytest

from othercity import DEED_TYPE, HEALTH, HOUSING, settings, tables, write_city
from zwhub.kernel.identifiers import uscc
from zwhub.profile.check import faults_of, warnings_of
from zwhub.profile.folder import Fault, read_profile, sample_folder


def faults(folder: Path) -> list[tuple[str, int, str]]:
    return told(faults_of(read_profile(folder)))


def told(found: list[Fault]) -> list[tuple[str, int, str]]:
    return [(one.file, one.line, one.words.en) for one in found]


def test_the_sample_and_another_city_have_no_fault(tmp_path: Path) -> None:
    assert faults_of(read_profile(sample_folder())) == []
    assert faults(write_city(tmp_path)) == []
    assert warnings_of(read_profile(sample_folder())) == []
    assert warnings_of(read_profile(tmp_path)) == []


KINDS = "01, 02, 03, 04, 05, 06, 07, 08, 09, 10, 20"
TASKS = (
    "行政许可, 行政处罚, 行政强制, 行政征收, 行政给付, 行政检查, 行政确认, 行政奖励, 行政裁决, "
    "其他行政权力, 公共服务"
)
LEVELS = "省, 市, 县, 乡, 村"
NUMBER = "must be a number"
NOTHING = "refers to nothing known"
WORDS = "words are missing or wrong in [[replacements]] number 2"


@pytest.mark.parametrize(
    ("table", "changes", "words"),
    [
        ("matters", {"code": "ZW-5-01-001"}, "code must look like ZW-1-01-001"),
        ("matters", {"kind": "审批"}, f"kind must be of: {TASKS}"),
        ("matters", {"levels": "市|区"}, f"levels must be of: {LEVELS}, 群众端"),
        ("matters", {"stars": "6"}, "stars must be of: 1, 2, 3, 4, 5"),
        ("matters", {"stars": "1|2"}, "stars must be of: 1, 2, 3, 4, 5"),
        ("matters", {"lead": "nobody"}, f"lead {NOTHING}"),
        ("matters", {"lead": f"{HOUSING}|{HEALTH}"}, f"lead {NOTHING}"),
        ("matters", {"name": ""}, "name must not be empty"),
        ("matters_summary", {"count": "three"}, f"count {NUMBER}"),
        ("matters_summary", {"key": "x" * 101}, "key must look like 公共服务"),
        (
            "matters_summary",
            {"dimension": "x"},
            "dimension must be of: total, kind, stars, lead, level",
        ),
        ("regions", {"level": "区"}, f"level must be of: {LEVELS}"),
        ("regions", {"parent": "999999"}, f"parent {NOTHING}"),
        ("regions", {"name": ""}, "name must not be empty"),
        ("organisations", {"kind": "部门"}, "kind must be of: department, district, other"),
        ("organisations", {"level": ""}, f"level must be of: {LEVELS}"),
        ("organisations", {"region": "111111"}, f"region {NOTHING}"),
        ("organisations", {"parent": "nobody"}, f"parent {NOTHING}"),
        ("licence_types", {"key": "a" * 101}, "key must look like business-licence"),
        ("licence_types", {"code": "short"}, "code must look like 11100000000013338W001"),
        ("licence_types", {"validity": "long"}, "validity must look like 5"),
        ("licence_types", {"multi_holder": "maybe"}, "multi_holder must be of: yes, no"),
        (
            "licence_types",
            {"holder_kind": "x"},
            "holder_kind must be of: person, enterprise, either",
        ),
        ("licence_types", {"issuing": f"{HOUSING}|nobody"}, f"issuing {NOTHING}"),
        ("licence_types", {"surface": "坐落|权利人|"}, "surface must look like 姓名|性别"),
        ("items", {"code": "12"}, "a basic code has 12 digits"),
        ("items", {"implementation_code": "12"}, "an implementing code has 31 characters"),
        ("items", {"organisation": "nobody"}, f"organisation {NOTHING}"),
        ("items", {"organisation": f"{HOUSING}|{HEALTH}"}, f"organisation {NOTHING}"),
        ("items", {"results": "deed|ghost"}, f"results {NOTHING}"),
        ("items", {"visits": "-1"}, f"visits {NUMBER}"),
        ("items", {"visits": "9999999"}, f"visits {NUMBER}"),
        ("items", {"online_depth": "99"}, "online_depth must look like 4"),
        ("items", {"online_depth": ""}, "online_depth must look like 4"),
        ("items", {"kind": "zz"}, f"kind must be of: {KINDS}"),
        ("items", {"kind": "20"}, "code and kind disagree"),
        ("items", {"level": "99"}, "level must be of: 1, 2, 3, 4, 5, 6, 7"),
        ("items", {"level": ""}, "level must be of: 1, 2, 3, 4, 5, 6, 7"),
        ("items", {"level": "4"}, "implementation_code and level disagree"),
        ("items", {"organisation": HOUSING}, "implementation_code and organisation disagree"),
        ("items", {"served": "z"}, "served must be of: 1, 2, 3, 4, 5, 6"),
        ("items", {"served": "1|"}, "served must be of: 1, 2, 3, 4, 5, 6"),
        ("items", {"served": ""}, "served must be of: 1, 2, 3, 4, 5, 6"),
        ("items", {"case_kind": "3"}, "case_kind must be of: 1, 2"),
        ("items", {"promised_limit": "x"}, "promised_limit or its unit is wrong"),
        ("items", {"promised_unit": ""}, "promised_limit or its unit is wrong"),
        ("items", {"promised_limit": ""}, "promised_limit or its unit is wrong"),
        ("items", {"statutory_limit": ""}, "statutory_limit or its unit is wrong"),
        ("items", {"statutory_unit": "周"}, "statutory_limit or its unit is wrong"),
        ("items", {"promised_limit": "23"}, "the promised limit exceeds the statutory one"),
        (
            "items",
            {"promised_limit": "2", "promised_unit": "月"},
            "the promised limit exceeds the statutory one",
        ),
        ("materials", {"item": "000000000000"}, f"item {NOTHING}"),
        ("materials", {"code": ""}, "code must look like M01"),
        ("materials", {"code": "材" * 101}, "code must look like M01"),
        ("materials", {"position": "first"}, f"position {NUMBER}"),
        ("materials", {"kind": "zz"}, "kind must be of: 原件, 复印件, 原件和复印件"),
        ("materials", {"form": "zz"}, "form must be of: 纸质, 电子, 均可"),
        ("materials", {"source": ""}, "source must be of: 申请人自备, 政府部门核发, 其他"),
        ("materials", {"name": "——"}, "name must not be empty"),
        ("materials", {"necessity": "也许"}, "necessity must be of: 必要, 非必要, 容缺后补"),
        ("materials", {"evidence": "ghost"}, "evidence names ghost, which is no licence type"),
        ("materials", {"evidence": "deed[名称]"}, "the face of deed has no: 名称"),
        ("materials", {"evidence": "deed["}, "evidence cannot be read"),
        ("calendar", {"date": "2026-02-30"}, "date is no day"),
        ("calendar", {"working": "是"}, "working must be of: yes, no"),
    ],
)
def test_a_bad_cell_is_named(
    tmp_path: Path, table: str, changes: dict[str, str], words: str
) -> None:
    rows = tables()[table]
    changed = [*rows[:-1], {**rows[-1], **changes}]
    folder = write_city(tmp_path, None, "utf-8", **{table: changed})
    assert (f"{table}.csv", len(rows) + 1, words) in faults(folder)


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        ("matters", "code"),
        ("matters_summary", "dimension, key"),
        ("regions", "code"),
        ("organisations", "code"),
        ("licence_types", "code"),
        ("licence_types", "key"),
        ("items", "implementation_code"),
        ("materials", "item, code"),
        ("materials", "item, position"),
        ("calendar", "date"),
    ],
)
def test_a_key_stands_once(tmp_path: Path, table: str, keys: str) -> None:
    rows = tables()[table]
    folder = write_city(tmp_path, None, "utf-8", **{table: [*rows, rows[0]]})
    repeated = [(file, line) for file, line, words in faults(folder) if words == f"{keys} repeated"]
    assert repeated == [(f"{table}.csv", 2), (f"{table}.csv", len(rows) + 2)]


def test_a_body_needs_a_social_credit_code(tmp_path: Path) -> None:
    bodies = tables()["organisations"]
    bodies[-1]["code"] = "I" * 18
    expected = ("organisations.csv", 5, "code is no social credit code")
    assert expected in faults(write_city(tmp_path, organisations=bodies))


def test_a_check_character_that_does_not_fit_is_a_warning_with_the_name(tmp_path: Path) -> None:
    """One character changed wherever the code stands: still one code, and nobody else's."""
    write_city(tmp_path)
    wrong = HOUSING[:-1] + ("0" if HOUSING[-1] != "0" else "1")
    for path in tmp_path.iterdir():
        path.write_text(path.read_text("utf-8").replace(HOUSING, wrong), "utf-8")
    found = read_profile(tmp_path)
    assert faults_of(found) == []
    words = "the check character of the social credit code does not fit"
    assert told(warnings_of(found)) == [("organisations.csv", 3, f"warning: 云港市住房局: {words}")]


def test_the_check_characters_of_organisation_codes_and_types_are_looked_at(tmp_path: Path) -> None:
    head = HOUSING[:16] + ("0" if HOUSING[16] != "0" else "1")
    body = head + uscc.check_character(head)
    changed = tables()
    changed["licence_types"][0] |= {"code": f"{body}001", "name": "房屋\n证"}
    changed["organisations"].append({**changed["organisations"][1], "code": body})
    write_city(tmp_path, None, "utf-8", **changed)
    words = "the check character of the organisation code (positions 9 to 17) does not fit"
    assert told(warnings_of(read_profile(tmp_path))) == [
        ("licence_types.csv", 3, f"warning: 房屋 证: {words}"),
        ("organisations.csv", 6, f"warning: 云港市住房局: {words}"),
    ]


def test_an_item_has_one_basic_code(tmp_path: Path) -> None:
    items = tables()["items"]
    items[1]["implementation_code"] = f"{HOUSING}3980101009009"
    expected = ("items.csv", 3, "implementation_code and code disagree")
    assert expected in faults(write_city(tmp_path, items=items))


def test_an_item_without_limit_has_no_unit_either(tmp_path: Path) -> None:
    names = ("statutory_limit", "statutory_unit", "promised_limit", "promised_unit")
    items = [{**row, **dict.fromkeys(names, "")} for row in tables()["items"]]
    assert faults(write_city(tmp_path, items=items)) == []


@pytest.mark.parametrize("table", ["regions", "organisations"])
def test_who_goes_up_comes_to_an_end(tmp_path: Path, table: str) -> None:
    rows = tables()[table]
    rows[0]["parent"] = rows[1]["code"]
    found = faults(write_city(tmp_path, None, "utf-8", **{table: rows}))
    words = "parent leads round in a circle"
    assert found == [(f"{table}.csv", 2, words), (f"{table}.csv", 3, words)]
    rows[0]["parent"] = rows[0]["code"]
    found = faults(write_city(tmp_path, None, "utf-8", **{table: rows}))
    assert found == [(f"{table}.csv", 2, words)]


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("", True),
        ("示{region}-{year}·{serial:06}号{date}", True),
        ("{nope}", False),
        ("{serial", False),
        ("{serial:999999999}", False),
        ("{region.__class__}", False),
        ("{serial!r}", False),
    ],
)
def test_a_pattern_of_numbers_where_there_is_one(tmp_path: Path, pattern: str, fits: bool) -> None:
    folder = write_city(tmp_path)
    path = folder / "licence_types.csv"
    header, *rows = path.read_text("utf-8").splitlines()
    text = "\n".join([f"number_pattern,{header}", *(f"{pattern},{row}" for row in rows)])
    path.write_text(text, "utf-8")
    words = "number_pattern must look like J{region}-{year}-{serial:06}"
    expected = [] if fits else [("licence_types.csv", line, words) for line in (2, 3)]
    assert faults(folder) == expected


def test_dates_are_written_one_way(tmp_path: Path) -> None:
    rows = [{"date": "20260310", "working": "no", "note": ""}]
    words = "date must look like 2027-02-01"
    assert faults(write_city(tmp_path, calendar=rows)) == [("calendar.csv", 2, words)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "云港市"', "", "[city] name is missing or wrong"),
        ('name = "云港市"', "name = 3", "[city] name is missing or wrong"),
        ('name = "云港市"', 'name = ""', "[city] name is missing or wrong"),
        ('name = "云港市"', 'name = "a\\u0000b"', "[city] name is missing or wrong"),
        ('name = "云港市"', 'name = "\u200b"', "[city] name is missing or wrong"),
        (HOUSING, DEED_TYPE, "[city] lead refers to nothing known"),
        ('region = "980100"', "region = ['980100']", "[city] region refers to nothing known"),
        ('region = "980100"', 'region = "1"', "[city] region refers to nothing known"),
        ("departments = 2", "", "[expected] departments is missing or wrong"),
        ("departments = 2", 'departments = "2"', "[expected] departments is missing or wrong"),
        ("departments = 2", "departments = 0", "[expected] departments is missing or wrong"),
        ("items = 2", "items = -1", "[expected] items is missing or wrong"),
        ("items = 2", f"items = {2**64}", "[expected] items is missing or wrong"),
        ("items = 2", "items = true", "[expected] items is missing or wrong"),
        ("[expected]", "[other]", "[expected] items is missing or wrong"),
        ("number = 6", "number = 7", "there must be six [[replacements]], numbered 1 to 6"),
        ("number = 1", "number = true", "there must be six [[replacements]], numbered 1 to 6"),
        ("[[replacements]]", "[[others]]", "there must be six [[replacements]], numbered 1 to 6"),
        ('source_en = "source_en 2"', "", WORDS),
        ('source_en = "source_en 2"', 'source_en = " "', WORDS),
        ('source_en = "source_en 2"', 'source_en = "\\u0000"', WORDS),
    ],
)
def test_settings_are_complete(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in settings()
    folder = write_city(tmp_path, settings().replace(old, new))
    assert ("profile.toml", 0, words) in faults(folder)


HUGE = f"[0x{'f' * 5_000}]"


@pytest.mark.parametrize("years", ["[2027]", "2027", '["2026"]', "[2026, 2027]", HUGE])
def test_a_published_year_has_its_days(tmp_path: Path, years: str) -> None:
    toml = settings() + f"\n[calendar]\npublished = {years}\n"
    words = "[calendar] published: each year needs its days in calendar.csv"
    assert faults(write_city(tmp_path, toml)) == [("profile.toml", 0, words)]


def test_sections_that_are_none(tmp_path: Path) -> None:
    folder = write_city(tmp_path, "city = 1\nexpected = []\nreplacements = 'x'\n")
    assert {file for file, _, _ in faults(folder)} == {"profile.toml"}


def test_faults_stand_in_the_order_of_file_and_line(tmp_path: Path) -> None:
    items = [{**row, "visits": "x", "online_depth": "y"} for row in tables()["items"]]
    calendar = [{"date": "x", "working": "x", "note": ""}]
    found = faults(write_city(tmp_path, items=items, calendar=calendar))
    assert found == sorted(found)
    assert len(found) == len(set(found)) == 7
