"""Overload (过载): a database that cannot be had, or a burst, is a 503 to be asked again, not a fault."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from hostile import forged
from samplecity import OPERATIONS, SampleHub
from server import serving
from zwhub.gateway.limits import RETRY_SECONDS
from zwhub.gateway.websocket import PROTOCOL
from zwhub.platform.database import Database, is_unavailable

EXPENSIVE = "{ items(first: 100) { edges { node { name materials { name evidence { allOf { name } } } } } } }"
ITEM = '{ item(by: {code: "990513006000"}) { name } }'
VERIFY = """mutation { a: verifyLicence(input: {purpose: "核对", licence: {number: "N"}}) { __typename } }"""


@pytest.fixture
async def no_room(hub: SampleHub) -> AsyncIterator[SampleHub]:
    """The hub while others hold every connection of its pool."""
    pool: Any = hub.db.engine.pool
    before = pool._timeout
    async with AsyncExitStack() as held:
        for _ in range(pool.size()):  # one may still be in use: it is waited for
            session = await held.enter_async_context(hub.db.read())
            await session.execute(text("SELECT 1"))
        pool._timeout = 0.2
        yield hub
        pool._timeout = before


async def post(hub: SampleHub, query: str, persona: str) -> httpx.Response:
    return await hub.http.post("/graphql", json={"query": query}, headers=hub.headers(persona))


def code(answer: dict[str, Any]) -> str | None:
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


@pytest.mark.parametrize("query", [ITEM, VERIFY, EXPENSIVE])
async def test_no_connection_in_time_is_told_as_overload(no_room: SampleHub, query: str) -> None:
    with capture_logs() as logs:
        answer = await post(no_room, query, "department")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (503, "SERVICE_UNAVAILABLE")
    assert answer.headers["retry-after"] == str(RETRY_SECONDS)
    (line,) = [line for line in logs if line["event"] == "overload"]
    assert (line["log_level"], line["error"]) == ("warning", "TimeoutError")
    assert "a resolver failed" not in {line["event"] for line in logs}
    assert "exc_info" not in line


async def test_over_a_websocket_too(no_room: SampleHub) -> None:
    async with (
        serving(no_room.app) as address,
        connect(f"ws://{address}/graphql", subprotocols=[Subprotocol(PROTOCOL)]) as socket,
    ):
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        asked = {"id": "1", "type": "subscribe", "payload": {"query": ITEM}}
        await socket.send(json.dumps(asked))
        told = json.loads(await socket.recv())
    assert told["type"] == "error"
    assert told["payload"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"


async def test_a_token_cannot_be_had_either(no_room: SampleHub) -> None:
    assertion = forged({"alg": "EdDSA"}, {"iss": "c", "sub": "c", "jti": "j"})
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = await no_room.http.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert answer.headers["retry-after"] == str(RETRY_SECONDS)


async def test_of_a_burst_each_gets_its_answer_or_is_told_to_come_again(hub: SampleHub) -> None:
    answers = await asyncio.gather(*[post(hub, EXPENSIVE, "anonymous") for _ in range(80)])
    told = Counter((one.status_code, code(one.json())) for one in answers)
    assert set(told) <= {(200, None), (503, "SERVICE_UNAVAILABLE")}
    assert told[200, None] >= 1
    assert all("retry-after" in one.headers for one in answers if one.status_code == 503)


async def test_a_burst_of_small_look_ups_is_answered(hub: SampleHub) -> None:
    question = {"purpose": "核对", "licence": {"number": "NO-SUCH"}}
    body = {"query": OPERATIONS["verify-licence"], "variables": {"input": question}}
    headers = hub.headers("department")
    answers = await asyncio.gather(
        *[hub.http.post("/graphql", json=body, headers=headers) for _ in range(100)]
    )
    assert {one.json()["data"]["verifyLicence"]["verdict"] for one in answers} == {"NOT_GENUINE"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://nobody@127.0.0.1:1/none",
        "postgresql+asyncpg://nobody@/none?host=/nowhere",
    ],
)
async def test_nobody_listens(url: str) -> None:
    db = Database(url)
    with pytest.raises(OSError) as error:  # noqa: PT011 - which one depends on the address
        async with db.read() as session:
            await session.execute(text("SELECT 1"))
    assert is_unavailable(error.value)
    assert not is_unavailable(OSError("of something else"))


async def test_a_connection_lost_meanwhile(hub: SampleHub) -> None:
    with pytest.raises(DBAPIError) as error:
        async with hub.db.read() as session:
            await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert is_unavailable(error.value)
    with pytest.raises(DBAPIError) as fault:
        async with hub.db.read() as session:
            await session.execute(text("SELECT 1 / 0"))
    assert not is_unavailable(fault.value)
