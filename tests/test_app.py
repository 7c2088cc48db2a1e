"""The whole application (整个应用): it answers the same while its cache is away."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from builders import Issuer, trusting
from samplecity import SampleCity, SampleHub, a_hub
from servers import FreshDatabase, reachable_folder, silent
from zwhub.platform.embedded import embedded_servers

VOLATILE = {"id", "verifiedAt", "asOf", "receipt"}


@pytest.fixture
async def alone(
    sample_city: SampleCity, fresh_database: FreshDatabase
) -> AsyncIterator[tuple[SampleHub, int]]:
    """A hub with a cache of its own, and the process id of that cache."""
    with (
        reachable_folder() as folder,
        embedded_servers(Path(folder) / "data", database=False, say=silent) as servers,
    ):
        async with Redis.from_url(servers.redis_url) as client:
            pid = int((await client.info("server"))["process_id"])
        async with (
            fresh_database(template=sample_city.template) as url,
            a_hub(sample_city, url, servers.redis_url, patience=0.05) as hub,
        ):
            yield hub, pid


async def answers(hub: SampleHub, *numbers: str) -> list[dict[str, Any]]:
    """What the hub says of these numbers, without what differs each time."""
    found = [await hub.verify(number=number) for number in numbers]
    mine = await hub.ask("my-licences", "citizen", first=100)
    return [mine, *({k: v for k, v in one.items() if k not in VOLATILE} for one in found)]


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_answers_are_the_same_when_the_cache_is_gone(
    alone: tuple[SampleHub, int], issuer_keys: dict[Any, Issuer], fate: signal.Signals
) -> None:
    hub, pid = alone
    issuer = next(iter(issuer_keys.values()))
    await trusting(hub.db, issuer)
    await hub.collect(issuer.a_licence(number="C-1", serial="CACHED"))
    asked = ("C-1", "C-1", "NO-SUCH")
    before = await answers(hub, *asked)
    assert hub.hub.cache.hits > 0
    os.kill(pid, fate)
    try:
        assert await answers(hub, *asked) == before
        ready = await hub.http.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
        # What is collected meanwhile counts at once, though nothing could be forgotten.
        newer = issuer.a_licence(number="C-1", serial="CACHED", version="002", name="新版")
        assert (await hub.collect(newer))[0]["outcome"] == "ACCEPTED"
        found = await hub.verify(number="C-1")
    finally:
        if fate is signal.SIGSTOP:
            os.kill(pid, signal.SIGCONT)
    assert found["verdict"] == "GENUINE"
    version = "query($by: LicenceKey!) { licence(by: $by) { version } }"
    answer = await hub.ask(version, "department", by={"number": "C-1"})
    assert answer["data"]["licence"]["version"] == "002"  # also once the cache is back


async def test_what_stands_beside_the_endpoint(hub: SampleHub) -> None:
    paths = {"/health/live": 200, "/health/ready": 200, "/metrics": 200, "/graphiql": 200}
    for path, status in {**paths, "/.well-known/jwks.json": 200, "/nothing": 404}.items():
        assert (await hub.http.get(path)).status_code == status
    (key,) = (await hub.http.get("/.well-known/jwks.json")).json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}  # and no private part


async def test_production_hides_what_only_developers_need(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: Any
) -> None:
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url, profile="production") as one,
    ):
        answer = await one.ask("{ __schema { types { name } } }", "anonymous")
        assert "data" not in answer
        hint = await one.ask("{ busnessMatters { code } }", "anonymous")
        assert "businessMatters" not in str(hint)
        known = await one.ask("matters", "anonymous")
        assert len(known["data"]["businessMatters"]) == 11


async def test_a_demo_token_of_another_hub_opens_nothing(hub: SampleHub, tmp_path: Path) -> None:
    from samplecity import personas
    from zwhub.gateway.sandbox import Sandbox

    foreign = Sandbox(tmp_path, personas()).token("operator")
    headers = {"authorization": f"Bearer {foreign}"}
    answer: httpx.Response = await hub.http.post(
        "/graphql", json={"query": "{ viewer { persona } }"}, headers=headers
    )
    assert [e["extensions"]["code"] for e in answer.json()["errors"]] == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NOT_FOUND"),
        ("POST", "/graphql/more", 404, "NOT_FOUND"),
        ("DELETE", "/graphql", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/oauth/token", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health/live", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/.well-known/jwks.json", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/graphiql", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_what_is_not_served_is_told_in_json(
    hub: SampleHub, method: str, path: str, status: int, code: str
) -> None:
    answer = await hub.http.request(method, path)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (status, code)
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    assert status != 405 or answer.headers["allow"]


async def test_the_endpoint_answers_with_a_slash_behind_it_too(hub: SampleHub) -> None:
    answer = await hub.http.post("/graphql/", json={"query": "{ viewer { persona } }"})
    assert answer.json()["data"] == {"viewer": {"persona": "ANONYMOUS"}}


async def test_a_page_of_a_named_origin_may_call(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: Any
) -> None:
    origin, elsewhere = "https://front.example", "https://other.example"
    wish = {"access-control-request-method": "POST"}
    asked = {**wish, "access-control-request-headers": "authorization, content-type"}
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url, allowed_origins=[origin]) as one,
    ):
        for page, allowed in ((origin, True), (elsewhere, False)):
            first = await one.http.options("/graphql", headers={**asked, "origin": page})
            then = await one.http.post("/graphql", json={"query": "{a}"}, headers={"origin": page})
            for answer in (first, then):
                assert (answer.headers.get("access-control-allow-origin") == page) is allowed
