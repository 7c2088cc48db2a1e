"""The body as nearly every issuer writes it (快速读取): a quick yes, or no answer at all. Pure.

Reading by the million is most of what loading costs. This reads a body in the format's own order
and without blanks, five times as fast as `body.py`; whatever is unusual about it, right or wrong,
is left to that. It never accepts what `body.py` refuses, nor reads anything else from it.
"""

from datetime import date, datetime
from typing import Annotated

import msgspec
from msgspec import Meta


class QuickHolder(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """One holder (持证主体)."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    code: Annotated[str, Meta(min_length=1, max_length=64)]
    code_type: str


_Long = Annotated[str, Meta(min_length=1, max_length=200)]
_Short = Annotated[str, Meta(min_length=1, max_length=64)]
_Content = Annotated[str, Meta(min_length=1, max_length=2_000)]


class QuickBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The members in the format's order."""

    format: str
    identifier: str
    number: _Short
    name: _Long
    type_code: str
    type_name: _Long
    issuer_code: str
    issuer_name: _Long
    issued_on: date
    valid_from: date
    valid_until: date | None
    holders: Annotated[tuple[QuickHolder, ...], Meta(min_length=1, max_length=20)]
    version: str
    operation: str
    previous: str | None
    region: str
    surface: Annotated[dict[_Short, _Content], Meta(max_length=64)]
    signed_at: Annotated[datetime, Meta(tz=True)]
    signed_by: _Long


_decode = msgspec.json.Decoder(QuickBody).decode
_encode = msgspec.json.Encoder().encode


def quickly(payload: bytes) -> QuickBody | None:
    """The members, or None where the payload needs a closer look."""
    try:
        said = _decode(payload)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    # Only what is written exactly so has no repeated name, no other order, no odd form of a date.
    if _encode(said) != payload:
        return None
    text = "".join(
        (
            *(said.number, said.name, said.type_name, said.issuer_name, said.signed_by),
            *(part for one in said.holders for part in (one.name, one.code)),
            *said.surface,
            *said.surface.values(),
        )
    )
    return said if text.isprintable() and " " not in text else None
