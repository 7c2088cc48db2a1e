"""The node bound (节点上限): how many objects an operation may make the hub gather.

A field whose value is an object, or a list of them, counts once for every object it is asked of:
once, times the sizes of all lists around it. A list is as long as `first` or `last` says (that of
the field itself, or of the connection it stands in); under a batch verb it counts as 1, for its
input bounds it; any other is taken to be `OTHER_LISTS` long. All of this is worked out once per
document, down to the variables that hold a `first`: a request costs a few multiplications.
"""

from collections import Counter
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


class Around(NamedTuple):
    """The lists around a field: the sizes known, multiplied, and the pages still unknown."""

    times: int = 1
    pages: tuple[Page, ...] = ()

    def within(self, size: int | Page) -> "Around":
        if isinstance(size, Page):
            return Around(self.times, (*self.pages, size))
        return Around(self.times * size, self.pages)


@dataclass(frozen=True, slots=True)
class Bound:
    """The nodes of one operation: for each root field, how many stand in which lists."""

    roots: tuple[tuple[FieldNode, tuple[Around, ...]], ...]

    def beyond(self, most: int, variables: Mapping[str, Any]) -> tuple[int, FieldNode] | None:
        """The nodes asked for and the root field with which they pass `most`; None if within."""
        found = 0
        for node, terms in self.roots:
            for times, pages in terms:
                for page in pages:
                    times *= _rows(variables.get(page.variable, page.default))
                found += times
            if found > most:
                return found, node
        return None


def bound(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    schema: GraphQLSchema,
    batches: frozenset[str],
) -> Bound:
    """The bound of a *valid* operation; `@skip` and `@include` are taken to include.

    `batches` names the input fields that hold a batch, as `Input.field`.
    """
    root = schema.get_root_type(operation.operation)
    count = _Count(operation, fragments, schema)
    owners = {name.partition(".")[0] for name in batches}
    roots = []
    for nodes, of in count.fields([operation.selection_set.selections], root):
        batch = any(get_named_type(one.type).name in owners for one in of.args.values())
        count.terms = Counter()
        count.others = 1 if batch else OTHER_LISTS
        count.add(nodes, of, Around(), None)
        terms = tuple(Around(times, pages) for pages, times in count.terms.items())
        roots.append((nodes[0], terms))
    return Bound(tuple(roots))


@dataclass(slots=True)
class _Count:
    """The walk over one operation; its depth is limited before it comes here."""

    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    schema: GraphQLSchema
    terms: Counter[tuple[Page, ...]] = field(default_factory=Counter)
    others: int = OTHER_LISTS

    def add(
        self, nodes: list[FieldNode], of: GraphQLField, around: Around, page: int | Page | None
    ) -> None:
        """Count a field and what is below it; `page` is that of the connection around it."""
        kind = get_named_type(of.type)
        if not is_composite_type(kind) or is_introspection_type(kind):
            return
        self.terms[around.pages] += around.times
        own, lists = self._page(nodes[0], of), _lists(of.type)
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
        if not _PAGES & of.args.keys():
            return None
        given = [one.value for one in node.arguments or () if one.name.value in _PAGES]
        return self._size(given[0]) if len(given) == 1 else MOST_ROWS

    def _size(self, value: ValueNode | None) -> int | Page:
        match value:
            case IntValueNode():
                return _rows(int(value.value))
            case VariableNode():
                name = value.name.value
                defined = self.operation.variable_definitions or ()
                default = [one.default_value for one in defined if one.variable.name.value == name]
                size = self._size(default[0] if default else None)
                return Page(name, size if isinstance(size, int) else MOST_ROWS)
            case _:
                return MOST_ROWS


def _rows(value: object) -> int:
    """Rows of a page; what is out of range or no number is refused later, by its own name."""
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


_PAGES = frozenset({"first", "last"})
