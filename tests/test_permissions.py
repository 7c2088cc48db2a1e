"""Who may do what (权限矩阵): every persona asks every root field, and the table says the answer."""

import base64
import re
from collections.abc import Mapping
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType

from builders import Issuer, a_citizen_number, a_holder, licence_types
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, SampleHub, personas
from zwhub import schema as whole
from zwhub.graph.access import root_field
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.actor import Persona

# Each root field with arguments that would do, and what of it must come back when it answers.
ASKED = {
    "businessMatters": "businessMatters { code }",
    "businessMatter": 'businessMatter(code: "ZW-3-03-001") { code }',
    "businessMatterStatistics": "businessMatterStatistics { total }",
    "consistencyFindings": "consistencyFindings { rule }",
    "placeholders": "placeholders { number }",
    "organisations": "organisations { code }",
    "regions": "regions { code }",
    "licenceTypes": "licenceTypes { code }",
    "workingDays": 'workingDays(from: "2026-02-13", days: 5) { dueOn }',
    "statusLists": "statusLists { id uri size }",
    "item": 'item(by: {code: "%(item)s"}) { code }',
    "items": "items(first: 1) { edges { node { code } } }",
    "viewer": "viewer { persona }",
    "node": 'node(id: "%(item_id)s") { id }',
    "nodes": 'nodes(ids: ["%(item_id)s"]) { id }',
    "licence": 'licence(by: {number: "%(number)s"}) { version }',
    "verification": 'verification(id: "%(verification)s") { verdict }',
    "accessLog": "accessLog(first: 1) { edges { node { at purpose } } }",
    "licenceSupermarket": 'licenceSupermarket(input: {itemCodes: ["%(item)s"]%(holder)s}) '
    "{ __typename ... on UserError { code } }",
    "verifyLicence": 'mutation { verifyLicence(input: {licence: {number: "%(number)s"}, '
    'purpose: "核对"}) { __typename ... on UserError { code } } }',
    "collectLicences": 'mutation { collectLicences(input: {records: [{jws: "%(record)s"}]}) '
    "{ __typename ... on UserError { code } } }",
    "verifyLicences": 'mutation { verifyLicences(input: {licences: [{number: "%(number)s"}], '
    'purpose: "核对"}) { __typename ... on UserError { code } } }',
    "verifyLicenceFile": 'mutation { verifyLicenceFile(input: {content: "eyJhLmIuYw==", '
    'purpose: "核对"}) { __typename ... on UserError { code } } }',
    "createUpload": "mutation { createUpload(input: {size: 1}) { __typename ... on UserError { code } } }",
    "changeLicenceStatus": 'mutation { changeLicenceStatus(input: {licence: {number: "%(spare)s"}, '
    'status: SUSPENDED, reason: "核对", basis: "试〔2026〕1号"}) '
    "{ __typename ... on UserError { code } } }",
}

COLUMNS = ["anonymous", "citizen", "enterprise", "clerk", "department"]
COLUMNS += ["powerless", "county", "village", "supervisor", "operator"]  # see samplecity.personas

# + answers; - refused (NOT_ALLOWED); s asks to sign in; 0 answers null, as if it were absent;
# w refused because the system of the column before has changed the status already.
PUBLIC = "+ + + + + + + + + +"
MATRIX = {
    **dict.fromkeys(list(ASKED)[:15], PUBLIC),
    "licence":            "s + 0 - + - + - - -",
    "verification":       "s - - - + - + - - -",
    "accessLog":          "s + + - - - - - - -",
    "licenceSupermarket": "s + + - + - + - - -",
    "verifyLicence":      "s - - - + - + - - -",
    "collectLicences":    "s - - - + - - - - -",
    "verifyLicences":     "s - - - + - + - - -",
    "verifyLicenceFile":  "s - - - + - + - - -",
    "createUpload":       "s - - - + - + - - -",
    "changeLicenceStatus": "s - - - + - w - - -",
}  # fmt: skip
CODES = {"-": "NOT_ALLOWED", "s": "UNAUTHENTICATED", "w": "WRONG_STATE"}

