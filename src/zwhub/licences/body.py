"""The signed body of a licence (证照数据体): read strictly, never re-serialised.

The format is laid down in `docs/licence-format.md` and `schema/licence.schema.json`.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from zwhub.kernel.identifiers.licence import ROOT, LicenceIdentifier, MalformedIdentifier
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
_REGION = 6  # digits of a region's code (GB/T 2260)
_ISSUER = 18  # characters of a social credit code (GB 32100)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


class MalformedBody(Exception):
    """The payload is not a licence body; `place` leads to the offending member."""

    def __init__(self, place: str, words: Words) -> None:
        super().__init__(f"{place}: {words.en}")
        self.place = place
        self.words = words


_Long = Annotated[str, Meta(min_length=1, max_length=200)]
_Short = Annotated[str, Meta(min_length=1, max_length=64)]
_Content = Annotated[str, Meta(min_length=1, max_length=2_000)]


class Holder(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One holder (持证主体), as signed."""

    name: _Long
    code: _Short
    code_type: str


class Body(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    rename="camel",
    tag_field="format",
    tag=FORMAT,
):
    """What the issuer signed, as values, in the format's order."""

    identifier: LicenceIdentifier
    number: _Short
    name: _Long
    type_code: str
    type_name: _Long
    issuer_code: str
    issuer_name: _Long
    issued_on: date
    valid_from: date
    valid_until: date | None
    holders: Annotated[tuple[Holder, ...], Meta(min_length=1, max_length=MOST_HOLDERS)]
    version: str
    operation: str
    previous: str | None
    region: str
    surface: Annotated[dict[_Short, _Content], Meta(max_length=MOST_SURFACE_ITEMS)]
    signed_at: Annotated[datetime, Meta(tz=True)]
    signed_by: _Long


def read_body(payload: bytes) -> Body:
    """The body in the exact bytes that were signed. Raises `MalformedBody`."""
    return read_quickly(payload) or read_closely(payload)


def read_quickly(payload: bytes) -> Body | None:
    """The body as nearly every issuer writes it, five times as fast; else None, and no reason.

    It never accepts what `read_closely` refuses, nor reads anything else from it.
    """
    try:
        body = _decode(payload)
        # Only what is written exactly so has no repeated name, no odd order, no odd form of a date.
        if _encode(body) != payload or not _is_usual(body) or not _is_legible(payload):
            return None
        _agree_in_time(body)
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError, _Unfit):
        return None
    return body


def _is_legible(payload: bytes) -> bool:
    """No blank, nothing escaped, no control character: so nothing at the ends of a text, either.

    Nothing stands between the members, so whatever is found is in a text.
    """
    if b" " in payload or b"\\" in payload:
        return False
    # All other blanks and control characters begin with one of these in UTF-8; those below the
    # blank are written otherwise in JSON.
    odd = b"\x7f" in payload or b"\xc2" in payload or b"\xe1" in payload or b"\xe2" in payload
    return not (odd or b"\xe3\x80\x80" in payload) or payload.decode().isprintable()


def _is_usual(body: Body) -> bool:
    """Codes that the format knows, in the forms that nearly all records have."""
    region = body.region
    return (
        body.operation in OPERATIONS
        and {one.code_type for one in body.holders} <= HOLDER_CODE_TYPES
        # Both codes are those of the identifier, which has been read; a region's is not.
        and len(body.issuer_code) == _ISSUER
        and body.identifier.head == f"{ROOT}.{body.type_code}.{body.issuer_code}"
        and (body.previous is None or bool(_identifier(body.previous)))
        and (len(region) == _REGION and region.isascii() and region.isdigit())
    )


def read_closely(payload: bytes) -> Body:
    """As `read_body`, whatever the payload looks like."""
    try:
        fields = _members(_json(payload), _READERS)
        del fields["format"]
        body = Body(*fields.values())
        _agree(body)
        return body
    except _Unfit as unfit:
        place = f"${unfit.place}"
        words = Words(f"{place} {unfit.zh}", f"{place} {unfit.en}")
        raise MalformedBody(place, words) from None


class _Unfit(Exception):
    """What is wrong, raised where it is; `place` grows on the way up."""

    def __init__(self, zh: str, en: str, place: str = "") -> None:
        self.zh, self.en, self.place = zh, en, place

    def below(self, name: str) -> "_Unfit":
        return _Unfit(self.zh, self.en, name + self.place)


def _json(payload: bytes) -> Any:
    try:
        return json.loads(payload.decode(), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError):
        raise _Unfit(
            "须为 UTF-8 编码且无重名成员的 JSON 对象",
            "must be a JSON object in UTF-8 without repeated names",
        ) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name is repeated")
    return members


