"""`zwhub token, doctor, clients, schema, migrate, serve` (运维命令): what they print, and refuse."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from commands import Command, Done, beside, zwhub
from samplecity import SampleHub
from zwhub.cli.main import COMMANDS, application
from zwhub.gateway.jwks import SigningKey
from zwhub.kernel.actor import Scope
from zwhub.kernel.crypto.token_keys import new_token_key
from zwhub.platform.migrate import behind, migrate
from zwhub.schema import sdl

BODY = "11990100009812267C"


async def run(command: Command, *words: str | Path) -> Done:
    """The command on a thread: it makes an event loop of its own."""
    return await asyncio.to_thread(command, *words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str) -> None:
    done = zwhub(name, "--help", environment={})
    assert done.code == 0
    assert "Usage:" in done.out
    assert "--help" in done.out


def test_all_commands_are_listed_without_being_loaded() -> None:
    listed = [one.name for one in application("").registered_commands]
    assert listed == list(COMMANDS)


def test_the_schema_is_printed(tmp_path: Path) -> None:
    assert zwhub("schema", environment={}).out == sdl()


async def test_a_token_and_nothing_else(hub: SampleHub) -> None:
    done = await run(beside(hub), "token", "department")
    (line,) = done.out.splitlines()
    header = {"Authorization": f"Bearer {line}"}
    answer = await hub.http.post(
        "/graphql", json={"query": "{ viewer { persona level } }"}, headers=header
    )
    assert answer.json()["data"]["viewer"] == {"persona": "DEPARTMENT", "level": "省"}


async def test_no_token_without_a_demo_or_for_nobody(hub: SampleHub, tmp_path: Path) -> None:
    done = await run(beside(hub), "token", "mayor")
    assert (done.code, done.out) == (1, "")
    assert "choose one of: citizen" in done.err
    done = await run(beside(hub), "token", "citizen", "--data-dir", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert "run `zwhub demo` first" in done.err
    assert not os.listdir(tmp_path)


async def test_the_doctor_tells_and_changes_nothing(hub: SampleHub) -> None:
    done = await run(beside(hub), "doctor", "--json")
    facts = json.loads(done.out)
    assert facts["profile"] == "示例市"
    assert facts["migrations"] == "newest"
    assert facts["sm2"] in {"openssl", "pure"}
    assert facts["database"].startswith("PostgreSQL ")
    assert int(facts["licences"]) > 0
    batches = "CollectLicencesInput.records and VerifyLicencesInput.licences"
    assert facts["document limits"].endswith(f"batches {batches}")
    table = (await run(beside(hub), "doctor")).out
    assert "frozenset" not in table
    assert max(map(len, table.splitlines())) < 120


async def test_alembic_says_nothing_of_its_own(
    hub: SampleHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    caplog.set_level("NOTSET", "alembic")  # as in a fresh process
    url = hub.db.engine.url.render_as_string(hide_password=False)
    assert await asyncio.to_thread(behind, url) is False
    await asyncio.to_thread(migrate, url)
    assert [one.message for one in caplog.records if one.name.startswith("alembic")] == []


def test_the_help_names_every_scope() -> None:
    told = zwhub("clients", "add", "--help", environment={}).out
    assert all(scope in told for scope in Scope)


async def test_a_database_that_does_not_answer_is_one_line(hub: SampleHub) -> None:
    url = "postgresql+asyncpg://hub:s3cret@127.0.0.1:9/nothing"
    named = {"ZWHUB_DATABASE_URL": url, "ZWHUB_REDIS_URL": "redis://127.0.0.1:1"}
    environment = {**named, "ZWHUB_DATA_DIR": str(hub.city.data_dir)}
    for words in (["doctor"], ["migrate"], ["serve", "--port", "0"]):
        done = await asyncio.to_thread(lambda: zwhub(*words, environment=environment))  # noqa: B023
        assert done.code == 1
        assert "ZWHUB_DATABASE_URL" in done.err
        assert "s3cret" not in done.err + done.out


def test_settings_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    environment = {"ZWHUB_REDIS_URL": "http://x", "ZWHUB_DATA_DIR": str(tmp_path)}
    done = zwhub("serve", "--port", "0", environment=environment)
    assert (done.code, done.out) == (1, "")
    assert done.err.strip() == "These settings cannot be used: ZWHUB_REDIS_URL"


@pytest.mark.parametrize("text", ["[[[", "profile = ", "a = " + "[" * 5_000])
def test_settings_that_are_no_toml_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zwhub.toml").write_text(text)
    done = zwhub("serve", "--port", "0", environment={})
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines() == [
        "The zwhub.toml of the current folder is not a readable TOML file in UTF-8."
    ]
    done = zwhub("serve", "--port", "0", environment={"ZWHUB_ALLOWED_ORIGINS": "no JSON"})
    assert done.code == 1
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_port_that_is_none_is_one_line(port: str) -> None:
    for command in ("demo", "serve"):
        done = zwhub(command, "--port", port, environment={})
        assert (done.code, done.out) == (1, "")
        assert done.err == "A port is a number from 0 to 65535.\n"


async def test_a_registered_client_gets_a_token(hub: SampleHub, tmp_path: Path) -> None:
    key = SigningKey(new_token_key())
    jwks = tmp_path / "jwks.json"
    jwks.write_text(json.dumps({"keys": [key.jwk]}))
    words = ("clients", "add", "market-core", "--organisation", BODY, "--jwks", jwks)
    done = await run(beside(hub), *words, "--scope", "licences:verify")
    assert done.code == 0, done.err
    listed = await run(beside(hub), "clients", "list")
    assert "market-core" in listed.out
    token = (await _token(hub, key)).json()["access_token"]
    answer = await hub.http.post(
        "/graphql",
        json={"query": "{ viewer { persona organisation } }"},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["data"]["viewer"] == {"persona": "DEPARTMENT", "organisation": BODY}

    removed = await run(beside(hub), "clients", "remove", "market-core")
    assert (removed.code, removed.out) == (0, "")
    assert "market-core" not in (await run(beside(hub), "clients", "list")).out
    assert (await _token(hub, key)).json()["error"] == "invalid_client"
    again = await run(beside(hub), "clients", "remove", "market-core")
    assert again.code == 1
    assert "No such client" in again.err


async def _token(hub: SampleHub, key: SigningKey) -> httpx.Response:
    url = "http://127.0.0.1:8000/oauth/token"
    now = int(time.time())
    claims = {"iss": "market-core", "sub": "market-core", "aud": url, "jti": str(now), "iat": now}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.sign({**claims, "exp": now + 60}, "JWT"),
    }
    return await hub.http.post("/oauth/token", data=form)


async def test_clients_that_are_not_registered(hub: SampleHub, tmp_path: Path) -> None:
    key = SigningKey(new_token_key())
    names = ("a.json", "b.json", "c.json", "d.json")
    public, private, rubbish, deep = (tmp_path / name for name in names)
    deep.write_text("[" * 100_000)
    public.write_text(json.dumps({"keys": [key.jwk]}))
    private.write_text(json.dumps({"keys": [{**key.jwk, "d": "AAAA"}]}))
    rubbish.write_text("[]")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"jwks": private}, "holds a private key"),
        ({"jwks": rubbish}, "is not a JWKS file"),
        ({"jwks": deep}, "is not a JWKS file"),
        ({"scope": "licences:everything"}, "No such scope"),
        ({"organisation": "11990100009812267X"}, "no body of this code"),
    ]
    for changed, said in cases:
        given = {"organisation": BODY, "jwks": public, "scope": "licences:verify", **changed}
        options = [part for name, value in given.items() for part in (f"--{name}", value)]
        done = await run(beside(hub), "clients", "add", "stranger", *options)
        assert done.code == 1
        assert said in done.err
    options = ["--organisation", BODY, "--jwks", public, "--scope", "licences:verify"]
    for name in ("", "x" * 101, "a b", "名称", "a\n"):
        done = await run(beside(hub), "clients", "add", *options, "--", name)
        assert done.code == 1
        assert "1 to 100 letters" in done.err
    assert "stranger" not in (await run(beside(hub), "clients", "list")).out
