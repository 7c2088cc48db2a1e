"""docs/callers.md as a department's engineer reads it (照文档取得令牌): its commands, run as they stand."""

import asyncio
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commands import beside
from licence_format import ROOT, blocks, section
from openssl import openssl
from samplecity import SampleCity, SampleHub, a_hub
from server import bound, serving
from servers import FreshDatabase, ServerUrls
from zwhub.gateway.identity import _OWED
from zwhub.gateway.oauth import ASSERTION_SECONDS, LONGEST_JTI, TOKEN_SECONDS
from zwhub.kernel.actor import Persona, Scope

PAGE = "docs/callers.md"
SYSTEM, PEOPLE = "1. A department system", "2. People"


@pytest.fixture
async def public(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: ServerUrls
) -> AsyncIterator[tuple[SampleHub, str]]:
    """A hub behind a real socket, whose public address that socket is."""
    listener = bound()
    address = "http://{}:{}".format(*listener.getsockname())
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url, public_url=address) as hub,
        serving(hub.app, listener),
    ):
        yield hub, address


def run(script: str, folder: Path, hub: str) -> str:
    environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HUB": hub}
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_commands_of_the_page_get_a_token_that_verifies(
    public: tuple[SampleHub, str], tmp_path: Path
) -> None:
    openssl()
    if shutil.which("curl") is None:
        pytest.skip("needs the curl command")
    hub, address = public
    once, each_time = blocks(SYSTEM, "sh", PAGE)
    await asyncio.to_thread(run, once, tmp_path, address)
    (registering,) = blocks(SYSTEM, "console", PAGE)
    _, *words = shlex.split(registering.replace("client.jwks", str(tmp_path / "client.jwks")))
    registered = await asyncio.to_thread(beside(hub), *words)
    assert registered.code == 0, registered.err
    answer = json.loads(await asyncio.to_thread(run, each_time, tmp_path, address))
    assert answer["data"] == {"verifyLicence": {"verdict": "NOT_GENUINE", "reason": "NOT_FOUND"}}
    # Another scope than the token has is named in the refusal.
    collect = "mutation { collectLicences(input: {records: []}) { ... on UserError { message } } }"
    other = re.sub(r'"query": ".*"\}', lambda _: json.dumps({"query": collect})[1:], each_time)
    refused = await asyncio.to_thread(run, other, tmp_path, address)
    assert "licences:collect" in json.loads(refused)["data"]["collectLicences"]["message"]


def test_the_page_names_every_scope_and_every_figure() -> None:
    said = section(SYSTEM, PAGE)
    assert set(re.findall(r"^\| `(licences:\w+)` \|", said, re.MULTILINE)) == set(Scope)
    assert f"at most {ASSERTION_SECONDS // 60} minutes ahead" in said
    assert f"up to {LONGEST_JTI} characters" in said
    assert f"good for {TOKEN_SECONDS // 60} minutes" in said


def test_the_page_names_the_claims_that_are_owed() -> None:
    rows = dict(re.findall(r"^\| (`.+?`) \| (.+?) \|", section(PEOPLE, PAGE), re.MULTILINE))
    for persona, claims in _OWED.items():
        for claim in claims:
            owed = f"`{persona}`" in rows[f"`{claim}`"]
            assert owed is (persona is not Persona.DEPARTMENT), (persona, claim)


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_leads_there(readme: str) -> None:
    assert "(docs/callers.md)" in (ROOT / readme).read_text("utf-8")