# Every field of these types is on one of the two lists; a new one fails until it is put there.
PERSONAL = {"LicenceHolder.name", "LicenceHolder.code", "Licence.number", "Licence.surface"}
PERSONAL |= {"Licence.holders", "SurfaceItem.name", "SurfaceItem.value"}
NOT_PERSONAL = {
    "Licence": "id identifier name version issuedOn validFrom validUntil region signedAt algorithm "
    "type issuer status statusHistory statusListEntry verification",
    "LicenceHolder": "codeType",
    "SurfaceItem": "",
}

FACE = "number holders { name code } surface { name value }"


@pytest.fixture(scope="module")
async def arguments(hub: SampleHub, issuer: Issuer) -> Mapping[str, str]:
    """What the documents of `ASKED` name: all of it exists."""
    number = "示A·P0001"
    record = issuer.a_licence(number=number, holders=[a_holder(CITIZEN_NAME, CITIZEN)])
    spare = "示A·P0009"
    card = licence_types()["social-security-card"]  # the province's department defines it
    await hub.collect(record, issuer.a_licence(number=spare, type_code=card))
    found = await hub.ask("{ items(first: 1) { edges { node { id code } } } }")
    item = found["data"]["items"]["edges"][0]["node"]
    verification = (await hub.verify(number=number))["id"]
    return {
        "number": number,
        "record": record,
        "verification": verification,
        "spare": spare,
        "item": item["code"],
        "item_id": item["id"],
    }


def _document(field: str, persona: str, arguments: Mapping[str, str]) -> str:
    systems = {"department", "powerless", "county", "village"}
    holder = f', holder: {{code: "{CITIZEN}"}}' if persona in systems else ""
    text = ASKED[field] % {**arguments, "holder": holder}
    return text if text.startswith("mutation") else f"{{ {text} }}"


def _outcome(field: str, answer: Mapping[str, Any]) -> str:
    """The answer as a letter of the matrix, or whole where it is none of them."""
    marks = {code: mark for mark, code in CODES.items()}
    if "errors" in answer:
        (error,) = answer["errors"]
        assert answer["data"] == {field: None}
        code = error["extensions"]["code"]
        return marks.get("NOT_ALLOWED" if code == "FORBIDDEN" else code, str(answer))
    found = answer["data"][field]
    if isinstance(found, dict) and "code" in found and "__typename" in found:
        return marks.get(found["code"], str(answer))
    return "0" if found is None else "+"


def test_the_matrix_has_every_root_field_and_every_persona() -> None:
    roots = [whole.schema._schema.type_map[name] for name in ("Query", "Mutation")]
    fields = {name for one in roots if isinstance(one, GraphQLObjectType) for name in one.fields}
    assert set(MATRIX) == set(ASKED) == fields
    assert all(len(row.split()) == len(COLUMNS) for row in MATRIX.values())
    assert {*COLUMNS, "elsewhere"} == {"anonymous", *(one.key for one in personas())}


@pytest.mark.parametrize("field", MATRIX)
async def test_the_matrix_is_what_happens(
    hub: SampleHub, arguments: Mapping[str, str], field: str
) -> None:
    row = [
        _outcome(field, await hub.ask(_document(field, persona, arguments), persona))
        for persona in COLUMNS
    ]
    assert row == MATRIX[field].split()


@pytest.mark.parametrize(
    ("persona", "field", "zh", "en"),
    [
        ("powerless", "verifyLicence", "缺少此操作所需的权限 licences:verify", "the scope licences:verify"),
        ("powerless", "collectLicences", "licences:collect", "licences:collect, which your token"),
        ("village", "verifyLicence", "办理层级：省、市、县", "province (省), city (市), county (县)"),
        ("county", "collectLicences", "办理层级：省。", "It is at: province (省)."),
    ],
)  # fmt: skip
async def test_a_refusal_names_what_is_wanting(
    hub: SampleHub, arguments: Mapping[str, str], persona: str, field: str, zh: str, en: str
) -> None:
    document = _document(field, persona, arguments).replace("{ code }", "{ message }")
    for language, words in (("zh-CN", zh), ("en", en)):
        answer = await hub.ask(document, persona, language=language)
        assert words in answer["data"][field]["message"]


NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"


@pytest.mark.parametrize("persona", COLUMNS)
async def test_node_answers_as_the_front_way_does(
    hub: SampleHub, arguments: Mapping[str, str], persona: str
) -> None:
    named = await hub.ask(
        'query($n: String!) { licence(by: {number: $n}) { id } }', "department", n=arguments["number"]
    )  # fmt: skip
    ways = {
        "Item": (arguments["item_id"], 'item(by: {id: "%s"}) { id }'),
        "Licence": (named["data"]["licence"]["id"], 'licence(by: {id: "%s"}) { id }'),
        "Verification": (arguments["verification"], 'verification(id: "%s") { id }'),
    }
    assert set(ways) == set(whole.NODES)
    alone = []
    for key, front in ways.values():
        direct = (await hub.ask("{" + front % key + "}", persona))["data"]
        (expected,) = direct.values()
        answer = await hub.ask("query($id: ID!) { node(id: $id) { id } }", persona, id=key)
        assert answer == {"data": {"node": expected}}  # a refusal looks like an absence
        alone.append(expected)
    keys = [key for key, _ in ways.values()]
    several = await hub.ask(NODES, persona, ids=[*keys, "", *reversed(keys)])
    assert several == {"data": {"nodes": [*alone, None, *reversed(alone)]}}


async def test_at_most_a_hundred_nodes_at_a_time(
    hub: SampleHub, arguments: Mapping[str, str]
) -> None:
    found = await hub.ask(NODES, "anonymous", ids=[arguments["item_id"]] * 100)
    assert found["data"]["nodes"] == [{"id": arguments["item_id"]}] * 100
    refused = await hub.ask(NODES, "anonymous", language="en", ids=[arguments["item_id"]] * 101)
    assert refused["data"] == {"nodes": None}
    assert refused["errors"][0]["extensions"]["inputPath"] == ["ids"]
    assert refused["errors"][0]["message"] == "At most 100 at a time."


@pytest.mark.parametrize(
    "key", ["", "!", "Licence:1", "TGljZW5jZTox0", "Tm9zdWNoOjE", base64.b64encode(b"Item:9" * 9)]
)
async def test_a_strange_id_finds_nothing(hub: SampleHub, key: str | bytes) -> None:
    text = key if isinstance(key, str) else key.decode()
    for persona in ("anonymous", "citizen", "department"):
        answer = await hub.ask("query($id: ID!) { node(id: $id) { id } }", persona, id=text)
        assert answer == {"data": {"node": None}}


async def test_a_verification_is_the_asking_bodys_alone(hub: SampleHub) -> None:
    found = await hub.verify(number="NO-SUCH")
    own = "query($id: ID!) { verification(id: $id) { verdict } }"
    answer = await hub.ask(own, "county", id=found["id"])  # the same body, another system
    assert answer["data"]["verification"] == {"verdict": "NOT_GENUINE"}
    answer = await hub.ask(own, "elsewhere", id=found["id"])
    assert answer == {"data": {"verification": None}}


def test_every_field_of_a_licence_is_on_a_list() -> None:
    for name, harmless in NOT_PERSONAL.items():
        kind = whole.schema._schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        listed = {one.partition(".")[2] for one in PERSONAL if one.startswith(f"{name}.")}
        assert set(kind.fields) == listed | set(harmless.split()), "put a new field on a list"
        assert not listed & set(harmless.split())


