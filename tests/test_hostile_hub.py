"""The hostile list (恶意请求清单) against the whole hub behind a real server."""

from collections.abc import AsyncIterator
from time import process_time

import httpx
import pytest

from hostile import Hostile, bodies
from samplecity import SampleHub
from server import serving
from zwhub.gateway.respond import GRAPHQL_JSON

SECONDS = 0.05  # of this process: client, server and hub together, waiting for a turn left out


@pytest.fixture(scope="module")
async def door(hub: SampleHub) -> AsyncIterator[httpx.AsyncClient]:
    headers = {**hub.headers("department"), "content-type": "application/json"}
    async with (
        serving(hub.app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", headers=headers) as client,
    ):
        yield client


@pytest.mark.parametrize("bad", bodies(), ids=lambda bad: bad.name)
async def test_each_is_refused_as_json_within_50_ms(door: httpx.AsyncClient, bad: Hostile) -> None:
    elapsed = []
    for _ in range(3):
        started = process_time()
        answer = await door.post("/graphql", content=bad.body)
        elapsed.append(process_time() - started)
    errors = answer.json()["errors"]
    assert answer.status_code == bad.status < 500
    assert answer.headers["content-type"].startswith(GRAPHQL_JSON)
    assert 1 <= len(errors) <= 10
    assert {error["extensions"]["code"] for error in errors} == {bad.code}
    assert all(error["extensions"]["requestId"] for error in errors)
    assert min(elapsed) < SECONDS


async def test_it_still_answers_afterwards(door: httpx.AsyncClient) -> None:
    answer = await door.post("/graphql", json={"query": "{ businessMatters { code } }"})
    assert len(answer.json()["data"]["businessMatters"]) == 11
