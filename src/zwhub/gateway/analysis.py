"""Document analysis (文档分析): how much a document asks for, counted before it is validated."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    StringValueNode,
    ValueNode,
    get_named_type,
    is_composite_type,
    is_introspection_type,
)

from zwhub.gateway.excess import exceeded
from zwhub.gateway.limits import DocumentLimits
from zwhub.gateway.long_lists import too_long
from zwhub.gateway.places import place_of
from zwhub.gateway.problems import Code, Problem
from zwhub.kernel.words import Words


def examine(
    document: DocumentNode, schema: GraphQLSchema, limits: DocumentLimits, most: int = 10
) -> tuple[Problem, ...]:
    """Every limit the document exceeds, with the figure and the place, and `most` bad values.

    One walk over the operations with their fragments written out, then over the fragments no
    operation reached. The walk ends where the node budget ends, so its cost is bounded by the
    limit and not by what the document would expand to; `found` is then one more than allowed.
    Fragment cycles are left to validation, which names them.
    """
    walk = _Walk(document, schema, limits)
    walk.run()
    return (*walk.over.values(), *islice(_bad_values(document, limits), most))


def introspects(document: DocumentNode) -> Problem | None:
    """Where the document asks for the schema itself, if it does (names that begin with `__`)."""
    for node in _fields(document):
        if node.name.value in {"__schema", "__type"}:
            return Problem(Code.GRAPHQL_VALIDATION_FAILED, _NO_INTROSPECTION, place_of(node))
    return None


class _Step(NamedTuple):
    """One selection set still to be read."""

    selections: Iterator[SelectionNode]
    parent: GraphQLNamedType | None
    depth: int
    position: int
    fragment: str | None


@dataclass(slots=True)
class _Tally:
    """What one operation has asked for so far."""

    aliases: int = 0
    introspection_aliases: int = 0
    directives: int = 0
    root_fields: int = 0


@dataclass(slots=True)
class _Walk:
    """The walk's state: what has been counted, and which limits are already exceeded."""

    document: DocumentNode
    schema: GraphQLSchema
    limits: DocumentLimits
    over: dict[str, Problem] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    reached: set[str] = field(default_factory=set)
    operations: int = 0
    nodes: int = 0
    repeats: int = 0
    tally: _Tally = field(default_factory=_Tally)
    positions: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    stack: list[_Step] = field(default_factory=list)
    open_fragments: set[str] = field(default_factory=set)

    def run(self) -> None:
        for node in self.document.definitions:
            if isinstance(node, FragmentDefinitionNode):
                self.fragments[node.name.value] = node
        for node in self.document.definitions:
            if isinstance(node, OperationDefinitionNode):
                self.operations += 1
                self._check("operations", self.operations, node)
                self._root(node, self.schema.get_root_type(node.operation))
        for name in [name for name in self.fragments if name not in self.reached]:
            if name not in self.reached:  # an earlier one of them may have reached it
                self.reached.add(name)
                fragment = self.fragments[name]
                self._root(fragment, self._type(fragment.type_condition.name.value), depth=1)

    def _root(
        self,
        node: OperationDefinitionNode | FragmentDefinitionNode,
        parent: GraphQLNamedType | None,
        depth: int = 0,
    ) -> None:
        self.tally = _Tally()
        self.positions.clear()
        self._directives(node)
        for count, definition in enumerate(node.variable_definitions or (), 1):
            self._check("variables", count, definition)
            self._directives(definition)
        self.stack = [_Step(iter(node.selection_set.selections), parent, depth, 0, None)]
        while self.stack and self.nodes <= self.limits.nodes:
            step = self.stack[-1]
            selection = next(step.selections, None)
            if selection is None:
                self.open_fragments.discard(self.stack.pop().fragment or "")
            else:
                self._selection(selection, step)

    def _selection(self, node: SelectionNode, step: _Step) -> None:
        self.nodes += 1
        self._check("nodes", self.nodes, node)
        self._directives(node)
        match node:
            case FieldNode():
                self._field(node, step)
            case InlineFragmentNode():
                self._inline(node, step)
            case FragmentSpreadNode():
                self._spread(node, step)

    def _field(self, node: FieldNode, step: _Step) -> None:
        tally = self.tally
        # Introspection is deep by nature; what counts is whose field it is, not its name.
        exempt = step.parent is not None and is_introspection_type(step.parent)
        depth = step.depth + (0 if exempt else 1)
        self._check("depth", depth, node)
        if node.alias is not None:
            tally.aliases += 1
            self._check("aliases", tally.aliases, node)
            if exempt or node.name.value == "__schema":
                tally.introspection_aliases += 1
                self._check("introspection_aliases", tally.introspection_aliases, node)
        if step.depth == 0 and not exempt:
            tally.root_fields += 1
            self._check("root_fields", tally.root_fields, node)
        position = self._position(node, step.position)
        if node.selection_set is not None:
            of = self._type_of(step.parent, node.name.value)
            selections = iter(node.selection_set.selections)
            self.stack.append(_Step(selections, of, depth, position, None))

    def _position(self, node: FieldNode, parent: int) -> int:
        """The place in the answer this field writes to; a second writer is a repeat."""
        key = (parent, node.alias.value if node.alias else node.name.value)
        position, writers = self.positions.get(key, (len(self.positions) + 1, 0))
        self.positions[key] = (position, writers + 1)
        self.repeats += writers
        self._check("repeats", self.repeats, node)
        return position

    def _inline(self, node: InlineFragmentNode, step: _Step) -> None:
        condition = node.type_condition
        parent = self._type(condition.name.value) if condition else step.parent
        selections = iter(node.selection_set.selections)
        self.stack.append(_Step(selections, parent, step.depth, step.position, None))

    def _spread(self, node: FragmentSpreadNode, step: _Step) -> None:
        name = node.name.value
        fragment = self.fragments.get(name)
        if fragment is None or name in self.open_fragments:
            return
        self.reached.add(name)
        self.open_fragments.add(name)
        self._directives(fragment)
        parent = self._type(fragment.type_condition.name.value)
        selections = iter(fragment.selection_set.selections)
        self.stack.append(_Step(selections, parent, step.depth, step.position, name))

    def _directives(self, node: Node) -> None:
        for directive in getattr(node, "directives", None) or ():
            self.tally.directives += 1
            self._check("directives", self.tally.directives, directive)

    def _type(self, name: str) -> GraphQLNamedType | None:
        return self.schema.get_type(name)

    def _type_of(self, parent: GraphQLNamedType | None, name: str) -> GraphQLNamedType | None:
        if parent is None or not is_composite_type(parent):
            return None
        found = self.schema.get_field(parent, name)
        return get_named_type(found.type) if found else None

    def _check(self, limit: str, found: int, node: Node) -> None:
        allowed: int = getattr(self.limits, limit)
        if found <= allowed:
            return
        known = self.over.get(limit)
        locations = known.locations if known else place_of(node)
        self.over[limit] = exceeded(limit, allowed, found, locations)


