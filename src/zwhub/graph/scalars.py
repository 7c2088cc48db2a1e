"""Scalars (标量): days, and instants with their offset, written as Beijing reads them."""

import re
from datetime import date, datetime
from typing import Any

from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from zwhub.kernel.clock import BEIJING

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _date(value: Any) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise GraphQLError("Date: YYYY-MM-DD, for example 2026-01-31")


def _instant(value: Any) -> datetime:
    try:
        known = isinstance(value, str) and _INSTANT.fullmatch(value)
        instant = datetime.fromisoformat(value) if known else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1900 < instant.year < 9000:  # noqa: PLR2004
        raise GraphQLError(
            "DateTime: RFC 3339 with an offset, for example 2026-01-31T09:30:00+08:00"
        )
    return instant


SCALARS: dict[object, ScalarDefinition] = {
    date: ScalarDefinition(
        name="Date",
        description="日期 YYYY-MM-DD · a day, YYYY-MM-DD",
        specified_by_url=None,
        serialize=date.isoformat,
        parse_value=_date,
        parse_literal=None,
        origin=date,
    ),
    datetime: ScalarDefinition(
        name="DateTime",
        description="带时区的时间（RFC 3339） · an instant with its offset (RFC 3339)",
        specified_by_url=None,
        serialize=lambda instant: instant.astimezone(BEIJING).isoformat(),
        parse_value=_instant,
        parse_literal=None,
        origin=datetime,
    ),
}
