"""Completing (结果补全): values brought into the shape of their type (GraphQL §6.4.3), a column at a time.

As in a column of `Found`, a null stays a null; whatever would be an error is `Unplanned`.
"""

from collections.abc import Callable
from functools import partial
from typing import cast

from graphql import (
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.pyutils import Path

from zwhub.gateway.plans.columns import (
    At,
    Column,
    Found,
    Unplanned,
    require_plain,
    then,
    together,
)
from zwhub.gateway.plans.leaves import writer
from zwhub.gateway.plans.run import Asked, Complete, Run
from zwhub.gateway.plans.types import is_own, known_type, resolved_type

Select = Callable[[GraphQLObjectType], Complete]


def completer(kind: GraphQLOutputType, asked: Asked, select: Select) -> Complete:
    """How values of this type are completed; `select` gives what is asked of an object type."""
    if is_non_null_type(kind):
        return _non_null(completer(kind.of_type, asked, select))
    if is_list_type(kind):
        return _list(completer(kind.of_type, asked, select))
    if is_leaf_type(kind):
        write = writer(kind)
        return lambda _run, values, _at: write(values)
    if is_object_type(kind):
        return _present(_object(kind, asked, select(kind)))
    return _present(_abstract(cast(GraphQLAbstractType, kind), asked, select))


def _non_null(inner: Complete) -> Complete:
    return lambda run, values, at: then(inner(run, values, at), _without_null)


def _without_null(found: Column) -> Column:
    if None in found:
        raise Unplanned
    return found


def _list(inner: Complete) -> Complete:
    def complete(run: Run, values: Column, at: At) -> Found:
        flat: Column = []
        sizes: list[int | None] = []
        for value in values:
            if value is None:
                sizes.append(None)
            elif type(value) is list or type(value) is tuple:
                sizes.append(len(value))
                flat.extend(value)
            else:  # some other iterable, which can be read but once
                raise Unplanned
        return then(inner(run, flat, _items(sizes, at)), partial(_regrouped, sizes))

    return complete


def _regrouped(sizes: list[int | None], flat: Column) -> Column:
    if len(sizes) == 1 and sizes[0] is not None:
        return [flat]
    items = iter(flat)
    return [None if size is None else [next(items) for _ in range(size)] for size in sizes]


def _items(sizes: list[int | None], at: At) -> At:
    def item_at(index: int) -> Path:
        for place, size in enumerate(sizes):
            if index < (size or 0):
                return Path(at(place), index, None)
            index -= size or 0
        raise IndexError

    return item_at


def _present(inner: Complete) -> Complete:
    """Of objects, those that are there."""

    def complete(run: Run, values: Column, at: At) -> Found:
        require_plain(values)
        places = [place for place, value in enumerate(values) if value is not None]
        if len(places) == len(values):
            found: Found = inner(run, values, at)
            return found
        if not places:
            return list(values)
        present = [values[place] for place in places]
        return _scattered(inner(run, present, lambda index: at(places[index])), places, len(values))

    return complete


def _scattered(found: Found, places: list[int], size: int) -> Found:
    def scatter(column: Column) -> Column:
        whole: Column = [None] * size
        for place, value in zip(places, column, strict=True):
            whole[place] = value
        return whole

    return then(found, scatter)


def _object(kind: GraphQLObjectType, asked: Asked, inner: Complete) -> Complete:
    if kind.is_type_of is None:
        return inner

    def complete(run: Run, values: Column, at: At) -> Found:
        for index, value in enumerate(values):
            if is_own(kind, value):
                continue
            if kind.is_type_of is None or not kind.is_type_of(value, asked.info(run, at(index))):
                raise Unplanned
        found: Found = inner(run, values, at)
        return found

    return complete


def _abstract(kind: GraphQLAbstractType, asked: Asked, select: Select) -> Complete:
    objects: dict[GraphQLObjectType, Complete] = {}

    def complete(run: Run, values: Column, at: At) -> Found:
        groups: dict[GraphQLObjectType, list[int]] = {}
        for index, value in enumerate(values):
            of = known_type(kind, value)
            if of is None:
                of = resolved_type(kind, value, asked.info(run, at(index)))
            groups.setdefault(of, []).append(index)
        for of in groups.keys() - objects.keys():
            objects[of] = _object(of, asked, select(of))
        if len(groups) == 1:
            (of,) = groups
            found: Found = objects[of](run, values, at)
            return found
        parts = together(
            partial(_part, objects[of], run, values, at, places) for of, places in groups.items()
        )
        return then(parts, partial(_merged, list(groups.values()), len(values)))

    return complete


def _part(complete: Complete, run: Run, values: Column, at: At, places: list[int]) -> Found:
    chosen = [values[place] for place in places]
    found: Found = complete(run, chosen, lambda index: at(places[index]))
    return found


def _merged(groups: list[list[int]], size: int, parts: list[Column]) -> Column:
    whole: Column = [None] * size
    for places, part in zip(groups, parts, strict=True):
        for place, value in zip(places, part, strict=True):
            whole[place] = value
    return whole
