"""Plans over strawberry's types: attributes, relations in batches, interfaces, unions, enumerations."""

import random
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import pytest
import strawberry
from graphql import parse, validate
from hypothesis import HealthCheck, assume, given, settings
from strawberry.schema.config import StrawberryConfig

from gateway.test_plans import (
    by_core,
    no_trace_in_other_tests,
    plans_of,
    pytestmark,
    seeds,
    told,
    written,
)
from randomdocuments import RandomDocument
from zwhub.gateway.plans import plans
from zwhub.graph.fields import batched
from zwhub.graph.scalars import SCALARS

__all__ = ["no_trace_in_other_tests", "pytestmark"]


class Failure(Exception):
    """What an odd attribute is, or a resolver raises."""


@strawberry.enum
class Colour(StrEnum):
    """An enumeration whose members are texts."""

    RED = "red"
    BLUE = "blue"


class Odd:
    """Builds things by a seed: mostly sound, with `oddity` otherwise."""

    def __init__(self, seed: int, oddity: float) -> None:
        self.rng, self.oddity = random.Random(seed), oddity

    def or_odd(self, value: Any, *odd: Any) -> Any:
        return self.rng.choice(odd) if self.rng.random() < self.oddity else value

    def thing(self, depth: int = 0) -> Any:
        return self.cat(depth) if self.rng.random() < 0.5 else self.dog(depth)

    def several(self, depth: int) -> Any:
        found = [self.or_odd(self.thing(depth + 1), None) for _ in range(self.rng.randint(0, 3))]
        return self.or_odd(tuple(found) if self.rng.random() < 0.2 else found, None, Failure(), "x")

    def parts(self, depth: int) -> dict[str, Any]:
        return {
            "name": self.or_odd(f"n{self.rng.randint(0, 9)}", None, 7, True, Failure("name"), {}),
            "colour": self.or_odd(self.rng.choice(list(Colour)), "red", "green", None, {}),
            "born": self.or_odd(date(2026, 1, self.rng.randint(1, 9)), None, "2026-01-01"),
            "others": [] if depth > 2 else self.several(depth),
            "table": self.or_odd([self.cats(depth), [], None], None, [[None]], [[Failure("cell")]]),
            "best": None if depth > 2 else self.or_odd(self.thing(depth + 1), None, "x", Failure()),
            "seed": self.rng.randint(0, 99),
        }

    def cats(self, depth: int) -> list[Any]:
        return [] if depth > 1 else [self.cat(9), self.cat(9)]

    def cat(self, depth: int) -> "Cat":
        return Cat(lives=self.or_odd(9, None, 2**40, True, "9", "nine"), **self.parts(depth))

    def dog(self, depth: int) -> "Dog":
        return Dog(size=1.5, **self.parts(depth))


@dataclass
class Loader:
    """Asks for each parent by itself: as quick as a plan's own batch, so that errors come in order."""

    batch: Any
    context: "Context"

    async def load(self, parent: Any) -> Any:
        (found,) = await self.batch([parent], self.context)
        return found

    async def load_many(self, parents: Sequence[Any]) -> list[Any]:
        return list(await self.batch(parents, self.context))


@dataclass
class Context:
    """What the resolvers see."""

    odd: Odd
    things: list[Any] = field(default_factory=list)

    def loader(self, batch: Any) -> Loader:
        return Loader(batch, self)


