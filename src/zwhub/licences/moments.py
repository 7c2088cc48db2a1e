"""Moments in SQL (时刻): those that Python has, out of all that PostgreSQL can keep."""

from typing import Any

from sqlalchemy import ColumnElement, between, literal_column

_FIRST: ColumnElement[Any] = literal_column("timestamptz '0001-01-01 00:00:00+00'")
_LAST: ColumnElement[Any] = literal_column("timestamptz '9999-12-31 23:59:59.999999+00'")


def moment(column: Any) -> ColumnElement[bool]:
    """Whether the column holds a moment that can be read; a null is none."""
    return between(column, _FIRST, _LAST)
