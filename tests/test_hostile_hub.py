"""The hostile list (恶意请求清单) against the whole hub behind a real server."""

import json
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from effort import least_effort
from hostile import (
    SECONDS,
    Hostile,
    anew,
    bodies,
    document,
    forged_assertions,
    forged_tokens,
    hub_bodies,
)
from samplecity import SampleHub
from server import serving
from zwhub.gateway.respond import GRAPHQL_JSON
from zwhub.gateway.websocket import PROTOCOL


@pytest.fixture(scope="module")
async def door(hub: SampleHub) -> AsyncIterator[httpx.AsyncClient]:
    headers = {**hub.headers("department"), "content-type": "application/json"}
    async with (
        serving(hub.app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client,
    ):
        yield client


@pytest.mark.parametrize("bad", [*bodies(), *hub_bodies()], ids=lambda bad: bad.name)
async def test_each_is_refused_as_json_within_50_ms(door: httpx.AsyncClient, bad: Hostile) -> None:
    answers = []

    async def ask(attempt: int) -> None:
        answers.append(await door.post("/graphql", content=anew(bad.body, attempt)))

    assert await least_effort(SECONDS, ask) < SECONDS
    answer = answers[-1]
    errors = answer.json()["errors"]
    assert answer.status_code == bad.status < 500
    assert answer.headers["content-type"].startswith(GRAPHQL_JSON)
    assert 1 <= len(errors) <= 10
    assert {error["extensions"]["code"] for error in errors} == {bad.code}
    assert all(error["extensions"]["requestId"] for error in errors)


FULL = """edges { node { code organisation { name } results { name }
          materials { name evidence { attributes allOf { code } } } } } pageInfo { hasNextPage }"""
MATERIALS = "edges { node { code materials { evidence { allOf { code } } } results { name } } }"
ITEMS = f"query($n: Int!) {{ items(first: $n) {{ {FULL} }} }}"
GREEDY = "{" + " ".join(f"r{i}: items(first: 100) {{ {MATERIALS} }}" for i in range(15)) + "}"
SHOP = "query($i: LicenceSupermarketInput!) { licenceSupermarket(input: $i) { __typename } }"


async def test_a_page_of_a_hundred_whole_items_is_answered(door: httpx.AsyncClient) -> None:
    answer = await door.post("/graphql", content=document(ITEMS, variables={"n": 100}))
    assert "errors" not in answer.json()
    assert len(answer.json()["data"]["items"]["edges"]) > 50


async def test_fifteen_such_pages_are_refused_before_any_is_read(door: httpx.AsyncClient) -> None:
    answers = []

    async def ask(attempt: int) -> None:
        answers.append(await door.post("/graphql", content=document(GREEDY + " " * attempt)))

    assert await least_effort(SECONDS, ask) < SECONDS
    answer = answers[-1]
    (error,) = answer.json()["errors"]
    assert answer.status_code == 400
    assert error["extensions"]["code"] == "DOCUMENT_LIMIT_EXCEEDED"
    assert error["extensions"]["limit"] == "nodesReturned"
    assert error["extensions"]["found"] > error["extensions"]["allowed"] == 10_000
    assert error["locations"]


async def test_a_list_of_251_is_refused_by_its_place(door: httpx.AsyncClient) -> None:
    codes = {"i": {"itemCodes": ["x"] * 251}}
    answer = await door.post("/graphql", content=document(SHOP, variables=codes))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert error["extensions"]["place"] == "$i.itemCodes"


def forged_for(hub: SampleHub) -> list[str]:
    token = hub.headers("department")["authorization"].partition(" ")[2]
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    header = parts["header"]
    return forged_tokens(parts["payload"]["iss"], header["kid"], header["alg"])


async def test_forged_tokens_are_refused_as_unauthenticated(
    door: httpx.AsyncClient, hub: SampleHub
) -> None:
    for token in forged_for(hub):
        headers = {"authorization": f"Bearer {token}"}
        answer = await door.post("/graphql", content=document("{__typename}"), headers=headers)
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_forged_tokens_close_a_socket_as_forbidden(
    door: httpx.AsyncClient, hub: SampleHub
) -> None:
    url = str(door.base_url.copy_with(scheme="ws", path="/graphql"))
    for token in forged_for(hub)[::20]:
        async with connect(url, subprotocols=[Subprotocol(PROTOCOL)]) as socket:
            payload = {"Authorization": f"Bearer {token}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4403


async def test_forged_assertions_are_refused_as_json(door: httpx.AsyncClient) -> None:
    for assertion in forged_assertions("http://hub/oauth/token", "sandbox-department"):
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = await door.post("/oauth/token", data=form, headers=kind)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_it_still_answers_afterwards(door: httpx.AsyncClient) -> None:
    answer = await door.post("/graphql", json={"query": "{ businessMatters { code } }"})
    assert len(answer.json()["data"]["businessMatters"]) == 11
