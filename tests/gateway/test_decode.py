"""Decoding (解码): JSON is counted before it is read, and never counted too low."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zwhub.gateway.decode import decode_json, refuse_nul
from zwhub.gateway.problems import Code, TurnedAway

TEXTS = st.text(alphabet='ab"\\[]{},:/ \n\u0001证😀', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def size(value: Any) -> int:
    """The values in `value`, itself among them."""
    below = value.values() if isinstance(value, dict) else value
    return 1 + sum(map(size, below)) if isinstance(value, dict | list) else 1


def refused(body: bytes, most: int) -> dict[str, object]:
    with pytest.raises(TurnedAway) as turned:
        decode_json(body, most)
    (problem,) = turned.value.problems
    assert (turned.value.status, problem.code) == (413, Code.BODY_TOO_LARGE)
    assert str(problem.details["found"]) in problem.words.zh
    return dict(problem.details)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
@example({"": [], "[": {}, '"': "\\"}, True, 1)
def test_as_many_values_as_allowed_are_read_and_not_one_more(
    value: Any, ascii_: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_, indent=indent).encode()
    most = size(value)
    assert decode_json(body, most) == value
    details = refused(body, most - 1)
    assert details["limit"] == "values"
    assert details["allowed"] == most - 1
    assert isinstance(details["found"], int)
    assert most - 1 < details["found"] <= most


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'[""' + b',""' * 300_000,
        b'{"\\"":[' + b"{} ," * 9_999,
        b'["\\\\",' * 99_999,
    ],
)
def test_what_is_far_too_much_is_refused_whether_it_is_json_or_not(body: bytes) -> None:
    refused(body, 10_000)


@pytest.mark.parametrize("body", [b'{"a":0.' + b"1" * 1_000_000 + b"}", b'{"a":1e-9999}'])
def test_a_long_number_is_read_as_one(body: bytes) -> None:
    assert isinstance(decode_json(body, 2), dict)


@pytest.mark.parametrize("value", [["\0"], {"\0": 1}, {"a": [{"b": "x\0"}]}])
def test_nul_is_found_wherever_it_stands(value: object) -> None:
    body = json.dumps(value).encode()
    with pytest.raises(TurnedAway) as turned:
        refuse_nul(body, decode_json(body, 9))
    assert turned.value.problems[0].code is Code.BAD_USER_INPUT


def test_a_backslash_before_the_same_letters_is_none() -> None:
    refuse_nul(b'"\\\\u0000"', decode_json(b'"\\\\u0000"', 1))


def no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def with_repeats(value: Any) -> str:
    """JSON of pairs, so that a name can stand in it twice."""
    if isinstance(value, tuple):
        members = (f"{json.dumps(name)} : {with_repeats(inner)}" for name, inner in value)
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(with_repeats, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


NAMES = st.sampled_from(["a", "b", "", ":", '"', "\\", '\\":"', "{:", "证"])


@given(
    st.recursive(
        st.none() | st.integers(-9, 9) | NAMES,
        lambda inner: (
            st.lists(inner, max_size=4) | st.lists(st.tuples(NAMES, inner), max_size=4).map(tuple)
        ),
        max_leaves=20,
    )
)
@example((("a", (("b", 1),)), ("a", 2)))
@example([(("a", ":"), ("a", ""))])
def test_a_name_twice_is_found_as_by_a_slow_reader(value: Any) -> None:
    body = with_repeats(value).encode()
    try:
        expected = json.loads(body, object_pairs_hook=no_repeats)
    except ValueError:
        with pytest.raises(TurnedAway) as turned:
            decode_json(body, 1_000)
        assert turned.value.problems[0].words.en == "The same name occurs twice"
    else:
        assert decode_json(body, 1_000) == expected
