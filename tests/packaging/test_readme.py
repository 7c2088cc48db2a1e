"""Both READMEs (说明): the commands, files and settings that they name are the ones there are."""

import re
from pathlib import Path

import pytest

from zwhub.cli.main import COMMANDS
from zwhub.platform.settings import Settings

ROOT = Path(__file__).parents[2]
FIRST_COMMANDS = ["python3 dev.py demo", "python3 dev.py check"]


@pytest.fixture(params=["README.md", "README.zh-CN.md"])
def readme(request: pytest.FixtureRequest) -> str:
    return (ROOT / str(request.param)).read_text("utf-8")


def shell(readme: str) -> list[str]:
    """The blocks that a reader types."""
    return re.findall(r"^```sh\n(.*?)^```", readme, re.M | re.S)


def test_begins_with_the_two_commands(readme: str) -> None:
    assert [block.strip() for block in shell(readme)[:2]] == FIRST_COMMANDS


def test_names_every_setting_and_no_other(readme: str) -> None:
    table = " ".join(re.findall(r"^\| (`ZWHUB_.*?) \|", readme, re.M))
    named = {name.lower() for name in re.findall(r"ZWHUB_(\w+)", table)}
    assert named == set(Settings.model_fields)


def test_names_commands_that_exist(readme: str) -> None:
    typed = re.findall(r"\bzwhub ([a-z]+)", readme)
    assert typed
    assert set(typed) - {"is"} <= set(COMMANDS)


def test_points_at_files_that_exist(readme: str) -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", readme)
    said = re.findall(r"`((?:schema|alembic|docs|keys)/[\w./-]*)`", readme)
    assert linked
    for path in {*linked, *said}:
        assert (ROOT / path).exists(), path


def test_rooms_are_those_of_the_package(readme: str) -> None:
    picture = "".join(re.findall(r"^```text\n(.*?)^```", readme, re.M | re.S))
    drawn = {word for line in picture.splitlines() for word in line[:26].split() if word.isalpha()}
    places = (ROOT / "src" / "zwhub").iterdir()
    assert drawn == {one.stem for one in places if one.stem[:2] not in ("__", "py")}


def test_both_languages_show_the_same_commands() -> None:
    told = [
        [
            line.split("  #")[0]
            for block in shell((ROOT / name).read_text("utf-8"))
            for line in block.splitlines()
            if "purpose" not in line
        ]
        for name in ("README.md", "README.zh-CN.md")
    ]
    assert [line.rstrip() for line in told[0]] == [line.rstrip() for line in told[1]]
