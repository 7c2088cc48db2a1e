"""Odd answers (怪异的结果): resolvers for every field of a schema, which give what they should, or not.

What a field gives depends on the seed, its path and its arguments alone, so that two ways of
executing a document can be compared.
"""

import asyncio
import random
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLResolveInfo,
    GraphQLSchema,
    is_abstract_type,
    is_enum_type,
    is_interface_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)

Info = GraphQLResolveInfo[Any]


class Failure(Exception):
    """What an odd resolver raises."""


class Odd:
    """The context of one execution: the seed, how often all is well, and which fields were asked."""

    def __init__(self, seed: int, *, oddity: float, slow: bool = False) -> None:
        self.seed, self.oddity, self.slow = seed, oddity, slow
        self.asked: list[str] = []

    def rng(self, *what: object) -> random.Random:
        return random.Random(f"{self.seed} {what}")

    def value(self, rng: random.Random, kind: Any, schema: GraphQLSchema) -> Any:
        """Something for a field of that type."""
        odd = rng.random() < self.oddity
        if odd and rng.random() < 0.3:
            return Failure(f"as a value {rng.random()}")
        if is_non_null_type(kind):
            return None if odd else self.value(rng, kind.of_type, schema)
        if rng.random() < 0.1:
            return None
        return self._present(rng, kind, schema, odd)

    def _present(self, rng: random.Random, kind: Any, schema: GraphQLSchema, odd: bool) -> Any:
        if is_list_type(kind):
            return self._list(rng, kind, schema, odd)
        if is_object_type(kind) or is_abstract_type(kind):
            return self._object(rng, kind, schema, odd)
        if is_enum_type(kind):
            return "NONE OF THEM" if odd else rng.choice(list(kind.values.values())).value
        if odd:
            return rng.choice([object(), 2**40, True, 1.5, {}, float("nan")])
        numbers = {"Int": rng.randint(0, 9), "Float": 1.5, "Boolean": rng.random() < 0.5}
        return numbers.get(kind.name, f"text {rng.randint(0, 99)}")

    def _list(self, rng: random.Random, kind: Any, schema: GraphQLSchema, odd: bool) -> Any:
        if odd and rng.random() < 0.3:
            return rng.choice(["a text", 7, {}])
        items = [self.value(rng, kind.of_type, schema) for _ in range(rng.randint(0, 3))]
        if odd and rng.random() < 0.3:
            items = [self.later(item, rng) for item in items]
        if rng.random() < 0.1:
            return tuple(items)
        return generator(items) if odd and rng.random() < 0.3 else items

    def _object(self, rng: random.Random, kind: Any, schema: GraphQLSchema, odd: bool) -> Any:
        possible = schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        name: Any = rng.choice(list(possible)).name
        if odd:
            name = rng.choice([name, "Nothing", "String", None, 7])
        found = {"__typename": name, "own": not (odd and rng.random() < 0.3)}
        for of in possible:
            for key, field in of.fields.items():
                if field.resolve is None:
                    found[key] = f"read {rng.randint(0, 99)}"
        return found

    async def later(self, value: Any, rng: random.Random) -> Any:
        if self.slow:
            for _ in range(rng.randint(0, 3)):
                await asyncio.sleep(0)
        if isinstance(value, Failure):
            raise value
        return value


def generator(items: list[Any]) -> Iterator[Any]:
    yield from items


def resolve(_: Any, info: Info, **given: Any) -> Any:
    """What stands behind every field."""
    odd: Odd = info.context
    path = ".".join(map(str, info.path.as_list()))
    odd.asked.append(path)
    rng = odd.rng(path, info.parent_type.name, info.field_name, sorted(given.items()))
    value = odd.value(rng, info.return_type, info.schema)
    if isinstance(value, Failure) and rng.random() < 0.7:
        if rng.random() < 0.5:
            return odd.later(value, rng)
        raise value
    if type(value) is str and rng.random() < 0.5:
        value = f"{path} {given} {len(info.field_nodes)} {info.operation.operation.value}"
    return odd.later(value, rng) if rng.random() < 0.3 else value


def make_odd(schema: GraphQLSchema) -> GraphQLSchema:
    """Put the odd resolvers behind all fields but a few texts, which are read off their objects."""
    for kind in schema.type_map.values():
        if kind.name.startswith("__") or not is_object_type(kind):
            continue
        for name, field in kind.fields.items():
            read = "String" in str(field.type) and "[" not in str(field.type) and "a" in name
            root = kind in (schema.query_type, schema.mutation_type)
            field.resolve = None if read and not root else resolve
        if any(is_interface_type(one) for one in kind.interfaces):
            kind.is_type_of = lambda value, _info: value["own"]
    return schema
