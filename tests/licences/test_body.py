"""The body of a licence (证照数据体): the strict reader and the published schema agree."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licence_format import example, validator
from zwhub.licences.body import (
    HOLDER_CODE_TYPES,
    OPERATIONS,
    Body,
    MalformedBody,
    read_body,
)

SCHEMA = validator()
SPACES = " \x85\xa0\u1680\u2003\u202f\u205f\u3000"
NASTY = [*SPACES, "\n", "\x00", "\x1f", "\x7f", "\u2028", "\ud800", "１", "é", "Z", "0", "-", "."]


def read(body: Any) -> Body:
    return read_body(json.dumps(body).encode())


def is_read(body: Any) -> bool:
    try:
        read(body)
    except MalformedBody:
        return False
    return True


# The rules that a schema cannot say, in the order of docs/licence-format.md §2.


def identifier_agrees(body: dict[str, Any]) -> bool:
    type_code, issuer, _, version, _ = body["identifier"].split(".")[5:]
    issuers = {body["issuerCode"], body["region"]}
    return (type_code, version) == (body["typeCode"], body["version"]) and issuer in issuers


def dates_are_in_order(body: dict[str, Any]) -> bool:
    until = body["validUntil"]
    return until is None or body["validFrom"] <= until


def no_half_pairs(body: dict[str, Any]) -> bool:
    return not re.search("[\ud800-\udfff]", json.dumps(body, ensure_ascii=False))


BEYOND: tuple[Callable[[dict[str, Any]], bool], ...] = (
    identifier_agrees,
    dates_are_in_order,
    no_half_pairs,
)


def agree(body: Any) -> bool:
    """Whether both say the same of `body`, which both read from the same JSON text."""
    seen = json.loads(json.dumps(body))
    allowed = SCHEMA.is_valid(seen) and all(rule(seen) for rule in BEYOND)
    return is_read(body) is bool(allowed)


LETTERS = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\u2028\u2029")


def text(longest: int) -> st.SearchStrategy[str]:
    return st.text(LETTERS, min_size=1, max_size=longest).map(str.strip).filter(bool)


def coded(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(pattern, fullmatch=True)


DATES = st.dates().map(str)
INSTANTS = st.builds(
    lambda at, unit, offset: at.isoformat(timespec=unit) + offset,
    st.datetimes(),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["Z", "+08:00", "-00:00", "+23:59", "-11:30"]),
)
HOLDERS = st.fixed_dictionaries(
    {"name": text(200), "code": text(64), "codeType": st.sampled_from(sorted(HOLDER_CODE_TYPES))}
)


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Any body that the format allows."""
    kind, issuer = draw(coded("[0-9A-Z]{21}")), draw(coded("[0-9A-Z]{18}"))
    region, version = draw(coded("[0-9]{6}")), draw(coded("[0-9]{3}"))
    tail = f"{draw(coded('[0-9A-Z]{1,40}'))}.{version}.{draw(coded('[0-9A-Z]'))}"
    identifier = f"1.2.156.3005.2.{kind}.{draw(st.sampled_from([issuer, region]))}.{tail}"
    first, last = sorted([draw(DATES), draw(DATES)])
    names = ("number", "name", "typeName", "issuerName", "signedBy")
    longest = {"number": 64}
    return {
        "format": "zwhub-licence/1",
        "identifier": identifier,
        "typeCode": kind,
        "issuerCode": issuer,
        "issuedOn": draw(DATES),
        "validFrom": first,
        "validUntil": draw(st.sampled_from([last, None])),
        "holders": draw(st.lists(HOLDERS, min_size=1, max_size=3)),
        "version": version,
        "operation": draw(st.sampled_from(sorted(OPERATIONS))),
        "previous": identifier if version != "001" else draw(st.sampled_from([None, identifier])),
        "region": region,
        "surface": draw(st.dictionaries(text(64), text(90), max_size=4)),
        "signedAt": draw(INSTANTS),
        **{name: draw(text(longest.get(name, 200))) for name in names},
    }


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in the body."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


STRANGE: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "001", "新发", "2024-02-30", "0000-01-01", "2024-1-01", "20240101"]),
    st.sampled_from(["2024-05-20T09:30:00", "2024-05-20T24:00:00Z", "2024-05-20T09:30:60Z"]),
    st.sampled_from(["2024-02-30T09:30:00Z", "2024-05-20T09:30:00+05:99", "2024-05-20t09:30:00z"]),
    st.integers(60, 2001).map("x".__mul__),
    st.lists(HOLDERS, max_size=21),
    st.dictionaries(text(70), st.one_of(text(9), st.none()), max_size=3),
)


