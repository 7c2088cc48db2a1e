"""Signing time (签章时间): the same instant in the several forms that sealing products write."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from zwhub.kernel.crypto import der
from zwhub.kernel.crypto.der import Node, UnknownLayout

_HERE = ZoneInfo("Asia/Shanghai")
_FORM = re.compile(
    r"(?P<y>\d{4})[-/.年]?(?P<mo>\d\d)[-/.月]?(?P<d>\d\d)日?[T ]?"
    r"(?P<h>\d\d):?(?P<mi>\d\d)(?::?(?P<s>\d\d))?(?:[.,]\d{1,9})?"
    r"\s?(?P<zone>Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SHORT_YEAR = re.compile(r"\d{10}(\d\d)?(Z|[+-]\d{4})", re.ASCII)
_PIVOT = "50"  # RFC 5280 §4.1.2.5.1: 50 to 99 are of the twentieth century
_LONGEST = 40
_INFO = "1.2.840.113549.1.9.16.1.4"  # id-ct-TSTInfo (RFC 3161 §2.4.2)


def instant(text: str) -> datetime | None:
    """The instant that `text` names, in UTC; None when it names none.

    GeneralizedTime, UTCTime, RFC 3339 and the usual Chinese forms. Without an offset it is the
    civil time of Asia/Shanghai.
    """
    text = text.strip()[:_LONGEST]
    if _SHORT_YEAR.fullmatch(text):
        text = ("19" if text[:2] >= _PIVOT else "20") + text
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    parts = [int(found[name] or 0) for name in ("y", "mo", "d", "h", "mi", "s")]
    try:
        year, month, day, hour, minute, second = parts
        at = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"]))
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone | ZoneInfo:
    if text is None:
        return _HERE
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def time_of(node: Node) -> datetime | None:
    """The instant in a time, a text, or a bit or octet string around one of them."""
    if node.tag in (der.BIT_STRING, der.OCTET_STRING) and node.kind == der.UNIVERSAL:
        octets = node.content[1:] if node.tag == der.BIT_STRING else node.content
        return instant(octets.decode("utf-8", "replace")) or _within(octets)
    if node.kind != der.UNIVERSAL or node.constructed:
        return None
    return instant(node.content.decode("ascii", "replace"))


def _within(octets: bytes) -> datetime | None:
    """A time or a time-stamp token (RFC 3161); the token's own signature is not checked here."""
    try:
        node = Node.read(octets)
        return _token_time(node) if node.constructed else time_of(node)
    except (UnknownLayout, RecursionError, IndexError):
        return None


def _token_time(token: Node) -> datetime | None:
    signed = token.children()[1].children()[0].sequence()
    content = signed[2].sequence()
    if content[0].oid() != _INFO:
        return None
    info = Node.read(content[1].children()[0].octets()).sequence()
    times = (one for one in info if one.kind == der.UNIVERSAL and one.tag == der.GENERALIZED_TIME)
    return next((time_of(one) for one in times), None)
