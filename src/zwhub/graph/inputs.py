"""Inputs (输入类型): built by functions made beforehand, in which strawberry's rules are worked out.

strawberry asks for each member of each value anew how it is named and what type it has; a batch
of a thousand asks a thousand times.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

import strawberry
from strawberry.types.arguments import InputContext, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.field import StrawberryField

Convert = Callable[[Any, InputContext], Any]
_LEAVES = (str, int, float, bool, strawberry.ID)


def build_inputs(schema: strawberry.Schema) -> None:
    """Give each input type of the schema its builder (`from_input` is strawberry's own hook)."""
    for concrete in schema.schema_converter.type_map.values():
        definition = concrete.definition
        if isinstance(definition, StrawberryObjectDefinition) and definition.is_input:
            definition.from_input = _builder(definition, schema)


def _builder(
    definition: StrawberryObjectDefinition, schema: strawberry.Schema
) -> Callable[[type, Mapping[str, Any], InputContext], Any]:
    name_of = schema.config.name_converter.from_field
    members = [
        (one.python_name, name_of(one), _converter(one.resolve_type(type_definition=definition)))
        for one in definition.fields
    ]
    absent = {one.python_name: None for one in definition.fields if _has_no_default(one)}

    def build(of: type, given: Mapping[str, Any], context: InputContext) -> Any:
        found = dict(absent)
        for name, key, convert in members:
            if key in given:
                found[name] = convert(given[key], context)
        return of(**found)

    return build


def _has_no_default(field: StrawberryField) -> bool:
    return field.default_value is MISSING and field.default_factory is MISSING


def _converter(kind: Any) -> Convert:
    """How a value of that type is built; whatever is not usual here is left to strawberry."""
    inner = kind.of_type if type(kind) is StrawberryOptional else kind
    if inner in _LEAVES:
        return _as_it_is
    if type(inner) is StrawberryList:
        return _list(_converter(inner.of_type))
    definition = get_object_definition(inner)
    if definition is not None:
        return _object(definition.origin, definition)
    return lambda value, context: convert_argument(
        value, kind, context.scalar_registry, context.config, context.info, path=context.path
    )


def _as_it_is(value: Any, _: InputContext) -> Any:
    return value


def _list(convert: Convert) -> Convert:
    def items(value: Any, context: InputContext) -> Any:
        if value is None or value is strawberry.UNSET:
            return value
        return [convert(item, context) for item in value]

    return items


def _object(kind: type, definition: StrawberryObjectDefinition) -> Convert:
    def one(value: Any, context: InputContext) -> Any:
        if value is None or value is strawberry.UNSET or definition.from_input is None:
            return value
        return definition.from_input(kind, value, context)

    return one
