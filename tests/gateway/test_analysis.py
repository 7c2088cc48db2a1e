from dataclasses import replace

import pytest
from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    build_schema,
    get_introspection_query,
    parse,
    validate,
)
from hypothesis import given
from hypothesis import strategies as st

from effort import effort
from hostile import chained_fragments
from zwhub.gateway.analysis import examine, introspects
from zwhub.gateway.limits import DocumentLimits
from zwhub.gateway.problems import Problem

SCHEMA = build_schema(
    "type Query { thing: Thing many(of: [Int]): [Thing] } type Thing { name: String again: Thing }"
)
LIMITS = DocumentLimits()


def found(text: str, limits: DocumentLimits = LIMITS) -> dict[object, Problem]:
    problems = examine(parse(text), SCHEMA, limits)
    return {problem.details.get("limit", problem.code): problem for problem in problems}


@pytest.mark.parametrize(
    ("limit", "text", "place"),
    [
        ("depth", "{ thing { again { again { name } } } }", (1, 27)),
        ("aliases", "{ a: thing { name }\n b: thing { name }\n c: thing { name } }", (3, 2)),
        ("directives", "query @x { thing @y {\n name @z @w } }", (2, 10)),
        ("nodes", "{ thing { name\n again { name again { again { name } } } } }", (2, 23)),
        (
            "rootFields",
            "{ thing { name } ...F } fragment F on Query { a: thing { name } }",
            (1, 47),
        ),
        ("repeats", "{ thing { name name name } }", (1, 21)),
        ("operations", "query A { thing { name } }\nquery B { thing { name } }", (2, 1)),
        ("introspectionAliases", "{ a: __schema { types { b: fields { c: name } } } }", (1, 37)),
        ("digits", "{ many(of: [1, {a: 12345}]) { name } }", (1, 20)),
    ],
)
def test_each_limit_names_the_figure_and_the_place(
    limit: str, text: str, place: tuple[int, int]
) -> None:
    allowed = {
        "depth": replace(LIMITS, depth=3),
        "aliases": replace(LIMITS, aliases=2),
        "directives": replace(LIMITS, directives=3),
        "nodes": replace(LIMITS, nodes=5),
        "rootFields": replace(LIMITS, root_fields=1),
        "repeats": replace(LIMITS, repeats=2),
        "operations": replace(LIMITS, operations=1),
        "introspectionAliases": replace(LIMITS, introspection_aliases=2),
        "digits": replace(LIMITS, digits=4),
    }[limit]
    problems = found(text, allowed)
    assert list(problems) == [limit]
    problem = problems[limit]
    assert problem.locations == (place,)
    assert isinstance(problem.details["found"], int)
    assert problem.details["found"] == problem.details["allowed"] + 1  # type: ignore[operator]
    assert str(problem.details["allowed"]) in problem.words.zh
    assert str(problem.details["found"]) in problem.words.en


def test_nothing_is_said_of_a_modest_document() -> None:
    assert found("query Q($x: Int = 1) { thing { name again { name } } }") == {}


def test_of_bad_values_only_the_first_are_named() -> None:
    text = "{ many(of: [" + "12345 " * 50 + "]) { name } }"
    problems = examine(parse(text), SCHEMA, replace(LIMITS, digits=4), 7)
    assert len(problems) == 7
    assert problems[0].locations == ((1, 13),)


def test_every_operation_is_counted_on_its_own() -> None:
    one = "{ " + " ".join(f"a{i}: thing {{ name }}" for i in range(10)) + " }"
    assert found(f"query A {one} query B {one}") == {}


def test_an_unused_fragment_is_counted_as_well() -> None:
    fields = "name " * 600
    assert "nodes" in found(f"{{ thing {{ name }} }} fragment F on Thing {{ {fields} }}")


