"""Rounds (合批办理): asked together, answered each, and never by what was read before."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zwhub.platform.rounds import Rounds

AWAY = 1_000


class Clerk:
    """Answers a round when told to, with ten times the question; keeps what was asked."""

    def __init__(self, *, at_once: int = 1, most: int = 128) -> None:
        self.rounds: Rounds[int, int] = Rounds(self.answer, at_once=at_once, most=most)
        self.asked: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def answer(self, asked: Sequence[int]) -> list[int]:
        self.asked.append(list(asked))
        await self.open.wait()
        if any(one < 0 for one in asked):
            raise ValueError("negative")
        if AWAY in asked:
            raise ConnectionError("away")
        return [one * 10 for one in asked]


async def test_what_is_asked_at_once_is_one_round() -> None:
    clerk = Clerk()
    assert await asyncio.gather(*map(clerk.rounds.ask, range(50))) == [n * 10 for n in range(50)]
    assert clerk.asked == [list(range(50))]


async def test_nobody_joins_a_round_that_has_begun() -> None:
    clerk = Clerk()
    clerk.open.clear()
    first = asyncio.create_task(clerk.rounds.ask(1))
    await asyncio.sleep(0.01)
    later = [asyncio.create_task(clerk.rounds.ask(n)) for n in (1, 2)]
    await asyncio.sleep(0.01)
    assert clerk.asked == [[1]]
    clerk.open.set()
    assert await asyncio.gather(first, *later) == [10, 10, 20]
    assert clerk.asked == [[1], [1, 2]]


async def test_so_many_rounds_run_beside_each_other_and_no_more() -> None:
    clerk = Clerk(at_once=2)
    clerk.open.clear()
    asking = []
    for n in range(4):
        asking.append(asyncio.create_task(clerk.rounds.ask(n)))
        await asyncio.sleep(0.01)
    assert clerk.asked == [[0], [1]]
    clerk.open.set()
    assert await asyncio.gather(*asking) == [0, 10, 20, 30]
    assert clerk.asked == [[0], [1], [2, 3]]


async def test_a_round_has_its_size() -> None:
    clerk = Clerk(most=2)
    await asyncio.gather(*map(clerk.rounds.ask, range(5)))
    assert clerk.asked == [[0, 1], [2, 3], [4]]


async def test_the_fault_of_one_is_not_the_others() -> None:
    clerk = Clerk()
    told = await asyncio.gather(*map(clerk.rounds.ask, (1, -2, 3)), return_exceptions=True)
    assert (told[0], told[2]) == (10, 30)
    assert isinstance(told[1], ValueError)


async def test_what_is_away_is_away_for_all_and_asked_once() -> None:
    clerk = Clerk()
    told = await asyncio.gather(*map(clerk.rounds.ask, (1, AWAY, 3)), return_exceptions=True)
    assert [type(one) for one in told] == [ConnectionError] * 3
    assert clerk.asked == [[1, AWAY, 3]]
    assert await clerk.rounds.ask(4) == 40


async def test_whoever_leaves_does_not_take_the_round_along() -> None:
    clerk = Clerk()
    clerk.open.clear()
    leaving, staying = (asyncio.create_task(clerk.rounds.ask(n)) for n in (1, 2))
    await asyncio.sleep(0.01)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    clerk.open.set()
    assert await staying == 20


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 3))),
    st.integers(1, 3),
    st.integers(1, 5),
)
def test_everybody_gets_the_own_answer(
    asking: list[tuple[int, int]], at_once: int, most: int
) -> None:
    async def ask() -> None:
        clerk = Clerk(at_once=at_once, most=most)

        async def later(one: int, turns: int) -> int:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await clerk.rounds.ask(one)

        told = await asyncio.gather(*(later(*one) for one in asking))
        assert told == [10 * one for one, _ in asking]

    asyncio.run(ask())
