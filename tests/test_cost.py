"""The cost (代价): what the published operations are estimated to take, and what is too much."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import get_named_type, is_object_type
from prometheus_client import CollectorRegistry

from samplecity import OPERATIONS, SampleHub
from zwhub.gateway.execution import Engine
from zwhub.gateway.limits import FrontDoor
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.problems import Code, TurnedAway
from zwhub.gateway.request import Asked
from zwhub.graph.rules import Cost, ListSize
from zwhub.kernel.actor import ANONYMOUS, Actor, Persona
from zwhub.schema import root_fields, schema

GRAPH = schema._schema
SYSTEM = Actor("d", Persona.DEPARTMENT)
EXPENSIVE = "{ items(first: 100) { edges { node { name materials { name evidence { allOf { name } } } } } } }"
FACE = "number type { name } issuer { name } holders { name } status statusHistory { status } statusListEntry { uri }"


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine.of(GRAPH, FrontDoor(), Metrics(CollectorRegistry()))


def cost(engine: Engine, document: str, actor: Actor = SYSTEM, **variables: Any) -> float:
    return engine.ready(Asked(document, None, None, variables), actor).cost


def batch(size: int) -> dict[str, Any]:
    return {"purpose": "p", "licences": [{"number": "n"}] * size}


VARIABLES: dict[str, dict[str, Any]] = {
    "collect-licences": {"input": {"records": [{"jws": "x"}] * 1_000}},
    "verify-licences": {"input": batch(1_000)},
    "items": {"first": 100},
    "my-licences": {"first": 100},
    "access-log": {"first": 100},
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_published_operation_is_well_within_the_limit(engine: Engine, name: str) -> None:
    found = cost(engine, OPERATIONS[name], **VARIABLES.get(name, {}))
    assert 0 < found < 0.5 * engine.door.document.cost


@pytest.mark.parametrize("size", [1_000, 1_200])
def test_a_batch_is_not_refused_for_its_size(engine: Engine, size: int) -> None:
    document = f"""mutation($input: VerifyLicencesInput!) {{ verifyLicences(input: $input) {{
        ... on VerificationBatch {{ counts {{ count }} verifications {{
            checks {{ name }} licence {{ {FACE} }} }} }} }} }}"""
    assert cost(engine, document, input=batch(size)) <= engine.door.document.cost


def test_a_batch_costs_by_its_size_however_it_is_written(engine: Engine) -> None:
    told = "{ ... on VerificationBatch { verifications { licence { name } } } }"
    by = [{"number": "n"}] * 20
    whole = f"mutation($v: VerifyLicencesInput!) {{ verifyLicences(input: $v) {told} }}"
    part = f'mutation($v: [LicenceBy!]!) {{ verifyLicences(input: {{licences: $v, purpose: "p"}}) {told} }}'
    given = ", ".join(['{number: "n"}'] * 20)
    literal = f'mutation {{ verifyLicences(input: {{licences: [{given}], purpose: "p"}}) {told} }}'
    default = whole.replace("Input!", f'Input! = {{licences: [{given}], purpose: "p"}}')
    costs = [
        cost(engine, whole, v={"licences": by, "purpose": "p"}),
        cost(engine, part, v=by),
        cost(engine, literal),
        cost(engine, default),
    ]
    # The verb, its batch, its list of answers, and a licence each.
    assert costs == [round(5 + 20 * 0.1 + 0.05 + 20 * 0.05, 2)] * 4
    assert cost(engine, whole, v={"licences": by[0], "purpose": "p"}) == 5.2


def test_what_is_expensive_costs_visibly_and_a_look_up_does_not(engine: Engine) -> None:
    dear = cost(engine, EXPENSIVE, ANONYMOUS)
    assert dear == 10 + 0.05 + 100 * (0.05 + 0.1) + 500 * 0.05 + 2_500 * 0.1
    assert cost(engine, '{ item(by: {code: "c"}) { name } }', ANONYMOUS) == 1
    assert cost(engine, EXPENSIVE.replace("100", "10"), ANONYMOUS) < dear / 5
    assert cost(engine, "{ __schema { types { name fields { name } } } }") == 0


def test_too_much_is_refused_with_the_figure_and_the_place(engine: Engine) -> None:
    page = "items(first: 100) { edges { node { results { code } materials { name } } } }"
    document = "{\n" + "\n".join(f"r{i}: {page}" for i in range(15)) + "\n}"
    assert cost(engine, document) == 15 * (10 + 0.05 + 100 * 0.25)
    document = document.replace("results { code }", "results { code } organisation { code }")
    small = replace(engine.door, document=replace(engine.door.document, cost=600))
    strict = Engine.of(GRAPH, small, Metrics(CollectorRegistry()))
    with pytest.raises(TurnedAway) as turned:
        cost(strict, document, ANONYMOUS)
    (problem,) = turned.value.problems
    assert problem.code is Code.DOCUMENT_LIMIT_EXCEEDED
    assert problem.details == {"limit": "cost", "allowed": 600, "found": 630.7}
    assert problem.locations == ((15, 1),)
    assert "600 points of cost" in problem.words.en


async def test_the_cost_stands_in_the_answer(hub: SampleHub) -> None:
    body = {"query": EXPENSIVE}
    answer = await hub.http.post("/graphql", json=body)
    assert answer.json()["extensions"] == {"cost": {"requestedQueryCost": 300.05}}


@pytest.mark.parametrize(("actor", "shown"), [(SYSTEM, True), (ANONYMOUS, False)])
def test_in_production_it_is_told_to_known_callers(
    engine: Engine, actor: Actor, shown: bool
) -> None:
    ready = engine.ready(Asked("{ viewer { persona } }", None, None, {}), actor)
    assert bool(ready.extensions()) is shown


def test_every_root_field_and_every_connection_says_what_it_costs() -> None:
    for field in root_fields():
        assert len([one for one in field.directives if isinstance(one, Cost)]) == 1
    for kind in filter(is_object_type, GRAPH.type_map.values()):
        for field in kind.fields.values():
            if get_named_type(field.type).name.endswith("Connection"):
                said = field.extensions["strawberry-definition"].directives
                (size,) = [one for one in said if isinstance(one, ListSize)]
                assert size.slicing_arguments == ["first"]
