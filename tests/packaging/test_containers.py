"""Dockerfile and compose.yaml (容器): nothing named there is missing, and nothing is open."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from zwhub.cli.main import COMMANDS, application
from zwhub.gateway.health import health_routes
from zwhub.platform.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions and their arguments; continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def test_every_copied_path_exists_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    copied = [source for rest in of("COPY") for source in shlex.split(rest)[:-1]]
    assert {"src", "alembic", "keys", "schema", "requirements.lock"} <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored


def test_second_stage_holds_the_wheels_only() -> None:
    stages = "\n".join(f"{word} {rest}" for word, rest in instructions()).split("FROM ")[1:]
    assert len(stages) == 2
    assert "COPY" not in stages[1]
    assert "--no-index" in stages[1]


def test_hub_runs_as_nobody_special_and_is_watched() -> None:
    assert of("USER") == ["zwhub"]
    (watch,) = of("HEALTHCHECK")
    path = re.search(r"127\.0\.0\.1:8000(/[a-z/]+)", watch)
    assert path
    assert path[1] in {route.path for route in health_routes({}, None)}  # type: ignore[arg-type]


def test_image_starts_a_command_that_exists() -> None:
    assert json.loads(of("ENTRYPOINT")[0]) == ["zwhub"]
    command, *options = json.loads(of("CMD")[0])
    group = typer.main.get_group(application(command))
    known = {name for parameter in group.commands[command].params for name in parameter.opts}
    assert {word for word in options if word.startswith("--")} <= known
    assert SERVICES["migrate"]["command"][0] in COMMANDS


@pytest.mark.parametrize("name", ["hub", "migrate"])
def test_variables_are_settings_and_say_no_secret(name: str) -> None:
    service = SERVICES[name]
    for variable, value in service["environment"].items():
        assert variable.removeprefix("ZWHUB_").lower() in Settings.model_fields
        for secret in re.findall(r"\$\{(\w+PASSWORD)(\S*)", str(value)):
            assert secret[1].startswith(":?")
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True


def test_no_password_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    uses = re.findall(r"\$\{(\w+)(:.)?", text)
    assert {name for name, _ in uses} >= {"ZWHUB_DATABASE_PASSWORD", "ZWHUB_REDIS_PASSWORD"}
    assert all(default == ":?" for name, default in uses if name.endswith("PASSWORD"))


def test_servers_are_checked_and_waited_for() -> None:
    assert SERVICES["postgres"]["healthcheck"]["test"][1] == "pg_isready"
    assert "redis-cli ping" in SERVICES["redis"]["healthcheck"]["test"][1]
    waits = {**SERVICES["migrate"]["depends_on"], **SERVICES["hub"]["depends_on"]}
    assert {name: wait["condition"] for name, wait in waits.items()} == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


def test_only_the_hub_is_reachable_from_this_machine_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_named_volumes_are_declared() -> None:
    mounted = {mount.split(":")[0] for one in SERVICES.values() for mount in one.get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"])
