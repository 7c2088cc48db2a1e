"""The application (应用入口): what goes straight to the API, and what goes by its route."""

from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from zwhub.gateway.application import Application


async def straight(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("straight")(scope, receive, send)


async def by_route(_: Request) -> PlainTextResponse:
    return PlainTextResponse("by its route")


def application(*allowed_origins: str) -> Application:
    paths = ("/graphql", "/graphql/", "/graphql/x", "/x")
    routes = [Route(path, by_route, methods=["GET", "POST"]) for path in paths]
    return Application(straight, allowed_origins, routes=routes)


async def answer(app: Application, method: str, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/graphql", "straight"),
        ("POST", "/graphql/", "straight"),
        ("GET", "/graphql", "by its route"),
        ("POST", "/graphql/x", "by its route"),
        ("POST", "/x", "by its route"),
    ],
)
async def test_a_post_to_the_api_goes_straight_to_it(method: str, path: str, expected: str) -> None:
    assert (await answer(application(), method, path)).text == expected


async def test_pages_from_elsewhere_go_through_cors() -> None:
    origin: dict[str, Any] = {"origin": "https://city.example"}
    assert (await answer(application(), "POST", "/graphql", **origin)).text == "straight"
    allowing = application("https://city.example")
    assert (await answer(allowing, "POST", "/graphql")).text == "straight"
    found = await answer(allowing, "POST", "/graphql", **origin)
    assert found.headers["access-control-allow-origin"] == "https://city.example"
    assert found.text == "by its route"


async def test_under_another_root_the_routes_decide() -> None:
    transport = httpx.ASGITransport(application(), root_path="/x")
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert (await client.post("/graphql")).text == "by its route"
