"""The published schema (公开架构): a file, described in both languages, a rule on every field."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_introspection_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from zwhub.graph.access import Admit
from zwhub.platform.bundle import bundled
from zwhub.profile.folder import read_rows, sample_folder
from zwhub.schema import _guards, root_fields, schema, sdl, type_rules

GRAPH = schema._schema
ROOTS = {"Query", "Mutation"}
OWN = {
    name: kind
    for name, kind in GRAPH.type_map.items()
    if not is_introspection_type(kind) and not is_specified_scalar_type(kind)
}
OBJECTS = {name: kind for name, kind in OWN.items() if isinstance(kind, GraphQLObjectType)}
MATTERS = {row["code"] for row in read_rows(sample_folder() / "matters.csv")}

# Root fields from which more can be reached than their own rule admits, and what guards it there.
GUARDED_ON_THE_WAY = {
    "node": "looks up the rule of the root field that leads to the kind of node",
    "nodes": "the same, for each kind",
    "viewer": "`licences` answers from the caller's own number and is empty without one",
}

# Lists that callers send, and where the size is bounded besides the document's own limits.
BOUNDED = {
    "Query.nodes(ids:)": "schema.MOST_NODES",
    "CollectLicencesInput.records": "collect.MOST_RECORDS",
    "LicenceSupermarketInput.itemCodes": "plan.MOST_ITEMS",
    "VerifyLicencesInput.licences": "verify_many.MOST_LICENCES",
    "LicenceSupermarketInput.situations": "refused unless empty",
}


class Described(NamedTuple):
    place: str
    words: str | None


def described() -> Iterator[Described]:
    """Everything in the schema that a person reads about."""
    for name, kind in OWN.items():
        yield Described(name, kind.description)
        yield from _members(name, kind)
    for directive in GRAPH.directives:
        if not is_specified_directive(directive):
            yield Described(f"@{directive.name}", directive.description)
            for argument, one in directive.args.items():
                yield Described(f"@{directive.name}({argument}:)", one.description)


def _members(name: str, kind: GraphQLNamedType) -> Iterator[Described]:
    if isinstance(kind, GraphQLEnumType):
        yield from (Described(f"{name}.{v}", one.description) for v, one in kind.values.items())
    if isinstance(kind, GraphQLInputObjectType):
        yield from (Described(f"{name}.{f}", one.description) for f, one in kind.fields.items())
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for member, field in kind.fields.items():
            yield Described(f"{name}.{member}", field.description)
            for argument, one in field.args.items():
                yield Described(f"{name}.{member}({argument}:)", one.description)


def reachable(start: GraphQLNamedType) -> set[str]:
    """The object types to which answers of this type can lead."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        kind = waiting.pop()
        if kind.name in seen:
            continue
        seen.add(kind.name)
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            waiting += GRAPH.get_possible_types(kind)
        if isinstance(kind, GraphQLObjectType):
            waiting += [get_named_type(field.type) for field in kind.fields.values()]
    return seen & set(OBJECTS)


def test_the_file_is_the_schema() -> None:
    published = (bundled("schema") / "zwhub.graphql").read_text("utf-8")
    assert published == sdl(), "regenerate it: zwhub schema > schema/zwhub.graphql"


def bilingual(words: str | None) -> bool:
    chinese, _, english = (words or "").partition(" · ")
    return bool(re.search(r"[\u4e00-\u9fff]", chinese) and re.search(r"[A-Za-z]", english))


def test_everything_is_described_in_both_languages() -> None:
    everything = list(described())
    assert len(everything) > 300
    assert [one.place for one in everything if not bilingual(one.words)] == []


def test_our_directives_are_described_in_both_languages() -> None:
    ours = r'"""\n?(.*?)\n?"""\ndirective @(access|cost|listSize|matter)\('
    lines = re.findall(ours, sdl())
    assert sorted(name for _, name in lines) == ["access", "cost", "listSize", "matter"]
    assert all(bilingual(line) for line, _ in lines)


def test_every_root_field_names_known_matters_and_its_rule() -> None:
    published = sdl()
    for field in root_fields():
        (guard,) = [one for one in field.extensions if isinstance(one, Admit)]
        assert guard.matters
        assert set(guard.matters) <= MATTERS
        assert guard.personas
    roots = sum(len(OBJECTS[name].fields) for name in ROOTS)
    assert len(list(root_fields())) == roots == published.count('@matter(codes: ["')


def test_the_published_rule_is_the_one_that_is_enforced() -> None:
    lines = [line for line in sdl().splitlines() if '@matter(codes: ["' in line]
    said = {(_listed("codes", line), _listed("personas", line), _scope(line)) for line in lines}
    enforced = {
        (tuple(sorted(one.matters)), tuple(sorted(one.personas)), one.scope)
        for one in _guards().values()
    }
    assert said == enforced


def _listed(name: str, line: str) -> tuple[str, ...]:
    found = re.search(rf"{name}: \[([^\]]*)\]", line)
    assert found
    return tuple(part.strip(' "') for part in found[1].split(","))


def _scope(line: str) -> str | None:
    found = re.search(r'scope: "([^"]*)"', line)
    return found[1] if found else None


def test_every_object_type_has_its_rule() -> None:
    assert set(type_rules()) == set(OBJECTS) - ROOTS
    published = sdl()
    for name in type_rules():
        assert re.search(rf"^type {name}\b[^{{]* @access\(personas: \[", published, re.MULTILINE)


@pytest.mark.parametrize("python_name", sorted(_guards()))
def test_whoever_a_root_field_admits_may_see_all_it_leads_to(python_name: str) -> None:
    name = re.sub(r"_(.)", lambda m: m[1].upper(), python_name)
    (field,) = [OBJECTS[root].fields[name] for root in ROOTS if name in OBJECTS[root].fields]
    kind = get_named_type(field.type)
    admitted = {str(one) for one in _guards()[python_name].personas}
    beyond = [one for one in reachable(kind) if not admitted <= type_rules()[one]]
    assert bool(beyond) == (name in GUARDED_ON_THE_WAY)


def test_failures_of_result_unions_are_user_errors() -> None:
    unions = [kind for kind in OWN.values() if isinstance(kind, GraphQLUnionType)]
    assert unions
    error = OWN["UserError"]
    for union in unions:
        success, *failures = union.types
        assert error not in success.interfaces
        assert failures
        assert all(error in failure.interfaces for failure in failures)


def test_connections_require_first() -> None:
    connected = [
        field
        for kind in OBJECTS.values()
        for field in kind.fields.values()
        if get_named_type(field.type).name.endswith("Connection")
    ]
    assert len(connected) >= 2
    for field in connected:
        assert str(field.args["first"].type) == "Int!"


def test_lists_that_callers_send_are_bounded() -> None:
    lists = {
        f"{name}.{member}"
        for name, kind in OWN.items()
        if isinstance(kind, GraphQLInputObjectType)
        for member, field in kind.fields.items()
        if "[" in str(field.type)
    }
    arguments = [
        f"{name}.{member}({argument}:)"
        for name, kind in OBJECTS.items()
        for member, field in kind.fields.items()
        for argument, one in field.args.items()
        if "[" in str(one.type)
    ]
    assert lists | set(arguments) == set(BOUNDED)


def test_root_queries_can_fail_alone() -> None:
    fields = OBJECTS["Query"].fields
    required = {name for name, field in fields.items() if str(field.type).endswith("!")}
    assert required == {"licenceSupermarket"}  # a union: its failures are data
