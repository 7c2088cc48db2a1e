"""GraphiQL's routes (GraphiQL 页面的路由): policy, caching, and nothing fetched from elsewhere."""

import gzip
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files

import httpx
import pytest
from starlette.applications import Starlette

from zwhub.gateway.graphiql import PersonaToken, Tab, assets, graphiql_routes
from zwhub.kernel.words import Words

TABS = [
    Tab(Words("核验", "Verify"), "mutation V { v }", {"input": {"purpose": "测试"}}, "clerk"),
    Tab(Words("事项", "Items"), "query I { i }"),
]
PERSONAS = [PersonaToken("clerk", Words("窗口人员", "Clerk"), "the-token")]
LARGEST = 3 * 1024 * 1024


async def get(
    path: str, headers: Mapping[str, str] | None = None, personas: Sequence[PersonaToken] = PERSONAS
) -> httpx.Response:
    transport = httpx.ASGITransport(Starlette(routes=graphiql_routes(TABS, personas)))
    sent = {"accept-encoding": "identity", **(headers or {})}
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.get(path, headers=sent)


async def test_the_policy_allows_our_own_files_only() -> None:
    answer = await get("/graphiql")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy
    assert "http" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_nonce_is_new_each_time_and_the_same_in_page_and_policy() -> None:
    nonces = set()
    for answer in (await get("/graphiql"), await get("/graphiql")):
        found = re.search(r"'nonce-([\w-]+)'", answer.headers["content-security-policy"])
        assert found
        assert f'data-style-nonce="{found[1]}"' in answer.text
        nonces.add(found[1])
    assert len(nonces) == 2


async def test_every_address_in_the_page_is_a_cached_asset_of_ours() -> None:
    page = (await get("/graphiql")).text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {one.rpartition("/")[2] for one in addresses} == set(assets())
    for address in addresses:
        answer = await get(f"/{address}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        etag = answer.headers["etag"]
        again = await get(f"/{address}", {"if-none-match": etag})
        assert (again.status_code, again.content) == (304, b"")


async def test_assets_travel_packed_to_those_who_can_unpack() -> None:
    asset = assets()["graphiql.js"]
    answer = await get(f"/{asset.address}", {"accept-encoding": "br, gzip"})
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", asset.body)
    assert gzip.decompress(asset.packed) == asset.body
    assert len(asset.packed) < len(asset.body) / 2


@pytest.mark.parametrize("path", ["0000000000000000/page.js", "x/vendor.sh", "x/..%2fidentity.py"])
async def test_nothing_else_is_served(path: str) -> None:
    assert (await get(f"/graphiql/{path}")).status_code == 404


async def test_the_configuration_holds_tabs_and_personas() -> None:
    answer = await get("/graphiql/config.json")
    assert answer.headers["cache-control"] == "no-store"
    config = answer.json()
    assert [tab["zh"] for tab in config["tabs"]] == ["核验", "事项"]
    assert config["tabs"][0]["variables"] == {"input": {"purpose": "测试"}}
    assert config["personas"] == [
        {"key": "clerk", "zh": "窗口人员", "en": "Clerk", "token": "the-token"}
    ]
    outside = (await get("/graphiql/config.json", personas=[])).json()
    assert outside["personas"] == []
    assert outside["version"] == config["version"]


def test_vendored_files_are_the_published_ones_and_small() -> None:
    static = files("zwhub.gateway") / "static"
    noted = dict(
        re.findall(r"`(vendor/[\w.-]+)`.*`([0-9a-f]{64})`", (static / "THIRD-PARTY.md").read_text())
    )
    vendored = {f"vendor/{one.name}" for one in (static / "vendor").iterdir()}
    assert set(noted) == {name for name in vendored if not name.endswith(".LICENSE")}
    for name, digest in noted.items():
        assert sha256((static / name).read_bytes()).hexdigest() == digest
    assert sum(len(asset.body) for asset in assets().values()) < LARGEST


def test_our_own_files_name_no_other_host() -> None:
    static = files("zwhub.gateway") / "static"
    for name in ("index.html", "page.js", "page.css"):
        assert not re.search(r"(?:https?:)?//[a-z]", (static / name).read_text(encoding="utf-8"))


def test_tokens_stay_out_of_logs() -> None:
    assert "the-token" not in repr(PERSONAS)