@strawberry.interface
class Thing:
    """What cats and dogs share."""

    name: str
    colour: Colour | None
    born: date
    others: list[Annotated["Thing", strawberry.lazy(__name__)] | None]
    table: list[list[Annotated["Cat", strawberry.lazy(__name__)]] | None] | None
    best: Annotated["Cat | Dog", strawberry.union("Pet")] | None
    seed: strawberry.Private[int]

    @batched("友", "friends")
    async def friends(things: list["Thing"], ctx: Context) -> list[list["Thing"] | None]:
        return [one.others if one.seed % 9 else Failure("friends") for one in things]  # type: ignore[misc]

    @batched("邻", "neighbour")
    async def neighbour(things: list["Thing"], ctx: Context) -> list["Thing | None"]:
        return [None if one.seed % 2 else one for one in things]

    @strawberry.field
    def told(
        self, info: strawberry.Info[Context, None], times: int = 1, of: Colour | None = None
    ) -> str:
        if self.seed % 13 == 0:
            raise Failure("told")
        return f"{self.name} {times} {of!r} {info.path.as_list()}"

    @strawberry.field
    async def slowly(self, things: list[Colour], born: date | None = None) -> "Thing | None":
        return None if self.seed % 7 == 0 else self


@strawberry.type
class Cat(Thing):
    """One of the two."""

    lives: int


@strawberry.type
class Dog(Thing):
    """The other."""

    size: float


@strawberry.input(one_of=True)
class By:
    """One way to name a thing."""

    name: str | None = strawberry.UNSET
    at: int | None = strawberry.UNSET


@strawberry.input
class Wanted:
    """What is asked for."""

    by: By
    colours: list[Colour | None] | None = None
    born: date = date(2026, 1, 1)
    times: int | None = strawberry.UNSET


@strawberry.type
class Query:
    """Questions."""

    @strawberry.field
    async def thing(self, info: strawberry.Info[Context, None], wanted: Wanted) -> Thing | None:
        thing = copy(info.context.things[0])  # others may be reading the one itself
        thing.name = f"{thing.name} {wanted}"
        return thing  # type: ignore[no-any-return]

    @strawberry.field
    def things(self, info: strawberry.Info[Context, None]) -> list[Thing]:
        return info.context.things

    @strawberry.field
    async def pets(
        self, info: strawberry.Info[Context, None]
    ) -> list[Annotated[Cat | Dog, strawberry.union("Pet")]] | None:
        return info.context.things


SCHEMA = strawberry.Schema(
    Query, types=[Cat, Dog], config=StrawberryConfig(scalar_map=SCALARS)
)._schema


def context(seed: int, oddity: float) -> Context:
    odd = Odd(seed, oddity)
    return Context(odd, [odd.thing() for _ in range(3)])


@pytest.mark.parametrize("oddity", [0, 0.02])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=seeds)
async def test_the_answers_are_the_same(oddity: float, seed: int) -> None:
    asked = RandomDocument(random.Random(seed), SCHEMA)
    document = parse(asked.text)
    assume(not validate(SCHEMA, document))
    compiled = plans_of(SCHEMA, document)
    for _ in range(2):
        expected = await by_core(SCHEMA, document, asked.variables, context(seed, oddity))
        found = await compiled.run(asked.variables, context(seed, oddity))
        assert written(found) == written(expected), asked.text
        assert told(found) == told(expected), asked.text


async def test_what_is_sound_is_answered_by_the_plan_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("graphql-core was asked")

    monkeypatch.setattr(plans, "replay", never)
    document = parse(
        "query Q($more: Boolean!, $by: By!) { thing(wanted: {by: $by}) { ...T } things { ...T } "
        "pets { __typename ... on Cat { lives } ... on Dog { size } } } "
        "fragment T on Thing { __typename name colour born others { name } neighbour { name } "
        "table { name } best { ... on Thing { name } } told(times: 2) @include(if: $more) }"
    )
    assert not validate(SCHEMA, document)
    compiled = plans_of(SCHEMA, document)
    for more in (True, False):
        sound = [Odd(at, 0).cat(0) for at in range(3)]
        for one in sound:
            one.seed = 2
        found = await compiled.run({"more": more, "by": {"at": 1}}, Context(Odd(1, 0), sound))
        assert found.errors is None
        assert found.data is not None
        assert ("told" in found.data["things"][0]) is more
        assert found.data["pets"][0] == {"__typename": "Cat", "lives": 9}