def test_fragments_do_not_hide_depth_aliases_or_directives() -> None:
    text = """{ ...A } fragment A on Query { x: thing @a { ...B } }
              fragment B on Thing @b { y: again @c { ... on Thing @d { z: name } } }"""
    limits = replace(LIMITS, depth=2, aliases=2, directives=3)
    assert set(found(text, limits)) == {"depth", "aliases", "directives"}


def test_a_chain_costs_the_limit_and_not_what_it_would_become() -> None:
    document = parse(chained_fragments(60))  # 2^60 fields, written out
    with effort() as spent:
        problems = examine(document, SCHEMA, LIMITS)
    assert spent < [0.05]
    assert "nodes" in {problem.details["limit"] for problem in problems}


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...A }",
        "fragment A on Query { thing { ...B } } fragment B on Thing { again { ...B } }",
        "{ ...Nowhere }",
        "{ ... on Nothing { what { ever } } }",
        "fragment A on Nothing { a } fragment A on Nothing { a }",
    ],
)
def test_cycles_and_gaps_are_left_to_validation(text: str) -> None:
    assert found(text) == {}
    assert validate(SCHEMA, parse(text))


def test_introspection_may_be_deep_whatever_it_is_called() -> None:
    renamed = get_introspection_query().replace("IntrospectionQuery", "Anything")
    assert found(renamed) == {}
    assert introspects(parse(renamed))


def test_nothing_else_may_be_deep_even_under_that_name() -> None:
    deep = "query IntrospectionQuery { __schema: thing " + "{ again " * 14 + "{ name }" + "}" * 15
    assert "depth" in found(deep)
    mixed = "{ __schema { types { name } } thing " + "{ again " * 14 + "{ name }" + "}" * 15
    assert "depth" in found(mixed)


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("{ __schema { description } }", True),
        ("{ a: __schema { description } }", True),
        ('{ ...F } fragment F on Query { ... { x: __type(name: "A") { name } } }', True),
        ("{ __typename thing { __typename } }", False),
        ("{ __schema: thing { name } }", False),
    ],
)
def test_what_counts_as_introspection(text: str, does: bool) -> None:
    assert bool(introspects(parse(text))) is does


def deep_fields() -> st.SearchStrategy[str]:
    """Documents over the schema's fields and three fragments, cycles and all."""
    leaf = st.sampled_from(["name", "b: name", "...F0", "...F1", "...F2", "name @skip(if: false)"])
    inner = st.recursive(
        leaf,
        lambda below: st.lists(below, min_size=1, max_size=3).map(
            lambda parts: "again { " + " ".join(parts) + " }"
        ),
        max_leaves=6,
    )
    bodies = st.lists(inner, min_size=3, max_size=3)
    return bodies.map(
        lambda parts: (
            "{ thing { ...F0 ...F1 ...F2 } } "
            + " ".join(f"fragment F{i} on Thing {{ {part} }}" for i, part in enumerate(parts))
        )
    )


def written_out(text: str) -> int:
    """Selections of the first operation with its fragments written out, the plain way."""
    first, *others = parse(text).definitions
    fragments = {
        node.name.value: node for node in others if isinstance(node, FragmentDefinitionNode)
    }

    def count(selections: SelectionSetNode | None, open_: frozenset[str]) -> int:
        return sum(1 + below(node, open_) for node in selections.selections) if selections else 0

    def below(node: SelectionNode, open_: frozenset[str]) -> int:
        if not isinstance(node, FragmentSpreadNode):
            return count(getattr(node, "selection_set", None), open_)
        name = node.name.value
        return 0 if name in open_ else count(fragments[name].selection_set, open_ | {name})

    assert isinstance(first, OperationDefinitionNode)
    return count(first.selection_set, frozenset())


@given(deep_fields())
def test_the_walk_counts_what_plain_expansion_counts(text: str) -> None:
    expected = written_out(text)
    limits = replace(LIMITS, nodes=expected)
    assert "nodes" not in found(text, limits)
    assert "nodes" in found(text, replace(limits, nodes=expected - 1))
