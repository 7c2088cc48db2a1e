"""The lock files (锁定文件): complete, agreeing with one another, and free of any address."""

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = ["requirements.lock", "requirements-build.lock", "requirements-dev.lock"]


def locked(name: str) -> dict[str, Requirement]:
    """The pinned requirements of one lock file, by name."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    entries = [re.sub(r"\s--hash=\S+", "", line) for line in text.splitlines() if line[:1] != "#"]
    pins = map(Requirement, filter(str.strip, entries))
    return {canonicalize_name(pin.name): pin for pin in pins}


def wanted(*groups: str) -> Iterable[Requirement]:
    """What pyproject.toml asks for: its dependencies, and those of the groups."""
    asked = list(PROJECT["project"]["dependencies"]) if "project" in groups else []
    for group in groups:
        asked += [one for one in PROJECT["dependency-groups"].get(group, []) if type(one) is str]
    return map(Requirement, asked)


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("requirements.lock", ["project"]),
        ("requirements-build.lock", ["build"]),
        ("requirements-dev.lock", ["project", "build", "dev"]),
    ],
)
def test_lock_holds_a_fitting_version_of_everything_wanted(lock: str, groups: list[str]) -> None:
    pins = locked(lock)
    for requirement in wanted(*groups):
        (pin,) = pins[canonicalize_name(requirement.name)].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_place_and_hashes_everything(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--(index|extra-index|find-links|trusted))", text, re.M)
    entries = text.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in line for line in entries if line.strip() and line[0] != "#")


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_checks_run_against_the_versions_that_are_shipped(lock: str) -> None:
    developed = locked("requirements-dev.lock")
    for name, pin in locked(lock).items():
        assert str(pin.specifier) == str(developed[name].specifier)
