"""The wheel (安装包): installed alone, started from an empty folder, it finds what it carries.

`alembic/`, `keys/` and `schema/` stand at the top level of the checkout; an installed hub must
have brought them along.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from servers import reachable_folder

ROOT = Path(__file__).parents[2]
SECONDS_TO_READY = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hub's wheel, built from the checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    quietly = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    pip = [sys.executable, "-m", "pip", "wheel", *quietly, "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(pip, check=True)
    (built,) = folder.glob("*.whl")
    return built


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and an empty folder to start from."""

    folder: Path
    python: Path

    def zwhub(self, *arguments: str) -> str:
        """What a command says."""
        return self.run("zwhub", *arguments)

    def run(self, program: str, *arguments: str) -> str:
        """What a program of the environment says."""
        command = [str(self.python.with_name(program)), *arguments]
        said = subprocess.run(
            command, cwd=self.folder, env=clean(), capture_output=True, text=True, check=True
        )
        return said.stdout


def clean() -> dict[str, str]:
    """The environment without what would lead back to the checkout, or to another hub."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ZWHUB_"))}
    return kept | {"LC_ALL": "C.UTF-8"}


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Iterator[Installed]:
    """The wheel in an environment of its own, which borrows the dependencies of this one."""
    with reachable_folder() as folder:
        venv.create(folder / "venv", with_pip=False)
        python = folder / "venv" / "bin" / "python"
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-index", str(wheel)], check=True)
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        # Python does not read the .pth files of a folder named by one: the checkout stays unseen.
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (folder / "empty").mkdir()
        yield Installed(folder / "empty", python)


@pytest.mark.long
def test_wheel_holds_the_package_and_no_private_key(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("alembic/env.py", "keys/issuers.csv", "schema/zwhub.graphql"):
        assert f"zwhub/bundled/{needed}" in names
    assert any(name.endswith("LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pyc", "key.pem")) or "tests/" in name]


@pytest.mark.long
def test_installed_hub_is_the_installed_one(installed: Installed) -> None:
    place = installed.run("python", "-c", "import zwhub; print(zwhub.__file__)")
    assert place.startswith(str(installed.python.parents[1]))


@pytest.mark.long
def test_commands_answer_from_an_empty_folder(installed: Installed) -> None:
    assert "demo" in installed.zwhub("--help")
    assert installed.zwhub("schema") == (ROOT / "schema" / "zwhub.graphql").read_text("utf-8")
    assert list(installed.folder.iterdir()) == []


@pytest.mark.long
def test_installed_demo_runs_every_operation(installed: Installed) -> None:
    data = installed.folder.parent / "data"
    command = [str(installed.python.with_name("zwhub")), "demo", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data-dir", str(data)],
        cwd=installed.folder,
        env=clean(),
        stdout=subprocess.PIPE,
        text=True,
    ) as hub:
        try:
            address = ready(hub)
            page = httpx.get(f"{address}/graphiql/config.json").json()
            tokens = {one["key"]: one["token"] for one in page["personas"]}
            assert len(page["tabs"]) == len(list((ROOT / "schema/operations").glob("*.graphql")))
            for tab in page["tabs"]:
                assert "errors" not in asked(address, tab, tokens.get(tab["persona"])), tab["en"]
        finally:
            hub.send_signal(signal.SIGINT)
        assert hub.wait(timeout=30) in {0, 130}  # 130: ended by Ctrl-C
    assert list(installed.folder.iterdir()) == []


def ready(hub: "subprocess.Popen[str]") -> str:
    """The hub's address, as soon as it says that it serves."""
    assert hub.stdout is not None
    limit = threading.Timer(SECONDS_TO_READY, hub.kill)
    limit.start()
    try:
        line = next(said for said in hub.stdout if said.startswith("ready "))
    finally:
        limit.cancel()
    return line.split()[1].removesuffix("/graphql")


def asked(address: str, tab: dict[str, Any], token: str | None) -> dict[str, Any]:
    """The answer to one of GraphiQL's tabs."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = json.dumps({"query": tab["query"], "variables": tab["variables"]})
    answer = httpx.post(f"{address}/graphql", content=body, headers=headers, timeout=30)
    said: dict[str, Any] = answer.json()
    assert answer.status_code == 200
    return said