def mutate(draw: st.DrawFn, body: dict[str, Any]) -> None:
    container, key = draw(st.sampled_from(list(places(body))))
    value, way = container[key], draw(st.integers(0, 3))
    if way == 0:
        container[key] = draw(STRANGE)
    elif way == 1 and isinstance(container, dict):
        del container[key]
    elif way == 2 and isinstance(container, dict):
        container[draw(st.sampled_from([" x", "x\n", "note", "", "y" * 65]))] = value
    elif isinstance(value, str):
        at = draw(st.sampled_from([0, len(value) // 2, len(value)]))
        container[key] = value[:at] + draw(st.sampled_from(NASTY)) + value[at + way % 2 :]


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    """A body with one or two things changed; some changes do no harm."""
    body: dict[str, Any] = json.loads(json.dumps(draw(bodies())))
    for _ in range(draw(st.integers(1, 2))):
        if body:
            mutate(draw, body)
    return body


@settings(max_examples=50)
@given(bodies())
def test_both_accept_whatever_the_format_allows(body: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(body)
    said = read(body)
    assert str(said.identifier) == body["identifier"]
    assert (said.number, said.valid_from.isoformat()) == (body["number"], body["validFrom"])
    assert [one.code for one in said.holders] == [one["code"] for one in body["holders"]]
    assert dict(said.surface) == body["surface"]


@given(mutants())
def test_both_agree_on_anything_else(body: dict[str, Any]) -> None:
    assert agree(body)


@pytest.mark.parametrize("name", list(example("SM2")[1]))
@settings(max_examples=20)
@given(value=STRANGE)
def test_both_agree_on_strange_values_of_each_member(name: str, value: Any) -> None:
    assert agree({**example("SM2")[1], name: value})


@pytest.mark.parametrize("character", NASTY)
@pytest.mark.parametrize("name", ["number", "issuedOn", "version", "region", "signedAt", "surface"])
def test_both_agree_on_a_stray_character_at_either_end(name: str, character: str) -> None:
    body = example("SM2")[1]
    old = body[name] if isinstance(body[name], str) else "名称"
    for changed in (character + old, old + character, old[:-1] + character):
        value = changed if name != "surface" else {changed: "值"}
        assert agree({**body, name: value})


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"typeCode": "11990000000000297P002"}, identifier_agrees),
        ({"issuerCode": "11990100009810261B"}, identifier_agrees),
        ({"version": "002", "previous": example("SM2")[1]["identifier"]}, identifier_agrees),
        ({"validUntil": "2024-05-19"}, dates_are_in_order),
        ({"number": "\ud800"}, no_half_pairs),
    ],
)
def test_a_schema_cannot_say_this(
    changes: dict[str, Any], rule: Callable[[dict[str, Any]], bool]
) -> None:
    body = {**example("SM2")[1], **changes}
    assert SCHEMA.is_valid(body)
    assert not rule(body)
    assert not is_read(body)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b'"text"',
        b"[]",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"1" * 5_000,
        b'{"format":"zwhub-licence/1","format":"zwhub-licence/1"}',
    ],
)
def test_what_is_no_json_object_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_body(payload)


def test_a_repeated_name_is_malformed_however_deep() -> None:
    valid = json.dumps(example("SM2")[1])
    read_body(valid.encode())
    repeated = valid.replace('"surface": {', '"surface": {"a": "b", "a": "b", ')
    with pytest.raises(MalformedBody, match=r"\$ must be a JSON object"):
        read_body(repeated.encode())


def test_the_refusal_names_the_place_in_both_languages_and_no_content() -> None:
    body = example("SM2")[1]
    body["holders"][1]["code"] = " 99019919880812021X"
    with pytest.raises(MalformedBody) as refused:
        read(body)
    assert refused.value.place == "$.holders[1].code"
    for words in (refused.value.words.zh, refused.value.words.en):
        assert words.startswith("$.holders[1].code ")
        assert "9901" not in words


def test_the_schema_describes_every_member_in_both_languages() -> None:
    def descriptions(part: Any) -> Iterator[str]:
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            if name == "description":
                yield inner
            elif isinstance(inner, dict | list):
                yield from descriptions(inner)

    schema = SCHEMA.schema
    assert set(schema["properties"]) == set(schema["required"]) == set(example("SM2")[1])
    assert all("description" in one for one in schema["properties"].values())
    assert all(re.match(r"[\u4e00-\u9fff].* · \w", one) for one in descriptions(schema))
