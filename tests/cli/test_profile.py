"""`zwhub profile` (城市资料): check, load, placeholders, export."""

import asyncio
import json
from pathlib import Path

import pytest

from commands import Command, Done, beside, zwhub
from othercity import GOVERNMENT, tables, write_city
from samplecity import SampleHub
from zwhub.platform.database import Database
from zwhub.profile.folder import COLUMNS, read_profile, sample_folder


def profile(*words: str | Path, language: str = "C.UTF-8") -> Done:
    """A command that reads files alone: there is no database to be had."""
    nowhere = {"ZWHUB_DATABASE_URL": "postgresql+asyncpg://nobody@127.0.0.1:1/none"}
    return zwhub("profile", *words, environment={**nowhere, "LC_ALL": language})


async def run(command: Command, *words: str | Path) -> Done:
    """The command on a thread: it makes an event loop of its own."""
    return await asyncio.to_thread(command, "profile", *words)


def test_the_sample_has_no_fault_and_is_all_sample() -> None:
    done = profile("check")
    assert done.code == 0
    assert done.err.strip() == "No faults: the profile can be loaded."
    assert done.out.count("SAMPLE") == 5
    assert "ZW-1-01-001" in done.out


def test_check_speaks_chinese() -> None:
    done = profile("check", language="zh_CN.UTF-8")
    assert done.err.strip() == "资料没有错误，可以加载。"
    assert "共 28 条（应有 28 条），其中 28 条为示例数据" in done.out


def test_check_names_every_fault_with_its_place(tmp_path: Path) -> None:
    items = [{**row, "visits": "x"} for row in tables()["items"]]
    folder = write_city(tmp_path, items=items)
    done = profile("check", folder)
    assert done.code == 1
    assert done.out.splitlines() == [
        "items.csv:2: visits must be a number",
        "items.csv:3: visits must be a number",
    ]
    assert done.err.strip() == "The profile has 2 faults."
    items[0]["visits"] = "1"
    one = profile("check", write_city(tmp_path / "one", items=items[:2]))
    assert one.err.strip() == "The profile has 1 fault."
    assert "items.csv:2: visits 须为数字" in profile("check", folder, language="zh_CN.UTF-8").out


def test_a_warning_is_told_and_keeps_nobody_from_loading(tmp_path: Path) -> None:
    bodies = tables()["organisations"]
    wrong = f"{GOVERNMENT[:-1]}{'0' if GOVERNMENT[-1] != '0' else '1'}"
    bodies = [{k: v.replace(GOVERNMENT, wrong) for k, v in row.items()} for row in bodies]
    folder = write_city(tmp_path, organisations=bodies)
    done = profile("check", folder)
    assert done.code == 0
    assert done.out.splitlines()[0] == (
        "organisations.csv:2: warning: 云港市人民政府: "
        "the check character of the social credit code does not fit"
    )
    assert done.err.strip() == "No faults: the profile can be loaded."
    chinese = profile("check", folder, language="zh_CN.UTF-8").out.splitlines()[0]
    assert chinese == (
        "organisations.csv:2: 警告：云港市人民政府：统一社会信用代码校验码不符，请核对"
    )


def test_a_folder_that_cannot_be_read_is_told_file_by_file(tmp_path: Path) -> None:
    folder = write_city(tmp_path)
    (folder / "items.csv").unlink()
    done = profile("check", folder)
    assert (done.code, done.out.strip()) == (1, "items.csv: the file is missing")
    done = profile("check", tmp_path / "nowhere")
    assert done.code == 1
    assert done.err.startswith("There is no folder ")


def test_export_gives_a_folder_that_checks(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "city"
    assert profile("export", folder).code == 0
    assert {path.name for path in folder.iterdir()} == {
        *(f"{t}.csv" for t in COLUMNS),
        "profile.toml",
    }
    assert read_profile(folder).tables == read_profile(sample_folder()).tables
    assert profile("check", folder).code == 0


def test_export_overwrites_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    for place in (tmp_path, mine):
        done = profile("export", place)
        assert done.code == 1
        assert done.err.strip().endswith("is not an empty folder.")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_export_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = profile("export", tmp_path / "file" / "city")
    assert done.code == 1
    assert done.err.startswith("Cannot write to ")


async def test_placeholders_before_any_profile(empty_database: Database) -> None:
    url = empty_database.engine.url.render_as_string(hide_password=False)
    environment = {"ZWHUB_DATABASE_URL": url}
    done = await asyncio.to_thread(zwhub, "profile", "placeholders", environment=environment)
    assert (done.code, done.err.strip()) == (1, "No profile has been loaded yet.")


async def test_load_tells_what_changed_and_placeholders_follow(
    hub: SampleHub, tmp_path: Path
) -> None:
    command = beside(hub)
    before = await run(command, "placeholders", "--json")
    statuses = [row["status"] for row in json.loads(before.out)]
    assert statuses == ["SAMPLE", "SAMPLE", "SAMPLE", "SAMPLE", "MISSING", "SAMPLE"]

    loaded = await run(command, "load", write_city(tmp_path))
    assert loaded.code == 0, loaded.err
    assert loaded.err.strip() == "Loaded. Items: 2 new, 0 revised, 128 ended, 0 unchanged."
    assert "organisations  4" in loaded.out

    after = await run(command, "placeholders")
    assert after.code == 0
    assert after.out.count("REPLACED") == 5
    assert "sandbox" in after.out

    again = await run(command, "load", sample_folder())
    assert again.err.strip() == "Loaded. Items: 128 new, 0 revised, 2 ended, 0 unchanged."


async def test_a_folder_with_faults_is_not_loaded(hub: SampleHub, tmp_path: Path) -> None:
    bad = write_city(tmp_path, calendar=[{"date": "x", "working": "no", "note": ""}])
    done = await run(beside(hub), "load", bad)
    assert done.code == 1
    assert "calendar.csv:2: date must look like 2027-02-01" in done.out
    rows = json.loads((await run(beside(hub), "placeholders", "--json")).out)
    assert rows[0]["status"] == "SAMPLE"
    assert set(rows[0]) == {"number", "subject", "status", "detail", "source"}


@pytest.mark.parametrize("command", ["check", "load", "placeholders", "export"])
def test_every_command_explains_itself(command: str) -> None:
    done = profile(command, "--help")
    assert done.code == 0
    assert "Usage" in done.out
    assert any("\u4e00" <= char <= "\u9fff" for char in done.out)
