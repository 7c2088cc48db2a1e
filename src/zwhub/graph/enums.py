"""Enumerations (枚举): kernel enums shown over GraphQL, each value in both languages."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry

from zwhub.kernel.words import Words, both


def show(cls: type[Enum], name: str, said: Words, values: Mapping[Any, tuple[str, str]]) -> None:
    """Register `cls` as the GraphQL enum `name`. A value without words is an error at start."""
    strawberry.enum(cls, name=name, description=both(said))
    definition: Any = cls
    for value in definition.__strawberry_definition__.values:
        value.description = both(Words(*values[cls(value.value)]))
