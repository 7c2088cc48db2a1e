"""Leaves (叶值): scalars and enumerations written as JSON can hold them, a column at a time."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLLeafType,
    GraphQLString,
)
from graphql.pyutils import Undefined

from zwhub.gateway.plans.columns import Column, Unplanned, is_plain

Write = Callable[[Column], Column]


def writer(kind: GraphQLLeafType) -> Write:
    """How a column of this type is written; a null stays one, `Unplanned` for what does not fit."""
    one = _one(kind)
    same = _SAME.get(kind.name) if kind in _STANDARD else None
    if same is not None:
        return lambda values: [value if type(value) is same else one(value) for value in values]
    if isinstance(kind, GraphQLEnumType):
        return _enum(kind, one)
    return lambda values: [None if value is None else one(value) for value in values]


def _one(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    coerce = kind.coerce_output_value

    def one(value: Any) -> Any:
        if value is None:
            return None
        if not is_plain(type(value)):
            raise Unplanned
        written = coerce(value)
        if written is None or written is Undefined or not is_plain(type(written)):
            raise Unplanned
        return written

    return one


def _enum(kind: GraphQLEnumType, one: Callable[[Any], Any]) -> Write:
    """Members are written by a look into a table: strawberry goes through them one by one."""
    members = getattr(kind, "wrapped_cls", None)
    if not (isinstance(members, type) and issubclass(members, Enum)):
        return lambda values: [one(value) for value in values]
    names = {member: one(member) for member in members}
    # Only of this very class: a text may equal a member without being one.
    return lambda values: [
        names[value] if type(value) is members else one(value) for value in values
    ]


_STANDARD = (GraphQLString, GraphQLID, GraphQLBoolean)
_SAME: dict[str, type] = {"String": str, "ID": str, "Boolean": bool}
