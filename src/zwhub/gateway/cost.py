"""The cost (代价): what an operation is estimated to take, in points, before anything is done.

A field costs what `@cost` says, else `OBJECT` when its value is an object, else nothing; once for
every object it is asked of, as the node bound counts them (`walk.py`). A batch costs by the
element, as `@cost` says on the input field that holds it, whatever is asked of the answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputField,
    OperationDefinitionNode,
    get_named_type,
    is_composite_type,
    is_input_object_type,
    is_introspection_type,
)

from zwhub.gateway.walk import Batch, Page, Roots, Visit, length
from zwhub.graph.rules import OBJECT_COST
from zwhub.graph.rules import Cost as Said

_Sizes = tuple[Page | Batch, ...]
_Terms = tuple[tuple[float, _Sizes], ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one operation: by root field, points for so many rows."""

    roots: tuple[tuple[FieldNode, _Terms], ...]

    def by_root(self, variables: Mapping[str, Any]) -> Iterator[tuple[float, FieldNode]]:
        """The points up to each root field and with it, in the order of the document."""
        found = 0.0
        for node, terms in self.roots:
            for points, sizes in terms:
                for size in sizes:
                    points *= size.of(variables)
                found += points
            yield round(found, 2), node


def cost_of(operation: OperationDefinitionNode, roots: Roots) -> Cost:
    """The cost of a *valid* operation that was walked."""
    return Cost(
        tuple((node, _terms(seen, _input(operation, node, of))) for node, of, seen in roots)
    )


def _terms(seen: list[Visit], given: Iterator[tuple[float, Batch]]) -> _Terms:
    points: dict[_Sizes, float] = {}
    for weight, size in given:
        points[size,] = points.get((size,), 0) + weight
    for of, around in seen:
        points[around.unknown] = points.get(around.unknown, 0) + _weight(of) * around.times
    return tuple((found, sizes) for sizes, found in points.items() if found)


def _weight(of: GraphQLField) -> float:
    said = _said(of)
    if said is not None:
        return said
    kind = get_named_type(of.type)
    return OBJECT_COST if is_composite_type(kind) and not is_introspection_type(kind) else 0


def _input(
    operation: OperationDefinitionNode, node: FieldNode, of: GraphQLField
) -> Iterator[tuple[float, Batch]]:
    """The lists in the input that cost by the element, and what each element costs."""
    for argument in node.arguments or ():
        kind = get_named_type(of.args[argument.name.value].type)
        if is_input_object_type(kind):
            for name, member in kind.fields.items():
                points = _said(member)
                if points is not None:
                    yield points, length(operation, argument.value, name)


def _said(of: GraphQLField | GraphQLInputField) -> float | None:
    """What `@cost` says of a field, if it stands there."""
    definition = of.extensions.get("strawberry-definition")
    for directive in getattr(definition, "directives", None) or ():
        if isinstance(directive, Said):
            return float(directive.weight)
    return None
