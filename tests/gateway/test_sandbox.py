"""The sandbox's issuer (沙箱签发方): ready tokens here, worthless anywhere else."""

import os
import shutil
import stat
import subprocess
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.applications import Starlette

from frontdoor import UsedOnce
from zwhub.gateway.identity import NOT_TRUSTED, Identity
from zwhub.gateway.oauth import TokenEndpoint
from zwhub.gateway.sandbox import CLIENT_FILE, ISSUER_FILE, DemoPersona, Sandbox
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.refusal import Refused

URL = "http://127.0.0.1:8000/oauth/token"
NUMBER = "11010519491231002X"
PERSONAS = (
    DemoPersona("citizen", Persona.CITIZEN, "张三", number=NUMBER),
    DemoPersona("clerk", Persona.CLERK, "李四", organisation="body-1", level="市级"),
    DemoPersona(
        "department",
        Persona.DEPARTMENT,
        "卫生健康委员会",
        organisation="body-2",
        level="市级",
        scopes=frozenset(Scope),
    ),
    DemoPersona("supervisor", Persona.SUPERVISOR, "王五", level="省级"),
    DemoPersona("operator", Persona.OPERATOR, "赵六"),
)


def an_identity(sandbox: Sandbox) -> Identity:
    return Identity([sandbox.trusted()], secret=b"s" * 32)


async def test_each_persona_has_a_token(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path, PERSONAS)
    identity = an_identity(sandbox)
    for row, offered in zip(PERSONAS, sandbox.persona_tokens(), strict=True):
        for token in (offered.token, sandbox.token(row.key)):
            actor = await identity.actor(f"Bearer {token}")
            assert (actor.persona, actor.name, actor.number) == (row.persona, row.name, row.number)
            assert (actor.organisation, actor.level) == (row.organisation, row.level)
            assert actor.scopes == row.scopes
        assert offered.name.zh.endswith(row.name)
        assert offered.token not in repr(offered)


async def test_a_second_start_keeps_the_tokens(tmp_path: Path) -> None:
    token = Sandbox(tmp_path, PERSONAS).token("citizen")
    again = await an_identity(Sandbox(tmp_path, PERSONAS)).actor(f"Bearer {token}")
    assert again.persona is Persona.CITIZEN


async def test_a_token_of_another_data_folder_is_worthless(tmp_path: Path) -> None:
    here, there = (Sandbox(tmp_path / name, PERSONAS) for name in ("here", "there"))
    assert here.issuer != there.issuer
    with pytest.raises(Refused) as refused:
        await an_identity(here).actor(f"Bearer {there.token('operator')}")
    assert refused.value.words == NOT_TRUSTED
    # Not even under the other's name: the key differs too.
    there.issuer = here.issuer
    with pytest.raises(Refused) as refused:
        await an_identity(here).actor(f"Bearer {there.token('operator')}")
    assert refused.value.words == NOT_TRUSTED


def test_its_keys_are_private(tmp_path: Path) -> None:
    Sandbox(tmp_path, PERSONAS)
    for name in (ISSUER_FILE, CLIENT_FILE):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_an_unknown_persona_is_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        Sandbox(tmp_path, PERSONAS).token("king")


async def test_only_its_own_client_is_registered(tmp_path: Path) -> None:
    assert await Sandbox(tmp_path, PERSONAS).client("other") is None
    assert await Sandbox(tmp_path, PERSONAS[:2]).client("sandbox-department") is None


async def test_the_printed_commands_get_a_department_token(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    sandbox = Sandbox(tmp_path, PERSONAS)
    form = parse_qs(posted_by(sandbox.client_example(URL), tmp_path))
    endpoint = TokenEndpoint(
        url=URL,
        issuer=sandbox.issuer,
        key=sandbox.key,
        clients=sandbox,
        replays=UsedOnce(),
    )
    app = Starlette(routes=[endpoint.route()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=URL) as client:
        answer = await client.post(URL, data={name: value[0] for name, value in form.items()})
    assert answer.json().get("scope") == "licences:verify", answer.text
    actor = await an_identity(sandbox).actor(f"Bearer {answer.json()['access_token']}")
    assert (actor.persona, actor.organisation) == (Persona.DEPARTMENT, "body-2")


def posted_by(commands: str, folder: Path) -> str:
    """The form that `commands` would post, told by a stand-in for curl."""
    curl = folder / "curl"
    curl.write_text(
        '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = -d ] && printf "%s&" "$2"; shift; done\n'
    )
    curl.chmod(0o700)
    path = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", commands], capture_output=True, text=True, check=True, env={"PATH": path}
    )
    assert done.stderr == ""
    return done.stdout
