"""Fields (字段执行): how each finds its column: read off, resolved one by one, or asked for as a batch."""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from operator import attrgetter
from typing import Any

from graphql.execution.values import VariableValues
from strawberry.execution import optimized_is_awaitable as is_awaitable

from zwhub.gateway.plans.columns import (
    At,
    Column,
    Found,
    all_of,
    settled,
    together,
)
from zwhub.gateway.plans.run import Asked, Complete, Outcome, Run

Batch = Callable[..., Coroutine[Any, Any, Any]]


class Selection:
    """What is asked of the objects of one type: a column for each key, then a row for each object.

    Leaves come first: what they may fail for is known before any resolver is called.
    """

    def __init__(self, fields: Mapping[str, Complete], leaves: frozenset[str]) -> None:
        self.keys = tuple(fields)
        self._leaves = [(at, fields[key]) for at, key in enumerate(self.keys) if key in leaves]
        self._others = [(at, fields[key]) for at, key in enumerate(self.keys) if key not in leaves]

    def __call__(self, run: Run, sources: Column, at: At) -> Found:
        columns: list[Column] = [[]] * len(self.keys)
        for place, field in self._leaves:
            columns[place] = field(run, sources, at)
        if not self._others:
            return self._rows(columns, len(sources))
        found = together(partial(field, run, sources, at) for _, field in self._others)
        if type(found) is list:
            return self._filled(columns, found, len(sources))
        return self._later(columns, found, len(sources))  # type: ignore[arg-type]

    async def _later(
        self, columns: list[Column], found: Coroutine[Any, Any, list[Column]], size: int
    ) -> Column:
        return self._filled(columns, await found, size)

    def _filled(self, columns: list[Column], found: list[Column], size: int) -> Column:
        for (place, _), column in zip(self._others, found, strict=True):
            columns[place] = column
        return self._rows(columns, size)

    def _rows(self, columns: list[Column], size: int) -> Column:
        if not columns:
            return [{} for _ in range(size)]
        keys = self.keys
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]

    async def in_turn(self, run: Run, at: At) -> dict[str, Any]:
        """The fields of a mutation, one after the other (GraphQL §6.2.2)."""
        found: dict[str, Any] = {}
        fields = dict(self._leaves + self._others)
        for place, key in enumerate(self.keys):
            (found[key],) = await settled(fields[place](run, [None], at))
        return found


def type_name(name: str) -> Complete:
    """`__typename` of objects whose type is known."""
    return lambda _run, sources, _at: [name] * len(sources)


def attribute(name: str, asked: Asked, complete: Complete) -> Complete:
    """A field that is an attribute of its objects."""
    read = attrgetter(name)
    return lambda run, sources, at: complete(run, list(map(read, sources)), asked.at(at))


def resolved(
    resolve: Callable[..., Any],
    arguments: Callable[[VariableValues], Mapping[str, Any]],
    asked: Asked,
    complete: Complete,
) -> Complete:
    """A field whose resolver is called for each object."""

    def column(run: Run, sources: Column, at: At) -> Found:
        given = arguments(run.variables)
        here = asked.at(at)
        found = [
            _begun(
                run, asked, source, partial(resolve, source, asked.info(run, here(index))), given
            )
            for index, source in enumerate(sources)
        ]
        if not any(map(is_awaitable, found)):
            whole: Found = complete(run, found, here)
            return whole
        return later(run, [one if is_awaitable(one) else _itself(one) for one in found], here)

    async def later(run: Run, waiting: list[Any], here: At) -> Column:
        values = [await waiting[0]] if len(waiting) == 1 else await all_of(waiting)
        return await settled(complete(run, values, here))

    return column


def _begun(
    run: Run, asked: Asked, source: Any, resolve: Callable[..., Any], given: Mapping[str, Any]
) -> Any:
    """What the resolver gives; what fails stands as its error, for others may have begun."""
    try:
        found = resolve(**given)
    except Exception as error:
        run.note(asked, Outcome(source, False, error=error))
        return error  # of which no plan can make anything
    if is_awaitable(found):
        return _awaited(run, asked, source, found)
    run.note(asked, Outcome(source, False, found))
    return found


async def _awaited(run: Run, asked: Asked, source: Any, found: Any) -> Any:
    try:
        value = await found
    except Exception as error:
        run.note(asked, Outcome(source, True, error=error))
        raise
    run.note(asked, Outcome(source, True, value))
    return value


async def _itself(value: Any) -> Any:
    return value


def batched(batch: Batch, places: Counter[Batch], asked: Asked, complete: Complete) -> Complete:
    """A relation that is asked for all objects of a level at once.

    Where the operation asks for it in one place alone, `places` says so, and nobody need be
    waited for who might join.
    """

    async def column(run: Run, sources: Column, at: At) -> Column:
        context = run.context
        try:
            if places[batch] > 1:
                found = await context.loader(batch).load_many(sources)
            else:
                found = await batch(sources, context)
            answered = list(zip(sources, found, strict=True))
        except Exception as error:
            for source in sources:
                run.note(asked, Outcome(source, True, error=error))
            raise
        for source, value in answered:
            run.note(asked, Outcome(source, True, value))
        return await settled(complete(run, list(found), asked.at(at)))

    return column
