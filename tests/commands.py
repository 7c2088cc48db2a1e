"""`zwhub` at a terminal (命令行测试): run in this process, against a test's own database."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from typer.testing import CliRunner

from samplecity import SampleHub
from zwhub.cli.main import application
from zwhub.cli.sandbox import save_keys


@dataclass(frozen=True)
class Done:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Done]


def zwhub(*words: str | Path, environment: Mapping[str, str | None], given: str = "") -> Done:
    """Run a command in English; a thread of its own where an event loop runs already."""
    english = {"LC_ALL": "C.UTF-8", "COLUMNS": "200"}
    result = CliRunner().invoke(
        application(str(words[0])),
        [str(word) for word in words],
        input=given,
        env={**english, **environment},
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


def beside(hub: SampleHub) -> Command:
    """Commands of an operator whose hub runs: same database, same data folder with its roots."""
    save_keys(hub.city.data_dir, hub.city.pki)
    return functools.partial(zwhub, environment=environment_beside(hub))


def environment_beside(hub: SampleHub) -> dict[str, str]:
    """The variables by which a command finds the hub's database and data folder."""
    return {
        "ZWHUB_DATABASE_URL": hub.db.engine.url.render_as_string(hide_password=False),
        "ZWHUB_DATA_DIR": str(hub.city.data_dir),
    }
