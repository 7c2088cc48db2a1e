"""A run (一次执行): what one request brings to its plan, and what its resolvers have given so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from graphql.type import GraphQLResolveInfoHelpers
from strawberry.execution import optimized_is_awaitable

from zwhub.gateway.plans.columns import At


class Outcome(NamedTuple):
    """What a resolver gave for one object, which is kept so that its address stays its own."""

    source: Any
    awaited: bool
    value: Any = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What all runs of an operation have in common."""

    schema: GraphQLSchema
    fragments: dict[str, FragmentDefinitionNode]
    operation: OperationDefinitionNode
    helpers: GraphQLResolveInfoHelpers


@dataclass(slots=True)
class Run:
    """One execution of a plan."""

    subject: Subject
    variables: VariableValues
    context: Any
    outcomes: dict[tuple[int, int], Outcome] = field(default_factory=dict)

    def note(self, asked: "Asked", outcome: Outcome) -> None:
        """Keep what a resolver gave, by the field's first node and the object it was asked of."""
        self.outcomes[id(asked.nodes[0]), id(outcome.source)] = outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """A field as it is asked for: the nodes that answer under one key, and what they mean."""

    key: str
    nodes: list[FieldNode]
    definition: GraphQLField
    parent: GraphQLObjectType

    def at(self, above: At) -> At:
        """Where its values stand, given where its objects do."""
        key, name = self.key, self.parent.name
        return lambda index: Path(above(index), key, name)

    def info(self, run: Run, path: Path | None) -> GraphQLResolveInfo[Any]:
        """What a resolver is told; the path is that of the field, without the places in lists."""
        while path is not None and isinstance(path.key, int):
            path = path.prev
        assert path is not None  # noqa: S101 - a field stands under its key
        subject = run.subject
        return GraphQLResolveInfo(
            self.nodes[0].name.value,
            self.nodes,
            self.definition.type,
            self.parent,
            path,
            subject.schema,
            subject.fragments,
            None,
            subject.operation,
            run.variables,
            run.context,
            optimized_is_awaitable,  # type: ignore[arg-type]
            None,
            subject.helpers,
        )


Complete = Callable[[Run, list[Any], At], Any]
