"""Turns (轮次): what does not fit at once waits in order, for a moment, and is turned away then."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import httpx
from hypothesis import given
from hypothesis import strategies as st

from frontdoor import DEVELOPER, Hub
from zwhub.gateway.limits import RETRY_SECONDS, LoadLimits
from zwhub.gateway.problems import Code, TurnedAway
from zwhub.gateway.turns import Turns

LIMITS = LoadLimits(known=2, anonymous=1, points_per_place=10, waiting=3, wait_seconds=0.2)


async def hold(turns: Turns, seconds: float, *, known: bool = True, cost: float = 0) -> str:
    try:
        async with turns.turn(known=known, cost=cost):
            await asyncio.sleep(seconds)
    except TurnedAway as turned:
        return turned.problems[0].code.value
    return "done"


async def test_who_waits_too_long_is_turned_away_and_the_others_finish() -> None:
    turns = Turns(LIMITS)
    ended = await asyncio.gather(*[hold(turns, 0.3) for _ in range(5)])
    assert ended == ["done", "done", *[Code.SERVICE_UNAVAILABLE] * 3]
    assert await hold(turns, 0) == "done"


async def test_the_queue_is_short() -> None:
    turns = Turns(LIMITS)
    ended = await asyncio.gather(*[hold(turns, 0.05) for _ in range(6)])
    assert ended == [*["done"] * 5, Code.SERVICE_UNAVAILABLE]


async def test_the_anonymous_do_not_keep_the_known_waiting() -> None:
    turns = Turns(LIMITS)
    async with turns.turn(known=False, cost=0), turns.turn(known=True, cost=0):
        assert await hold(turns, 0, known=False) == Code.SERVICE_UNAVAILABLE
        assert await hold(turns, 0) == "done"


async def test_the_expensive_take_more_places_and_never_more_than_there_are() -> None:
    turns = Turns(LIMITS)
    async with turns.turn(known=True, cost=20):
        assert await hold(turns, 0) == Code.SERVICE_UNAVAILABLE
    async with turns.turn(known=True, cost=1_000):
        pass
    assert await hold(turns, 0) == "done"


async def test_who_leaves_the_queue_takes_no_place_along() -> None:
    turns = Turns(LIMITS)
    async with turns.turn(known=True, cost=10):
        large = asyncio.create_task(hold(turns, 0, cost=20))
        small = asyncio.create_task(hold(turns, 0))
        await asyncio.sleep(0.01)
        large.cancel()  # it stood before the small one, for which there is room
        assert await small == "done"
    async with turns.turn(known=True, cost=20):
        pass


@given(st.lists(st.tuples(st.floats(0, 40), st.booleans()), max_size=12))
def test_every_place_comes_back(asked: list[tuple[float, bool]]) -> None:
    async def rush() -> None:
        turns = Turns(replace(LIMITS, waiting=100, wait_seconds=5))
        tasks = [asyncio.create_task(hold(turns, 0, cost=cost)) for cost, _ in asked]
        await asyncio.sleep(0)
        for task, (_, leaves) in zip(tasks, asked, strict=True):
            if leaves:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with turns.turn(known=True, cost=20):
            pass

    asyncio.run(rush())


NARROW = replace(DEVELOPER, load=replace(LIMITS, waiting=1))


async def test_over_http_it_is_503_with_a_time_to_come_again() -> None:
    transport = httpx.ASGITransport(Hub(NARROW).app())
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        body = {"query": "{ slow(seconds: 0.5) }"}
        answers = await asyncio.gather(*[http.post("/graphql", json=body) for _ in range(3)])
    assert sorted(answer.status_code for answer in answers) == [200, 503, 503]
    for answer in answers:
        if answer.status_code == 503:
            (error,) = answer.json()["errors"]
            assert answer.headers["retry-after"] == str(RETRY_SECONDS)
            assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
            assert error["extensions"]["retryAfter"] == RETRY_SECONDS


async def test_a_client_that_hangs_up_leaves_the_queue() -> None:
    hub = Hub(NARROW)
    transport = httpx.ASGITransport(hub.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
        asking = [
            asyncio.create_task(http.post("/graphql", json={"query": "{ slow(seconds: 5) }"}))
            for _ in range(2)
        ]
        await asyncio.sleep(0.1)
        for task in asking:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        answer = await http.post("/graphql", json={"query": "{ slow(seconds: 0) }"})
    assert answer.json()["data"] == {"slow": "done"}


async def test_what_a_mutation_has_done_is_told(http: httpx.AsyncClient) -> None:
    body = {"query": "mutation { slow(seconds: 0) crowded }"}
    answer = await http.post("/graphql", json=body)
    assert answer.json()["data"] == {"slow": "done", "crowded": None}
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["path"]) == (200, ["crowded"])
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    nothing = await http.post("/graphql", json={"query": "mutation { crowded }"})
    assert nothing.status_code == 503