@pytest.mark.parametrize("number", ["own", "other"])
async def test_personal_fields_are_for_the_holder_alone(
    hub: SampleHub, issuer: Issuer, number: str
) -> None:
    """A licence of the citizen whose number is the citizen's own: everything personal at once."""
    partner = a_citizen_number()
    record = issuer.a_licence(
        number=CITIZEN if number == "own" else "示A·P0002",
        holders=[a_holder(CITIZEN_NAME, CITIZEN), a_holder("王小明", partner)],
        surface={"持有人": CITIZEN_NAME, "号码": CITIZEN},
    )
    (collected,) = await hub.collect(record)
    found = await hub.ask(
        f"query($by: LicenceKey!) {{ licence(by: $by) {{ id {FACE} }} }}",
        "department",
        by={"number": CITIZEN if number == "own" else "示A·P0002"},
    )
    masked = found["data"]["licence"]
    assert masked["holders"] == [
        {"name": "林**", "code": "990***********9982"},
        {"name": "王**", "code": f"990***********{partner[-4:]}"},
    ]
    assert masked["surface"] is None
    assert masked["number"] == ("990***********9982" if number == "own" else "示A·P0002")
    assert CITIZEN not in str(found)
    assert CITIZEN not in str(collected)
    key = masked["id"]
    mine = await hub.ask(
        f"query($id: ID!) {{ node(id: $id) {{ ... on Licence {{ {FACE} }} }} }}", "citizen", id=key
    )
    assert mine["data"]["node"]["holders"] == [
        {"name": CITIZEN_NAME, "code": CITIZEN},
        {"name": "王**", "code": f"990***********{partner[-4:]}"},  # not even to each other
    ]
    assert {"name": "号码", "value": CITIZEN} in mine["data"]["node"]["surface"]
    other = await hub.ask("query($id: ID!) { node(id: $id) { id } }", "enterprise", id=key)
    assert other == {"data": {"node": None}}


@pytest.mark.parametrize("persona", COLUMNS)
async def test_no_answer_shows_another_persons_number(
    hub: SampleHub, arguments: Mapping[str, str], persona: str
) -> None:
    documents = [_document(field, persona, arguments) for field in ASKED]
    deep = f'{{ licence(by: {{number: "{arguments["number"]}"}}) {{ {FACE} }} }}'
    answers = str([await hub.ask(one, persona) for one in (*documents, deep)])
    own = {"citizen": CITIZEN, "enterprise": ENTERPRISE}.get(persona, "")
    # Bodies' codes are public; people's numbers begin with the sample's region.
    people = set(re.findall(r"(?<!\d)990\d{14}[\dX]", answers))
    assert people <= {own}


async def test_the_supermarket_is_for_oneself(hub: SampleHub, arguments: Mapping[str, str]) -> None:
    asked = {"itemCodes": [arguments["item"]], "holder": {"code": CITIZEN}}
    answer = await hub.ask("licence-supermarket", "enterprise", input=asked)
    assert answer["data"]["licenceSupermarket"]["code"] == "NOT_ALLOWED"
    assert answer["data"]["licenceSupermarket"]["path"] == ["input", "holder"]
    answer = await hub.ask("licence-supermarket", "citizen", input=asked)
    assert answer["data"]["licenceSupermarket"]["__typename"] == "SupermarketPlan"


def test_a_root_field_without_a_rule_keeps_the_hub_from_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        def open(self) -> int:
            return 1

    monkeypatch.setattr(whole, "Query", Query)
    with pytest.raises(whole.Unguarded, match="open"):
        whole.operations()


def test_a_type_without_a_rule_keeps_the_hub_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    @strawberry.type
    class Secret:
        word: str = ""

    @strawberry.type(directives=[access({Persona.OPERATOR})])
    class Known:
        secret: Secret

    @strawberry.type
    class Query:
        @root_field("已知", "known", matters=("ZW-1-01-001",), personas=EVERYONE)
        async def known(self) -> Known | None:
            return None

    monkeypatch.setattr(whole, "schema", strawberry.Schema(Query))
    with pytest.raises(whole.Unguarded, match="Secret"):
        whole.type_rules()
