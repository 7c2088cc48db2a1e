"""A run (一次执行): what one request brings to its plan, and what its resolvers have given so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution import Executor
from graphql.pyutils import Path

from zwhub.gateway.plans.columns import At


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a resolver gave for one object, which is kept so that its address stays its own."""

    source: Any
    awaited: bool
    value: Any = None
    error: Exception | None = None


@dataclass(slots=True)
class Run:
    """One execution of a plan; the executor is that of graphql-core, ready to take over."""

    executor: Executor[Any]
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
        return run.executor.build_resolve_info(self.definition, self.nodes, self.parent, path)


Complete = Callable[[Run, list[Any], At], Any]
