"""What the browser (浏览器) visits: a hub given by ZWHUB_GRAPHIQL_URL, else a toy endpoint."""

import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

from browser.cdp import Page, browser, chromium
from zwhub.gateway.graphiql import Tab, graphiql_routes
from zwhub.gateway.identity import Identity
from zwhub.gateway.sandbox import DemoPersona, Sandbox
from zwhub.kernel.actor import Persona
from zwhub.kernel.words import Words

PERSONAS = (
    DemoPersona("citizen", Persona.CITIZEN, "张三", number="11010519491231002X"),
    DemoPersona("clerk", Persona.CLERK, "李四", organisation="body-1", level="市级"),
    DemoPersona("operator", Persona.OPERATOR, "王五"),
)
TABS = (
    Tab(
        Words("我是谁", "Who am I"),
        "query Viewer($greeting: String!) {\n  viewer(greeting: $greeting)\n}",
        {"greeting": "您好"},
        "clerk",
    ),
    Tab(Words("进度推送", "Progress, pushed"), "subscription CaseProgressed {\n  progressed\n}"),
)


@strawberry.type
class Query:
    @strawberry.field
    async def viewer(self, info: strawberry.Info[Any], greeting: str) -> str:
        request: HTTPConnection = info.context["request"]
        actor = await info.context["identity"].actor(request.headers.get("authorization"))
        return f"{greeting} {actor.name} {request.headers['accept-language']}"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def progressed(self, info: strawberry.Info[Any]) -> AsyncGenerator[str, None]:
        claimed = info.context["connection_params"]
        actor = await info.context["identity"].actor(claimed.get("Authorization"))
        yield f"受理 {actor.name}"


class Toy(GraphQL[Any, None]):
    identity: Identity

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"request": request, "identity": self.identity}


def toy_app(folder: Path) -> Starlette:
    sandbox = Sandbox(folder, PERSONAS)
    toy = Toy(strawberry.Schema(Query, subscription=Subscription), graphql_ide=None)
    toy.identity = Identity([sandbox.trusted()], secret=b"s" * 32)
    routes = graphiql_routes(TABS, sandbox.persona_tokens())
    return Starlette(routes=[*routes, Route("/graphql", toy), WebSocketRoute("/graphql", toy)])


@pytest.fixture(scope="session")
def graphiql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a GraphiQL page with at least one tab and one persona."""
    if given := os.environ.get("ZWHUB_GRAPHIQL_URL"):
        yield given
        return
    app = toy_app(tmp_path_factory.mktemp("data"))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/graphiql"
    server.should_exit = True
    thread.join()


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine")
    async with browser(program, tmp_path / "profile") as page:
        yield page
