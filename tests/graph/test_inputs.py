"""Inputs (输入类型): the builders make what strawberry itself makes, for every input of the schema."""

import random
from typing import Any, cast

import pytest
from graphql import is_input_object_type
from hypothesis import given
from hypothesis import strategies as st
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryObjectDefinition

from randomdocuments import object_value
from zwhub.schema import schema

INPUTS = {
    name: cast(StrawberryObjectDefinition, one.definition)
    for name, one in schema.schema_converter.type_map.items()
    if is_input_object_type(one.implementation)
}


def built(name: str, value: Any) -> Any:
    return convert_argument(
        value, INPUTS[name].origin, schema.schema_converter.scalar_registry, schema.config
    )


@pytest.mark.parametrize("name", INPUTS)
@given(seed=st.integers())
def test_each_is_built_as_strawberry_builds_it(name: str, seed: int) -> None:
    kind: Any = schema._schema.type_map[name]
    value = kind.fields and object_value(random.Random(seed), kind)
    quick = built(name, value)
    hooks = {one: INPUTS[one].from_input for one in INPUTS}
    assert hooks[name] is not None
    try:
        for one in INPUTS.values():
            one.from_input = None
        assert built(name, value) == quick
    finally:
        for other, hook in hooks.items():
            INPUTS[other].from_input = hook
