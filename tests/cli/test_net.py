"""The last net (最后一道网): what nobody foresaw is one line in both languages, without data."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import ServerUrls
from zwhub.cli import net
from zwhub.cli.main import main
from zwhub.platform.private_files import NotPrivate, read_private
from zwhub.schema import sdl

DATA = "990101198805179982"
BROKEN = f"""
import sys
from zwhub.cli import show
from zwhub.cli.main import main
def broken():
    raise LookupError("{DATA}")
show.sdl = broken
sys.argv[1:] = ["schema"]
main()
"""
LINE = "未预料的错误：LookupError, zwhub.cli.show.schema · Unforeseen error: LookupError, "


def broken(level: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BROKEN],
        env={**os.environ, "ZWHUB_LOG_LEVEL": level, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_unforeseen_is_one_line_with_its_place_and_without_data() -> None:
    done = broken("info")
    assert (done.returncode, done.stdout) == (net.UNFORESEEN, "")
    assert done.stderr == LINE + "zwhub.cli.show.schema\n"


def test_debug_logs_the_way_there_and_still_no_data() -> None:
    said, logged = broken("debug").stderr.splitlines()
    assert said.startswith(LINE)
    assert '"fault":["builtins.LookupError at zwhub.cli.main.main:' in logged
    assert DATA not in logged


def test_what_has_words_of_its_own_keeps_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").touch(0o644)
    with pytest.raises(NotPrivate) as caught:
        read_private(tmp_path / "key")
    assert net.told(caught.value) == 1
    assert "chmod 600" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve --port 0", "demo --port 0", "doctor"])
def test_a_cache_url_that_is_none_is_one_line_without_its_password(
    command: str, server_urls: ServerUrls, tmp_path: Path
) -> None:
    named = {
        "ZWHUB_DATABASE_URL": server_urls.database_admin_url,
        "ZWHUB_REDIS_URL": "redis://:a@b:supersecret",
        "ZWHUB_DATA_DIR": str(tmp_path),
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from zwhub.cli.main import main; main()", *command.split()],
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("The cache URL cannot be read; it looks like redis://user:")
    assert "secret" not in done.stderr


def test_nothing_is_caught_that_ends_as_it_should(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["zwhub", "schema"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == sdl()
