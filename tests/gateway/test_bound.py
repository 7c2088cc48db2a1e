"""The node bound (节点上限): objects counted from the document and the variables alone."""

import pytest
from graphql import FragmentDefinitionNode, OperationDefinitionNode, build_schema, parse, validate
from hypothesis import given
from hypothesis import strategies as st

from zwhub.gateway.bound import Bound, bound_of
from zwhub.gateway.walk import visits

SCHEMA = build_schema("""
    type Query { page(first: Int, last: Int): Page rows(first: Int): [Thing!]! things: [Thing!]!
                 thing: Thing grid: [[Thing]] name: String names: [String] any: [Any!] }
    type Mutation { many(input: Many!): Report one(input: One!): Report }
    input Many { records: [String!]! } input One { name: String }
    type Report { things: [Thing!]! }
    type Page { edges: [Edge!]! info: Thing nodes: [Thing] }
    type Edge { node: Thing }
    type Thing { name: String thing: Thing parts: [Thing!] page(first: Int = 7): Page }
    union Any = Thing | Edge
""")


def of(text: str) -> Bound:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    parts = document.definitions
    operation = next(one for one in parts if isinstance(one, OperationDefinitionNode))
    fragments = {one.name.value: one for one in parts if isinstance(one, FragmentDefinitionNode)}
    return bound_of(visits(operation, fragments, SCHEMA, frozenset({"Many.records"})))


def nodes(text: str, **variables: object) -> int:
    found = of(text)
    low, high = 0, 10**9
    while low < high:
        most = (low + high) // 2
        if found.beyond(most, variables) is None:
            high = most
        else:
            low = most + 1
    return low


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ name names }", 0),
        ("{ thing { name thing { name } } }", 2),
        ("{ things { name } }", 1),
        ("{ things { thing { name } } }", 1 + 5),
        ("{ rows(first: 30) { thing { name } } }", 1 + 30),
        ("{ grid { thing { name } } }", 1 + 25),
        ("{ page(first: 20) { edges { node { name } } info { name } } }", 1 + 1 + 20 + 1),
        ("{ page(last: 20) { edges { node { name } } } }", 1 + 1 + 20),
        ("{ page(first: 20) { info { parts { thing { name } } } } }", 1 + 1 + 1 + 5),
        ("{ page(first: 20) { nodes { parts { thing { name } } } } }", 1 + 1 + 20 + 100),
        ("{ page(first: 0) { edges { node { name } } } }", 1 + 1 + 1),
        ("{ page(first: -9) { edges { node { name } } } }", 1 + 1 + 1),
        ("{ page(first: 999999) { edges { node { name } } } }", 1 + 1 + 100),
        ("{ page(first: 1, last: 1) { edges { node { name } } } }", 1 + 1 + 100),
        ("{ page { edges { node { name } } } }", 1 + 1 + 100),
        ("{ page(first: null) { edges { node { name } } } }", 1 + 1 + 100),
        ("{ things { thing { name } things: thing { name } } }", 1 + 5 + 5),
        ("{ thing { name } ...F ...F } fragment F on Query { thing { thing { name } } }", 2),
        ("{ a: thing { name } b: thing { name } }", 2),
        ("{ thing @skip(if: true) { name } }", 1),
        ("{ any { ... on Thing { thing { name } } ... on Edge { node { name } } } }", 1 + 5 + 5),
        ("{ __schema { types { fields { name } } } __typename }", 0),
        ('mutation { many(input: {records: "a"}) { things { thing { name } } } }', 3),
        ("mutation { one(input: {}) { things { thing { name } } } }", 1 + 1 + 5),
    ],
)
def test_what_a_document_may_make_the_hub_gather(text: str, expected: int) -> None:
    assert nodes(text) == expected


@pytest.mark.parametrize(
    ("given_", "size"), [(20, 20), (0, 1), (500, 100), (None, 100), ("x", 100), (2.0, 2)]
)
def test_a_page_in_a_variable(given_: object, size: int) -> None:
    text = "query($n: Int) { page(first: $n) { edges { node { parts { thing { name } } } } } }"
    assert nodes(text, n=given_) == 1 + 1 + size + size + 5 * size
    assert nodes(text) == 1 + 1 + 100 + 100 + 500


def test_a_variable_that_is_not_given_has_its_default() -> None:
    text = "query($n: Int = 4) { page(first: $n) { edges { node { page(first: $n) { info { name }"
    assert nodes(text + "} } } } }") == 1 + 1 + 4 + 4 + 4
    assert nodes(text + "} } } } }", n=2) == 1 + 1 + 2 + 2 + 2


def test_the_root_field_that_goes_too_far_is_named() -> None:
    found = of("{ thing { name }\n page(first: 50) { edges { node { name } } } x: thing { name } }")
    assert found.beyond(53, {}) is not None
    assert found.beyond(54, {}) is None
    told = found.beyond(40, {})
    assert told is not None
    assert (told[0], told[1].name.value) == (1 + 52, "page")


STEPS = ["thing", "parts", "page(first: 3) { edges { node", "page { info"]


@given(st.lists(st.sampled_from(STEPS), max_size=6))
def test_nesting_multiplies_and_nothing_else_does(steps: list[str]) -> None:
    text, closing, expected, around = "{ thing {", "} }", 1, 1
    for step in steps:
        text, closing = f"{text} {step} {{", closing + " }" * (1 + step.count("{"))
        match step:
            case "thing":
                expected += around
            case "parts":
                expected, around = expected + around, around * 5
            case "page { info":
                expected += 2 * around
            case _:
                expected, around = expected + around * (1 + 1 + 3), around * 3
    assert nodes(f"{text} name {closing}") == expected
