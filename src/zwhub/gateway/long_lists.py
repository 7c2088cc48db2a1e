"""Long lists (过长的列表): variables that hold more elements than any verb takes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLSchema,
    ListTypeNode,
    NonNullTypeNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    TypeNode,
    VariableNode,
    Visitor,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
    visit,
)

from zwhub.gateway.limits import DocumentLimits
from zwhub.gateway.problems import Code, Problem
from zwhub.kernel.words import Words


def long_list(
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    schema: GraphQLSchema,
    limits: DocumentLimits,
    batches: frozenset[str] = frozenset(),
) -> Problem | None:
    """The first list in the variables that is too long, if any; its place, never its content.

    The lists of the batch verbs may be longer than any verb takes: those say themselves how many.
    `batches` names the variables that are such lists, as `batch_variables` finds them.
    """
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        value = variables.get(name)
        if isinstance(value, _HOLDERS):
            kind = type_from_ast(schema, definition.type)
            allowed = limits.batch_items if name in batches else limits.list_items
            found = _search(f"${name}", value, kind, limits, allowed)
            if found:
                return found
    return None


def batch_variables(
    document: DocumentNode, schema: GraphQLSchema, batches: frozenset[str]
) -> frozenset[str]:
    """The variables of a *valid* document that stand for the whole list of a batch.

    A variable that also stands where a list must be short is none of them. Variables are told
    apart by name, so that operations and the fragments they share are read once.
    """
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    defined = [one for operation in operations for one in operation.variable_definitions or ()]
    lists = {one.variable.name.value for one in defined if _is_list(one.type)}
    if not lists:
        return frozenset()
    uses = _Uses(schema, batches)
    visit(document, TypeInfoVisitor(uses.info, uses))
    whole = {name for name, times in uses.batches.items() if uses.all[name] == times}
    return frozenset(lists & whole)


class _Uses(Visitor):
    """How often each variable is used, and how often as the list of a batch."""

    def __init__(self, schema: GraphQLSchema, batches: frozenset[str]) -> None:
        super().__init__()
        self.info = TypeInfo(schema)
        self.places = batches
        self.all: Counter[str] = Counter()
        self.batches: Counter[str] = Counter()

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.all[node.name.value] += 1

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        around = get_named_type(self.info.get_parent_input_type())
        if isinstance(node.value, VariableNode) and around is not None:
            place = f"{around.name}.{node.name.value}"
            self.batches[node.value.name.value] += place in self.places


def _is_list(kind: TypeNode) -> bool:
    return isinstance(kind.type if isinstance(kind, NonNullTypeNode) else kind, ListTypeNode)


def _search(
    name: str, value: Any, kind: Any, limits: DocumentLimits, allowed: int
) -> Problem | None:
    most = limits.list_items
    stack: list[tuple[_Place, Any, Any, int]] = [((None, name), value, kind, allowed)]
    while stack:
        place, value, kind, allowed = stack.pop()
        kind = kind.of_type if is_non_null_type(kind) else kind
        if is_list_type(kind) and isinstance(value, list):
            if len(value) > allowed:
                return too_long(len(value), allowed, _written(place))
            inner = kind.of_type
            for at, item in enumerate(value):
                if isinstance(item, _HOLDERS):
                    stack.append(((place, f"[{at}]"), item, inner, most))
        elif is_input_object_type(kind) and isinstance(value, dict):
            stack += _below(place, value, kind, limits)
    return None


def _below(
    place: "_Place", value: dict[str, Any], kind: GraphQLInputObjectType, limits: DocumentLimits
) -> Iterator[tuple["_Place", Any, Any, int]]:
    for name, item in value.items():
        if isinstance(item, _HOLDERS) and name in kind.fields:
            batch = f"{kind.name}.{name}" in limits.batches
            allowed = limits.batch_items if batch else limits.list_items
            yield (place, f".{name}"), item, kind.fields[name].type, allowed


def _written(place: "_Place") -> str:
    around, step = place
    return (_written(around) if around else "") + step


def too_long(
    found: int, allowed: int, place: str, locations: tuple[tuple[int, int], ...] = ()
) -> Problem:
    """The one way a list that is too long is reported; `place` is empty for a literal."""
    words = Words(
        f"{place or '此处'}的列表过长：最多 {allowed} 个元素，实际 {found} 个",
        f"The list {('at ' + place) if place else 'here'} is too long: "
        f"at most {allowed} elements, found {found}",
    )
    details: dict[str, object] = {"limit": "listItems", "allowed": allowed, "found": found}
    if place:
        details["place"] = place
    return Problem(Code.BAD_USER_INPUT, words, locations, details=details)


_HOLDERS = (list, dict)
# The place around, and the step from there: written out only when there is something to say.
_Place: TypeAlias = "tuple[_Place | None, str]"
