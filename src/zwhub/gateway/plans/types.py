"""Types (类型判定): of which object type a value is; remembered by its class where that decides."""

from typing import Any, cast

from graphql import (
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    default_type_resolver,
    is_object_type,
)
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.cast import TYPE_CAST_ATTRIBUTE

from zwhub.gateway.plans.columns import Unplanned


def is_own(kind: GraphQLObjectType, value: Any) -> bool:
    """Whether the value is an instance of the very class from which strawberry made the type.

    Of such a class, neither cast nor generic, strawberry's own answers depend on nothing else.
    """
    key = kind, type(value)
    own = _own.get(key)
    if own is None:
        own = _made_from(kind, type(value))
        if len(_own) < _MOST_CLASSES:
            _own[key] = own
    return own and not hasattr(value, TYPE_CAST_ATTRIBUTE)


def known_type(kind: GraphQLAbstractType, value: Any) -> GraphQLObjectType | None:
    """What `resolved_type` found for another value of the same class, where that decides."""
    known = _known.get((kind, type(value)))
    return known if known is not None and not hasattr(value, TYPE_CAST_ATTRIBUTE) else None


def resolved_type(
    kind: GraphQLAbstractType, value: Any, info: GraphQLResolveInfo[Any]
) -> GraphQLObjectType:
    """Which of the possible types the value is of; `Unplanned` if that is not at once clear."""
    name = (kind.resolve_type or default_type_resolver)(value, info, kind)
    found = info.schema.get_type(name) if isinstance(name, str) else None
    if not is_object_type(found) or not info.schema.is_sub_type(kind, found):
        raise Unplanned
    if is_own(found, value) and _asks_the_class(kind) and len(_known) < _MOST_CLASSES:
        _known[kind, type(value)] = found
    return found


def _made_from(kind: GraphQLObjectType, cls: type) -> bool:
    definition = kind.extensions.get("strawberry-definition")
    if definition is None or definition is not vars(cls).get("__strawberry_definition__"):
        return False
    definition = cast(StrawberryObjectDefinition, definition)
    return (
        definition.origin is cls
        and definition.is_type_of is None
        and not definition.is_graphql_generic
    )


def _asks_the_class(kind: GraphQLAbstractType) -> bool:
    """Whether strawberry itself finds the type; an interface may have a resolver of its own."""
    definition = kind.extensions.get("strawberry-definition")
    return definition is not None and getattr(definition, "resolve_type", None) is None


_own: dict[tuple[GraphQLObjectType, type], bool] = {}
_known: dict[tuple[GraphQLAbstractType, type], GraphQLObjectType] = {}
_MOST_CLASSES = 10_000
