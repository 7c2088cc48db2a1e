"""The walk (遍历): each field of an operation once, and of how many objects it is asked.

A list is as long as `first`, `last` or `ids` says (of the field itself, or of the connection it
stands in); the answers of a batch verb are as many as its input; any other list is taken to be
`OTHER_LISTS` long, and 1 under a batch verb. All of this is worked out once per document, down to
the variables that hold a size: a request costs a few multiplications.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
)

OTHER_LISTS = 5
MOST_ROWS = 100


class Page(NamedTuple):
    """A `first` that a variable holds: its name, and what it is when the variable is not given."""

    variable: str
    default: int

    def of(self, variables: Mapping[str, Any]) -> int:
        return _rows(variables.get(self.variable, self.default))


class Batch(NamedTuple):
    """A list of the input: one that a variable is, or has as its member `within`, or a literal."""

    variable: str | None
    within: str | None
    default: int

    def of(self, variables: Mapping[str, Any]) -> int:
        if self.variable is None or self.variable not in variables:
            return self.default
        found = variables[self.variable]
        if self.within is not None:
            found = found.get(self.within) if isinstance(found, dict) else None
        return len(found) if isinstance(found, list) else 1


Size = int | Page | Batch


class Around(NamedTuple):
    """The lists around a field: the sizes known, multiplied, and those still unknown."""

    times: int = 1
    unknown: tuple[Page | Batch, ...] = ()

    def within(self, size: Size) -> "Around":
        if isinstance(size, int):
            return Around(self.times * size, self.unknown)
        return Around(self.times, (*self.unknown, size))


class Visit(NamedTuple):
    """One field, and the objects it is asked of."""

    of: GraphQLField
    around: Around


Roots = list[tuple[FieldNode, GraphQLField, list[Visit]]]


def visits(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    batches: frozenset[str],
) -> Roots:
    """By root field, all fields of a *valid* operation; `@skip` and `@include` include.

    `batches` names the input fields that hold a batch, as `Input.field`.
    """
    walk = _Walk(operation, fragments, schema)
    roots: Roots = []
    for nodes, of in walk.fields(
        [operation.selection_set.selections], schema.get_root_type(operation.operation)
    ):
        batch = batch_of(operation, nodes[0], of, batches)
        walk.seen = []
        walk.others = OTHER_LISTS if batch is None else 1
        walk.add(nodes, of, Around(), None, batch)
        roots.append((nodes[0], of, walk.seen))
    return roots


@dataclass(slots=True)
class _Walk:
    """The walk over one operation; its depth is limited before it comes here."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    schema: GraphQLSchema
    seen: list[Visit] = field(default_factory=list)
    others: int = OTHER_LISTS

    def add(
        self,
        nodes: list[FieldNode],
        of: GraphQLField,
        around: Around,
        page: Size | None,
        batch: Size | None = None,
    ) -> None:
        """Note a field and what is below it; `page` is that of the connection around it."""
        self.seen.append(Visit(of, around))
        kind = get_named_type(of.type)
        if not is_composite_type(kind) or is_introspection_type(kind):
            return
        own, lists = batch or self._page(nodes[0], of), _lists(of.type)
        for _ in range(lists):
            around = around.within(own or page or self.others)
        below = [node.selection_set.selections for node in nodes if node.selection_set]
        for inner, inner_of in self.fields(below, kind):
            self.add(inner, inner_of, around, None if lists else own)

    def fields(
        self, selections: Iterable[Iterable[SelectionNode]], kind: GraphQLNamedType | None
    ) -> Iterable[tuple[list[FieldNode], GraphQLField]]:
        """The fields selected, those that answer together in one list (GraphQL §6.3.2)."""
        found: dict[tuple[str, str], tuple[list[FieldNode], GraphQLField]] = {}
        spread: set[str] = set()
        stack = [(node, kind) for part in selections for node in part][::-1]
        while stack:
            node, parent = stack.pop()
            match node:
                case FieldNode() if parent is not None:
                    of = self.schema.get_field(parent, node.name.value)  # type: ignore[arg-type]
                    if of is not None:
                        key = (parent.name, (node.alias or node.name).value)
                        found.setdefault(key, ([], of))[0].append(node)
                case InlineFragmentNode():
                    stack += self._inside(node, parent)
                case FragmentSpreadNode() if node.name.value not in spread:
                    spread.add(node.name.value)
                    stack += self._inside(self.fragments[node.name.value], parent)
        return found.values()

    def _inside(
        self, node: InlineFragmentNode | FragmentDefinitionNode, parent: GraphQLNamedType | None
    ) -> list[tuple[SelectionNode, GraphQLNamedType | None]]:
        condition = node.type_condition
        kind = self.schema.get_type(condition.name.value) if condition else parent
        return [(inner, kind) for inner in reversed(node.selection_set.selections)]

    def _page(self, node: FieldNode, of: GraphQLField) -> int | Page | None:
        """The page a field asks for; None when it has no pages at all."""
        if not PAGES & of.args.keys():
            return None
        given = [one.value for one in node.arguments or () if one.name.value in PAGES]
        return self._size(given[0]) if len(given) == 1 else MOST_ROWS

    def _size(self, value: ValueNode | None) -> int | Page:
        match value:
            case IntValueNode():
                return _rows(int(value.value))
            case ListValueNode():
                return _rows(len(value.values))
            case VariableNode():
                size = self._size(_default(self.operation, value.name.value))
                return Page(value.name.value, size if isinstance(size, int) else MOST_ROWS)
            case _:
                return MOST_ROWS


def batch_of(
    operation: OperationDefinitionNode, node: FieldNode, of: GraphQLField, batches: frozenset[str]
) -> Batch | None:
    """How many a batch verb is asked about; None for any other root field."""
    for argument in node.arguments or ():
        owner = get_named_type(of.args[argument.name.value].type).name
        for name in batches:
            if name.partition(".")[0] == owner:
                return length(operation, argument.value, name.partition(".")[2])
    return None


def length(
    operation: OperationDefinitionNode, value: ValueNode | None, member: str | None
) -> Batch:
    """The length of a list in the input: of `value` itself, or of its `member`."""
    match value:
        case VariableNode():
            default = length(operation, _default(operation, value.name.value), member).default
            return Batch(value.name.value, member, default)
        case ObjectValueNode() if member is not None:
            inner = [one.value for one in value.fields if one.name.value == member]
            return length(operation, inner[0] if inner else None, None)
        case ListValueNode():
            return Batch(None, None, len(value.values))
        case _:
            return Batch(None, None, 1)


def _default(operation: OperationDefinitionNode, variable: str) -> ValueNode | None:
    defined = operation.variable_definitions or ()
    default = [one.default_value for one in defined if one.variable.name.value == variable]
    return default[0] if default else None


def _rows(value: object) -> int:
    """Rows of a page; what is out of range or no number is refused later, by its own name."""
    if isinstance(value, list):
        value = len(value)
    if not isinstance(value, int | float):
        return MOST_ROWS
    return int(min(max(value, 1), MOST_ROWS))


def _lists(kind: GraphQLOutputType) -> int:
    """How many lists are wrapped around the named type."""
    found, inner = 0, kind
    while is_list_type(inner) or is_non_null_type(inner):
        found += is_list_type(inner)
        inner = inner.of_type
    return found


PAGES = frozenset({"first", "last", "ids"})