def _members(value: Any, readers: Mapping[str, "Reader"]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unfit("须为对象", "must be an object")
    if value.keys() != readers.keys():
        for name in readers:
            if name not in value:
                raise _Unfit("缺少此成员", "is missing", f".{name}")
        raise _Unfit("含有格式之外的成员", "has a member that the format does not know")
    read = {}
    try:
        for name, reader in readers.items():
            read[name] = reader(value[name])
    except _Unfit as unfit:
        raise unfit.below(f".{name}") from None
    return read


Reader = Callable[[Any], Any]


def _text(longest: int) -> Reader:
    def read(value: Any) -> str:
        if isinstance(value, str) and 0 < len(value) <= longest and _is_plain(value):
            return value
        raise _Unfit(
            f"须为 1 至 {longest} 个字符的文本", f"must be text of 1 to {longest} characters"
        )

    return read


def _is_plain(text: str) -> bool:
    """No control characters, no half pairs, no white space at its ends."""
    if text.isprintable():  # then a blank is the only white space there can be
        return text[0] != " " != text[-1]
    return not _CONTROL.search(text) and text == text.strip()


def _coded(pattern: str, zh: str, en: str) -> Reader:
    fits = re.compile(pattern).fullmatch

    def read(value: Any) -> str:
        if not isinstance(value, str) or not fits(value):
            raise _Unfit(zh, en)
        return value

    return read


def _one_of(allowed: frozenset[str]) -> Reader:
    choices = " ".join(sorted(allowed))

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise _Unfit(f"须为其中之一：{choices}", f"must be one of: {choices}")
        return value

    return read


def _date(value: Any) -> date:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _Unfit("须为日期 YYYY-MM-DD", "must be a date, YYYY-MM-DD")


def _date_or_null(value: Any) -> date | None:
    return None if value is None else _date(value)


def _instant(value: Any) -> datetime:
    try:
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise _Unfit("须为带时区的时间（RFC 3339）", "must be an instant with its offset (RFC 3339)")


def _identifier(value: Any) -> LicenceIdentifier:
    try:
        return LicenceIdentifier.parse(value if isinstance(value, str) else "")
    except MalformedIdentifier as malformed:
        raise _Unfit(malformed.words.zh, malformed.words.en) from None


def _as_identifier(_: type, value: str) -> LicenceIdentifier:
    return LicenceIdentifier.parse(value)  # whatever it raises: no quick yes


_decode = msgspec.json.Decoder(Body, dec_hook=_as_identifier).decode
_encode = msgspec.json.Encoder(enc_hook=str).encode  # an identifier is a text


def _identifier_or_null(value: Any) -> str | None:
    return None if value is None else str(_identifier(value))


def _holders(value: Any) -> tuple[Holder, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_HOLDERS:
        raise _Unfit("须有 1 至 20 个持证主体", "must list 1 to 20 holders")
    try:
        read = []
        for one in value:
            read.append(Holder(*_members(one, _HOLDER).values()))
    except _Unfit as unfit:
        raise unfit.below(f"[{len(read)}]") from None
    return tuple(read)


def _surface(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_SURFACE_ITEMS:
        raise _Unfit("须为不超过 64 项的对象", "must be an object of at most 64 members")
    for name, content in value.items():
        _SURFACE_NAME(name)
        try:
            _SURFACE_CONTENT(content)
        except _Unfit as unfit:
            raise unfit.below(f".{name}") from None
    return value


_SURFACE_NAME, _SURFACE_CONTENT = _text(64), _text(2_000)
# In the order of the fields of `Holder` and of `Body`.
_HOLDER: dict[str, Reader] = {
    "name": _text(200),
    "code": _text(64),
    "codeType": _one_of(HOLDER_CODE_TYPES),
}
_READERS: dict[str, Reader] = {
    "format": _one_of(frozenset({FORMAT})),
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


def _agree(body: Body) -> None:
    """The parts of the identifier must say what the members say (GB/T 36904)."""
    parts = body.identifier
    if parts.type_code != body.type_code:
        raise _Unfit("与证照标识不一致", "differs from the identifier", ".typeCode")
    if parts.issuer not in {body.issuer_code, body.region}:  # some issuers write a 6-digit region
        raise _Unfit("与证照标识不一致", "differs from the identifier", ".issuerCode")
    _agree_in_time(body)


def _agree_in_time(body: Body) -> None:
    if body.identifier.version != body.version:
        raise _Unfit("与证照标识不一致", "differs from the identifier", ".version")
    if body.valid_until is not None and body.valid_until < body.valid_from:
        raise _Unfit("早于有效期起", "lies before validFrom", ".validUntil")
    if body.version != "001" and body.previous is None:
        raise _Unfit(
            "延续或变更须写明原证照标识",
            "must name the licence that this version replaces",
            ".previous",
        )
