"""Batching (批量取数): one question for a whole level, and never another parent's answer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from builders import Issuer, licence_types
from samplecity import SampleHub
from zwhub.graph.batching import Batches


class Parent:
    def __init__(self, name: int) -> None:
        self.name = name


class Asked:
    """A relation that notes for whom it was asked, each time."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.times: list[list[int]] = []
        self._fault = fault

    async def __call__(self, parents: list[Any]) -> Sequence[Any]:
        self.times.append([one.name for one in parents])
        await asyncio.sleep(0.01)
        if self._fault is not None:
            raise self._fault
        return [one.name * 10 for one in parents]


async def test_one_question_for_all_of_a_level() -> None:
    asked = Asked()
    batches = Batches(asked)
    parents = [Parent(n) for n in range(5)]
    assert list(await batches.load_many(parents)) == [0, 10, 20, 30, 40]
    assert asked.times == [[0, 1, 2, 3, 4]]


async def test_who_comes_some_turns_later_belongs_to_the_level() -> None:
    asked = Asked()
    batches = Batches(asked)

    async def late(turns: int) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await batches.load(Parent(turns))

    assert list(await asyncio.gather(*map(late, range(8)))) == [n * 10 for n in range(8)]
    assert asked.times == [list(range(8))]


async def test_a_parent_is_asked_about_once() -> None:
    asked = Asked()
    batches, one = Batches(asked), Parent(7)
    assert list(await asyncio.gather(batches.load(one), batches.load(one))) == [70, 70]
    assert await batches.load(one) == 70
    assert asked.times == [[7]]


async def test_no_parent_gets_the_answer_of_one_that_is_gone() -> None:
    batches = Batches(Asked())
    for name in range(50):  # each would come to stand at the address of the one before
        assert await batches.load(Parent(name)) == name * 10


async def test_a_fault_reaches_all_who_wait() -> None:
    batches = Batches(Asked(ValueError("broken")))
    waiting = [batches.load(Parent(n)) for n in range(3)]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(one) for one in found] == ["broken"] * 3


async def test_too_few_answers_are_a_fault() -> None:
    async def nothing(_: list[Any]) -> Sequence[Any]:
        return []

    with pytest.raises(ValueError, match="shorter"):
        await Batches(nothing).load(Parent(1))


async def test_when_all_have_left_nobody_is_asked() -> None:
    asked = Asked()
    batches = Batches(asked)
    batches.load(Parent(1)).cancel()
    await asyncio.sleep(0.02)
    assert asked.times == []
    assert await batches.load(Parent(2)) == 20


async def test_when_all_leave_meanwhile_the_asking_stops() -> None:
    ended: list[str] = []

    async def slow(_: list[Any]) -> Sequence[Any]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return []

    waiting = Batches(slow).load(Parent(1))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.sleep(0.02)
    assert ended == ["cancelled"]


async def test_each_of_many_mutations_in_a_row_gets_its_own(hub: SampleHub, issuer: Issuer) -> None:
    """Mutations run one after the other: what one of them loaded is gone when the next begins."""
    kinds = list(licence_types())[:12]
    await hub.collect(
        *(issuer.a_licence(number=f"B-{k}", type_code=licence_types()[k]) for k in kinds)
    )
    fields = [
        f'a{i}: verifyLicence(input: {{licence: {{number: "B-{k}"}}, purpose: "x"}}) '
        "{ ... on Verification { licence { number type { key } } } }"
        for i, k in enumerate(kinds)
    ]
    for _ in range(5):
        answer = await hub.ask(f"mutation {{ {' '.join(fields)} }}", "department")
        for one in answer["data"].values():
            assert one["licence"]["number"] == f"B-{one['licence']['type']['key']}"
