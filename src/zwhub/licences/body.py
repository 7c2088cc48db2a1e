"""The signed body of a licence (证照数据体): read strictly, never re-serialised.

The format is laid down in `docs/licence-format.md` and `schema/licence.schema.json`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from zwhub.kernel.identifiers.licence import LicenceIdentifier, MalformedIdentifier
from zwhub.kernel.words import Words

FORMAT = "zwhub-licence/1"
MOST_HOLDERS = 20
MOST_SURFACE_ITEMS = 64
HOLDER_CODE_TYPES = frozenset(
    [
        "001",
        "099",
        "111",
        "114",
        "115",
        "118",
        "411",
        "412",
        "414",
        "511",
        "516",
        "999",
    ]  # 持证主体代码类型
)
OPERATIONS = frozenset({"新发", "延续", "变更", "转入"})

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


class MalformedBody(Exception):
    """The payload is not a licence body; `place` leads to the offending member."""

    def __init__(self, place: str, words: Words) -> None:
        super().__init__(f"{place}: {words.en}")
        self.place = place
        self.words = words


@dataclass(frozen=True, slots=True)
class Holder:
    """One holder (持证主体), as signed."""

    name: str
    code: str
    code_type: str


@dataclass(frozen=True, slots=True)
class Body:
    """What the issuer signed, as values."""

    identifier: LicenceIdentifier
    number: str
    name: str
    type_code: str
    type_name: str
    issuer_code: str
    issuer_name: str
    issued_on: date
    valid_from: date
    valid_until: date | None
    holders: tuple[Holder, ...]
    version: str
    operation: str
    previous: str | None
    region: str
    surface: Mapping[str, str]
    signed_at: datetime
    signed_by: str


def read_body(payload: bytes) -> Body:
    """The body in the exact bytes that were signed. Raises `MalformedBody`."""
    fields = _members(_json(payload), "$", _READERS | {"format": _format})
    fields.pop("format")
    body = Body(**{_SNAKE[name]: value for name, value in fields.items()})
    _agree(body)
    return body


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        raise _bad(
            "$",
            "须为 UTF-8 编码且无重名成员的 JSON 对象",
            "must be a JSON object in UTF-8 without repeated names",
        ) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


def _members(value: Any, place: str, readers: Mapping[str, "Reader"]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(place, "须为对象", "must be an object")
    for name in readers:
        if name not in value:
            raise _bad(f"{place}.{name}", "缺少此成员", "is missing")
    for name in value:
        if name not in readers:
            raise _bad(place, "含有格式之外的成员", "has a member that the format does not know")
    return {name: read(value[name], f"{place}.{name}") for name, read in readers.items()}


Reader = Callable[[Any, str], Any]


def _text(longest: int) -> Reader:
    def read(value: Any, place: str) -> str:
        fits = isinstance(value, str) and 0 < len(value) <= longest and not _CONTROL.search(value)
        if not fits or value != value.strip():
            raise _bad(
                place,
                f"须为 1 至 {longest} 个字符的文本",
                f"must be text of 1 to {longest} characters",
            )
        return str(value)

    return read


def _coded(pattern: str, zh: str, en: str) -> Reader:
    compiled = re.compile(pattern)

    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise _bad(place, zh, en)
        return value

    return read


def _one_of(allowed: frozenset[str]) -> Reader:
    def read(value: Any, place: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            choices = " ".join(sorted(allowed))
            raise _bad(place, f"须为其中之一：{choices}", f"must be one of: {choices}")
        return value

    return read


def _format(value: Any, place: str) -> str:
    return str(_one_of(frozenset({FORMAT}))(value, place))


def _date(value: Any, place: str) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _bad(place, "须为日期 YYYY-MM-DD", "must be a date, YYYY-MM-DD")


def _date_or_null(value: Any, place: str) -> date | None:
    return None if value is None else _date(value, place)


def _instant(value: Any, place: str) -> datetime:
    try:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise _bad(
        place, "须为带时区的时间（RFC 3339）", "must be an instant with its offset (RFC 3339)"
    )


def _identifier(value: Any, place: str) -> LicenceIdentifier:
    try:
        return LicenceIdentifier.parse(value if isinstance(value, str) else "")
    except MalformedIdentifier as malformed:
        raise MalformedBody(place, malformed.words) from None


def _identifier_or_null(value: Any, place: str) -> str | None:
    return None if value is None else str(_identifier(value, place))


def _holders(value: Any, place: str) -> tuple[Holder, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_HOLDERS:
        raise _bad(place, "须有 1 至 20 个持证主体", "must list 1 to 20 holders")
    readers = {"name": _text(200), "code": _text(64), "codeType": _one_of(HOLDER_CODE_TYPES)}
    read = [_members(one, f"{place}[{index}]", readers) for index, one in enumerate(value)]
    return tuple(Holder(one["name"], one["code"], one["codeType"]) for one in read)


def _surface(value: Any, place: str) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_SURFACE_ITEMS:
        raise _bad(place, "须为不超过 64 项的对象", "must be an object of at most 64 members")
    name, content = _text(64), _text(2000)
    return {name(key, place): content(text, f"{place}.{key[:64]}") for key, text in value.items()}


_READERS: dict[str, Reader] = {
    "identifier": _identifier,
    "number": _text(64),
    "name": _text(200),
    "typeCode": _coded(
        r"[0-9A-Z]{21}", "须为 21 位证照类型代码", "must be a 21-character licence type code"
    ),
    "typeName": _text(200),
    "issuerCode": _coded(
        r"[0-9A-Z]{18}",
        "须为 18 位统一社会信用代码",
        "must be an 18-character unified social credit code",
    ),
    "issuerName": _text(200),
    "issuedOn": _date,
    "validFrom": _date,
    "validUntil": _date_or_null,
    "holders": _holders,
    "version": _coded(r"[0-9]{3}", "须为三位数字", "must be three digits"),
    "operation": _one_of(OPERATIONS),
    "previous": _identifier_or_null,
    "region": _coded(r"[0-9]{6}", "须为六位行政区划代码", "must be a region code of six digits"),
    "surface": _surface,
    "signedAt": _instant,
    "signedBy": _text(200),
}
_SNAKE = {name: re.sub(r"([A-Z])", lambda m: "_" + m[0].lower(), name) for name in _READERS}


def _agree(body: Body) -> None:
    """The parts of the identifier must say what the members say (GB/T 36904)."""
    parts = body.identifier
    if parts.type_code != body.type_code:
        raise _bad("$.typeCode", "与证照标识不一致", "differs from the identifier")
    if parts.issuer not in {body.issuer_code, body.region}:  # some issuers write a 6-digit region
        raise _bad("$.issuerCode", "与证照标识不一致", "differs from the identifier")
    if parts.version != body.version:
        raise _bad("$.version", "与证照标识不一致", "differs from the identifier")
    if body.valid_until is not None and body.valid_until < body.valid_from:
        raise _bad("$.validUntil", "早于有效期起", "lies before validFrom")
    if body.version != "001" and body.previous is None:
        raise _bad(
            "$.previous",
            "延续或变更须写明原证照标识",
            "must name the licence that this version replaces",
        )


def _bad(place: str, zh: str, en: str) -> MalformedBody:
    return MalformedBody(place, Words(f"{place} {zh}", f"{place} {en}"))
