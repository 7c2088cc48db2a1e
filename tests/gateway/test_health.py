import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from frontdoor import Hub
from zwhub.gateway.health import Check
from zwhub.gateway.respond import guarded


async def fine() -> None:
    await asyncio.sleep(0)


async def down() -> None:
    raise ConnectionError("postgresql://hub:s3cret@db/hub is away")


async def hangs() -> None:
    await asyncio.sleep(30)


async def get(path: str, **checks: Check) -> httpx.Response:
    transport = httpx.ASGITransport(Hub(checks=checks).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        return await http.get(path)


async def test_alive_whatever_is_down() -> None:
    answer = await get("/health/live", database=Check(down))
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


async def test_ready_when_every_check_passes() -> None:
    answer = await get("/health/ready", database=Check(fine), cache=Check(fine))
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "cache": "ok"}}


async def test_unready_names_the_check_and_keeps_its_secrets() -> None:
    with capture_logs() as logs:
        answer = await get(
            "/health/ready",
            database=Check(down),
            keys=Check(hangs, seconds=0.05),
            cache=Check(fine),
        )
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failed", "keys": "failed", "cache": "ok"}
    assert "s3cret" not in answer.text
    told = [(entry["check"], entry["error"]) for entry in logs]
    assert sorted(told) == [("database", "ConnectionError"), ("keys", "TimeoutError")]


async def test_without_its_cache_the_hub_is_slower_and_ready() -> None:
    answer = await get("/health/ready", database=Check(fine), cache=Check(down, needed=False))
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"


async def test_metrics_speak_prometheus() -> None:
    answer = await get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "zwhub_graphql_websockets 0.0" in answer.text


async def test_a_page_that_fails_says_so_in_json_and_no_more() -> None:
    async def page(_: Request) -> Response:
        raise RuntimeError("postgresql://hub:s3cret@db/hub")

    transport = httpx.ASGITransport(Starlette(routes=[Route("/page", guarded(page))]))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        with capture_logs() as logs:
            answer = await http.get("/page")
    assert (answer.status_code, answer.json()) == (500, {"error": "internal_server_error"})
    assert [entry["log_level"] for entry in logs] == ["error"]
