"""Long lists (过长的列表): in variables and in literals, with the place and without the content."""

from typing import Any

import pytest
from graphql import (
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)

from zwhub.gateway.analysis import examine
from zwhub.gateway.limits import DocumentLimits
from zwhub.gateway.long_lists import batch_variables, long_list
from zwhub.gateway.problems import Code, Problem

SCHEMA = build_schema("""
    type Query { a(codes: [String], many: Many, deep: [[Int]], rows: [Row!]): Int }
    input Many { records: [Row!] others: [Row!] }
    input Row { codes: [String!] name: String }
""")
LIMITS = DocumentLimits(list_items=3, batch_items=1_000, batches=frozenset({"Many.records"}))


def found(kind: str, value: Any) -> Problem | None:
    (operation,) = parse(f"query($v: {kind}) {{ __typename }}").definitions
    assert isinstance(operation, OperationDefinitionNode)
    return long_list(operation, {"v": value, "other": list(range(9))}, SCHEMA, LIMITS)


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        ("[String!]!", list("abcd"), "$v"),
        ("Many!", {"others": [{"name": "n"}] * 4}, "$v.others"),
        (
            "Many!",
            {"records": [{"name": "n"}] * 9 + [{"codes": list("abcd")}]},
            "$v.records[9].codes",
        ),
        ("[[Int]]", [[1], [1, 2, 3, 4]], "$v[1]"),
    ],
)
def test_a_list_too_long_is_refused_by_its_place(kind: str, value: Any, place: str) -> None:
    problem = found(kind, value)
    assert problem is not None
    assert problem.code is Code.BAD_USER_INPUT
    assert problem.details == {"limit": "listItems", "allowed": 3, "found": 4, "place": place}
    assert place in problem.words.zh
    assert place in problem.words.en


def test_a_batch_no_verb_would_take_is_refused_by_its_place() -> None:
    problem = found("Many!", {"records": [{"name": "n"}] * 1_001})
    assert problem is not None
    assert problem.details == {
        "limit": "listItems",
        "allowed": 1_000,
        "found": 1_001,
        "place": "$v.records",
    }


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("[String!]!", list("abc")),
        ("Many!", {"records": [{"name": "n"}] * 1_000}),
        ("Many!", {"nosuch": list(range(9)), "records": None}),  # for coercion to refuse
        ("[Int]", {"a": list(range(9))}),
        ("NoSuch", list(range(9))),
        ("Int", None),
    ],
)
def test_the_rest_is_left_to_others(kind: str, value: Any) -> None:
    assert found(kind, value) is None


def test_a_literal_too_long_is_refused_by_its_place_too() -> None:
    text = "{ a(codes: [1 2 3]\n many: {others: [{codes: [1 2 3 4]}]}) }"
    (problem,) = examine(parse(text), SCHEMA, LIMITS)
    assert problem.details == {"limit": "listItems", "allowed": 3, "found": 4}
    assert problem.locations == ((2, 26),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("query($v: [Row!]) { a(many: {records: $v}) }", {"v"}),
        ("query($v: [Row!]!) { a(many: {records: $v}) }", {"v"}),
        ("query($v: [Row!]) { ...F } fragment F on Query { a(many: {records: $v}) }", {"v"}),
        ("query($v: [Row!], $w: [Row!]) { a(many: {records: $v, others: $w}) }", {"v"}),
        ("query($v: [Row!]) { a(many: {records: $v, others: $v}) }", set()),
        ("query($v: [Row!]) { a(many: {records: $v}, rows: $v) }", set()),
        ("query($v: [Row!]) { a(many: {records: $v}) ...F } fragment F on Query { b: a(rows: $v) }", set()),
        ("query($v: Row!) { a(many: {records: [$v]}) }", set()),
        ("query($v: Many) { a(many: $v) }", set()),
        ("query($v: [Row!] = []) { a(rows: $v) }", set()),
        ("query A($v: [Row!]) { a(many: {records: $v}) } query B($v: [Row!]) { a(rows: $v) }", set()),
    ],
)  # fmt: skip
def test_a_variable_that_is_the_batch_itself_is_known_by_where_it_stands(
    text: str, expected: set[str]
) -> None:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    assert batch_variables(document, SCHEMA, LIMITS.batches) == expected


def test_such_a_variable_may_be_as_long_as_a_batch() -> None:
    (operation,) = parse("query($v: [Row!]) { a(many: {records: $v}) }").definitions
    assert isinstance(operation, OperationDefinitionNode)
    for size, refused in ((1_000, False), (1_001, True)):
        rows = {"v": [{"name": "n"}] * size}
        problem = long_list(operation, rows, SCHEMA, LIMITS, frozenset({"v"}))
        assert (problem is not None) is refused