def _bad_values(document: DocumentNode, limits: DocumentLimits) -> Iterator[Problem]:
    """Literals no resolver should meet: endless numbers and lists, and U+0000 (not for SQL)."""
    for value in _values(document):
        match value:
            case IntValueNode() | FloatValueNode() if len(value.value) > limits.digits:
                yield exceeded("digits", limits.digits, len(value.value), place_of(value))
            case StringValueNode() if "\0" in value.value:
                yield Problem(Code.BAD_USER_INPUT, NO_NUL, place_of(value))
            case ObjectValueNode() if len(value.fields) > limits.members:
                yield exceeded("members", limits.members, len(value.fields), place_of(value))
            case ListValueNode() if len(value.values) > limits.list_items:
                yield too_long(len(value.values), limits.list_items, "", place_of(value))
            case _:
                pass


def _values(document: DocumentNode) -> Iterator[ValueNode]:
    stack: list[Node] = [*reversed(document.definitions)]
    while stack:
        node = stack.pop()
        if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
            yield node
        elif isinstance(node, ListValueNode):
            yield node
            stack += reversed(node.values)
        elif isinstance(node, ObjectValueNode):
            yield node
            stack += [item.value for item in reversed(node.fields)]
        else:
            stack += reversed([*_below(node)])


def _fields(document: DocumentNode) -> Iterator[FieldNode]:
    stack: list[Node] = list(document.definitions)
    while stack:
        node = stack.pop()
        if isinstance(node, FieldNode):
            yield node
        stack.extend(_below(node))


def _below(node: Node) -> Iterator[Node]:
    """The parts of `node` that can hold a value or a field."""
    for part in ("arguments", "directives", "variable_definitions"):
        yield from getattr(node, part, None) or ()
    for part in ("default_value", "value"):
        below = getattr(node, part, None)
        if isinstance(below, Node):
            yield below
    selection_set = getattr(node, "selection_set", None)
    if selection_set is not None:
        yield from selection_set.selections


NO_NUL = Words(
    "文本中不能含有空字符（U+0000）", "A text must not contain the NUL character (U+0000)"
)
_NO_INTROSPECTION = Words("未开放内省查询", "Introspection is not open to anonymous callers")
