"""dev.py and .ci/run (一条命令): what a newcomer types, and what continuous integration runs."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, believing that its environment is a folder that does not exist yet."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(module, "STAMP", tmp_path / "stamp")
    return module


def test_needs_nothing_but_the_standard_library() -> None:
    alone = [sys.executable, "-I", "-S", "dev.py", "--help"]
    shown = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "python3 dev.py demo" in shown.stdout


def test_an_unknown_word_is_answered_with_the_usage() -> None:
    asked = subprocess.run([sys.executable, "dev.py", "chek"], cwd=ROOT, capture_output=True)
    assert asked.returncode == 2
    assert b"dev.py check" in asked.stdout


def test_an_old_python_is_told_so(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert dev.main(["demo"]) == 1
    assert "3.11" in capsys.readouterr().err


def test_a_python_without_ensurepip_is_told_the_package(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert dev.main(["demo"]) == 1
    expected = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert expected in capsys.readouterr().err


def test_a_failed_installation_is_not_taken_for_a_finished_one(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "make_environment", lambda: 0)
    monkeypatch.setattr(dev, "run", lambda command: 3)
    assert dev.install("demo") == 3
    assert dev.installed() == []


def test_an_installation_serves_its_use_until_a_lock_changes(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev, "make_environment", lambda: 0)
    monkeypatch.setattr(dev, "run", lambda command: 0)
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    assert dev.install("demo") == 0
    assert dev.installed() == ["demo"]
    assert dev.install("check") == 0
    assert dev.installed() == ["demo", "check"]
    for name in ("pyproject.toml", *dev.LOCKED):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes() + b"#")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    assert dev.installed() == []


def test_every_check_runs_although_one_failed(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...], **more: str) -> int:
        ran.append(command)
        return 1 if len(ran) == 2 else 0

    monkeypatch.setattr(dev, "run", run)
    assert dev.check(everything=False) == 1
    assert ran == [*dev.CHECKS, dev.pytest(dev.DEFAULT)]
    said = capsys.readouterr().out
    assert said.count("FAILED") == 1
    for left_out in (*dev.MARKERS, dev.REAL):
        assert f"not run  {left_out}" in said


def test_what_is_missing_is_named_and_the_rest_runs(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def run(command: tuple[str, ...], **more: str) -> int:
        ran.append(command[-1])
        return 0

    monkeypatch.setattr(dev, "run", run)
    monkeypatch.setattr(dev.shutil, "which", lambda name: None)
    for name in dev.SERVERS:
        monkeypatch.delenv(name, raising=False)
    assert dev.check(everything=True) == 0
    assert ran[-1] == "long"
    said = capsys.readouterr().out
    assert "node, npm not found" in said
    assert "chromium or chromium-browser not found" in said
    assert "ZWHUB_TEST_DATABASE_URL, ZWHUB_TEST_REDIS_URL not set" in said


def test_servers_of_your_own_get_a_run_of_their_own(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[dict[str, str]] = []

    def run(command: tuple[str, ...], **more: str) -> int:
        given.append(more)
        return 0

    monkeypatch.setattr(dev, "run", run)
    for name in dev.SERVERS:
        monkeypatch.setenv(name, "there")
    assert dev.check(everything=True) == 0
    assert given[-1] == dict.fromkeys(dev.SERVERS, "there")
    assert not any(given[:-1])


def test_the_hub_s_variables_reach_no_check(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZWHUB_DATABASE_URL", "somebody's own")
    shown = "import os; print([name for name in os.environ if name.startswith('ZWHUB_')])"
    assert dev.run((sys.executable, "-c", shown), ZWHUB_TEST_REDIS_URL="secret") == 0
    said = capfd.readouterr().out
    assert said.endswith("['ZWHUB_TEST_REDIS_URL']\n")
    assert "secret" not in said


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)
    last = script.read_text("utf-8").splitlines()[-1]
    for readme in ("README.md", "README.zh-CN.md"):
        assert "python3 dev.py check\n" in (ROOT / readme).read_text("utf-8")
    assert last.endswith("python3 dev.py check --all")
