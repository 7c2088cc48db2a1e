"""Random documents (随机文档): valid against any schema, with variables that mostly fit."""

import random
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_enum_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
    is_union_type,
)

DEEPEST = 5


class RandomDocument:
    """One operation with its fragments, and values for its variables."""

    def __init__(self, rng: random.Random, schema: GraphQLSchema) -> None:
        self.rng, self.schema = rng, schema
        self.defined: list[str] = []
        self.aliases = 0
        self.fragments: list[str] = []
        self.variables: dict[str, Any] = {}
        kinds = [one for one in ("query", "mutation") if getattr(schema, f"{one}_type")]
        kind = rng.choice(kinds)
        root = getattr(schema, f"{kind}_type")
        body = self._selections(root, 0)
        defined = f"({', '.join(self.defined)})" if self.defined else ""
        self.text = "\n".join([f"{kind} Q{defined} {body}", *self.fragments])

    def _selections(self, kind: GraphQLNamedType, depth: int) -> str:
        parts = [self._selection(kind, depth) for _ in range(self.rng.randint(1, 4))]
        return "{ " + " ".join(parts) + " }"

    def _selection(self, kind: GraphQLNamedType, depth: int) -> str:
        chance = self.rng.random()
        if chance < 0.1:
            return f"...{self._condition(kind)} {self._directive()}{self._selections(kind, depth)}"
        if chance < 0.2 and is_abstract_type(kind):
            inner = self.rng.choice(self.schema.get_possible_types(kind))
            return f"... on {inner.name} {self._directive()}{self._selections(inner, depth)}"
        if chance < 0.25:
            name = f"F{len(self.fragments)}"
            self.fragments.append("")
            at = len(self.fragments) - 1
            body = self._selections(kind, depth)
            self.fragments[at] = f"fragment {name} on {kind.name} {body}"
            return f"...{name} {self._directive()}"
        return self._field(kind, depth)

    def _condition(self, kind: GraphQLNamedType) -> str:
        return self.rng.choice(["", f" on {kind.name}"])

    def _field(self, kind: GraphQLNamedType, depth: int) -> str:
        fields = {} if is_union_type(kind) else dict(kind.fields)  # type: ignore[attr-defined]
        if depth >= DEEPEST:
            fields = {
                n: f for n, f in fields.items() if not is_composite_type(get_named_type(f.type))
            }
        if not fields or self.rng.random() < 0.1:
            return f"{self.rng.choice(['', 'of: '])}__typename {self._directive()}"
        name, field = self.rng.choice(list(fields.items()))
        given = [
            f"{one}: {self._value(argument.type)}"
            for one, argument in field.args.items()
            if is_required_argument(argument) or self.rng.random() < 0.6
        ]
        arguments = f"({', '.join(given)})" if given else ""
        # With arguments under a key of its own: else most documents would contradict themselves.
        self.aliases += 1
        alias = f"a{self.aliases}: " if given else self.rng.choice(["", "", f"also_{name}: "])
        inner = get_named_type(field.type)
        below = self._selections(inner, depth + 1) if is_composite_type(inner) else ""
        return f"{alias}{name}{arguments} {self._directive()}{below}"

    def _directive(self) -> str:
        if self.rng.random() < 0.85:
            return ""
        condition = self.rng.choice(["true", "false", None])
        if condition is None:
            condition = self._variable("Boolean!", self.rng.random() < 0.5)
        return f"@{self.rng.choice(['skip', 'include'])}(if: {condition}) "

    def _variable(self, kind: str, value: Any) -> str:
        name = f"v{len(self.defined)}"
        self.defined.append(f"${name}: {kind}")
        if self.rng.random() < 0.95 or kind.endswith("!"):
            self.variables[name] = value
        return f"${name}"

    def _value(self, kind: GraphQLInputType) -> str:
        if self.rng.random() < 0.4:
            value = object_value(self.rng, kind)
            if self.rng.random() < 0.03:
                value = self.rng.choice([None, "no", 1.5, [], {}, [None], {"no": 1}])
            return self._variable(str(kind), value)
        return self._literal(kind)

    def _literal(self, kind: GraphQLInputType) -> str:
        if is_non_null_type(kind):
            return self._literal(kind.of_type)
        if is_list_type(kind):
            if self.rng.random() < 0.2:
                return self._literal(kind.of_type)
            return "[" + ", ".join(self._value(kind.of_type) for _ in range(2)) + "]"
        if is_input_object_type(kind):
            return self._members(kind)
        value = object_value(self.rng, kind)
        if is_enum_type(kind) or not isinstance(value, str):
            return str(value).lower() if isinstance(value, bool) else str(value)
        return f'"{value}"'

    def _members(self, kind: GraphQLInputObjectType) -> str:
        if kind.is_one_of:
            name, field = self.rng.choice(list(kind.fields.items()))
            return f"{{{name}: {self._literal(field.type)}}}"
        parts = [
            f"{name}: {self._value(field.type)}"
            for name, field in kind.fields.items()
            if is_required_input_field(field) or self.rng.random() < 0.5
        ]
        return "{" + ", ".join(parts) + "}"


def object_value(rng: random.Random, kind: Any) -> Any:
    """A JSON value that fits the input type."""
    if is_non_null_type(kind):
        return object_value(rng, kind.of_type)
    if is_list_type(kind):
        return [object_value(rng, kind.of_type) for _ in range(rng.randint(0, 2))]
    if is_input_object_type(kind):
        if kind.is_one_of:
            name, field = rng.choice(list(kind.fields.items()))
            return {name: object_value(rng, field.type)}
        return {
            name: object_value(rng, field.type)
            for name, field in kind.fields.items()
            if is_required_input_field(field) or rng.random() < 0.5
        }
    if is_enum_type(kind):
        return rng.choice(list(kind.values))
    return {
        "Int": rng.randint(0, 9),
        "Float": rng.randint(0, 9) / 2,
        "Boolean": rng.random() < 0.5,
        "Date": "2026-01-31",
        "DateTime": "2026-01-31T09:30:00+08:00",
    }.get(kind.name, rng.choice(["x", "yz", ""]))
