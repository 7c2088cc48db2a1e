"""Values (取值): what does not fit is named in both languages, and never quoted."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from zwhub.gateway.execution import Engine, Manner
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.problems import TurnedAway, written
from zwhub.gateway.request import Asked
from zwhub.gateway.values import misfit
from zwhub.kernel.actor import ANONYMOUS
from zwhub.kernel.words import Language
from zwhub.schema import schema

MARK = "990101198805179982"
DOORS = {
    profile: Engine.of(schema._schema, FrontDoor(profile=profile), Metrics(CollectorRegistry()))
    for profile in Profile
}


async def said(
    query: str,
    variables: dict[str, Any] | None = None,
    profile: Profile = Profile.DEVELOPER,
    language: Language = Language.EN,
) -> list[str]:
    """The messages of a request that is turned away; none for one that may run."""
    engine = DOORS[profile]
    try:
        ready = engine.ready(Asked(query, None, None, variables or {}), ANONYMOUS)
        if variables is not None:
            await engine.run(ready, Manner(None, language, "r"))
    except TurnedAway as turned:
        entries = written(turned.problems, language, "r", 10)
        assert MARK not in json.dumps(entries)
        return [entry["message"] for entry in entries]
    return []


NAMES = ["code", "id", "cod", "number", "identifier", "text", "holder", "name", "first", "licence"]


def literals() -> st.SearchStrategy[str]:
    """GraphQL values of every shape with the mark at their leaves."""
    leaf = st.sampled_from(
        [f'"{MARK}"', MARK, f"X{MARK}", f"{MARK}.5", f'"""{MARK}"""', f'"x{MARK}"', "null", "true"]
    )
    return st.recursive(
        leaf,
        lambda inner: (
            st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
            | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3).map(
                lambda parts: "{" + ", ".join(f"{k}: {v}" for k, v in parts.items()) + "}"
            )
        ),
        max_leaves=6,
    )


POSITIONS = [
    "{{ item(by: {0}) {{ id }} }}",
    "{{ item(by: {{code: {0}}}) {{ id }} }}",
    "{{ item(by: {{cod: {0}}}) {{ id }} }}",
    "{{ item(by: {{code: {0}, id: {0}}}) {{ id }} }}",
    '{{ item(by: {{code: "a"}}, asOf: {0}) {{ id }} }}',
    "{{ items(first: {0}, filter: {0}) {{ edges {{ cursor }} }} }}",
    "{{ items(first: 1, filter: {{text: {0}, nosuch: {0}}}) {{ edges {{ cursor }} }} }}",
    "{{ workingDays(from: {0}, days: {0}) {{ days {{ __typename }} }} }}",
    "{{ licence(by: {0}) {{ id }} }}",
    "{{ licenceSupermarket(input: {{itemCodes: {0}, holder: {0}}}) {{ __typename }} }}",
    "{{ nosuch(of: {0}) item(nosuch: {0}) {{ id }} }}",
    "{{ __typename @skip(if: {0}) @nosuch(of: {0}) }}",
    "query($x: ItemBy = {0}) {{ item(by: $x) {{ id }} }}",
    "query($x: [Int!] = {0}) {{ item(by: {{code: $x}}) {{ id }} }}",
    "mutation {{ verifyLicence(input: {0}) {{ __typename }} }}",
    "mutation {{ verifyLicence(input: {{licence: {0}, purpose: {0}, asOf: {0}}}) {{ __typename }} }}",
    "mutation {{ changeLicenceStatus(input: {{status: {0}}}) {{ __typename }} }}",
    "{{ item(by {0}) {{ id }} }}",
    "{{ item(by: {0} {0}) {{ id }} }}",
]


@given(st.sampled_from(POSITIONS), literals(), st.sampled_from(Profile), st.sampled_from(Language))
@settings(max_examples=300, deadline=None)
async def test_no_literal_is_ever_quoted(
    position: str, literal: str, profile: Profile, language: Language
) -> None:
    await said(position.format(literal), None, profile, language)


VALUES = st.recursive(
    st.sampled_from([MARK, int(MARK), float(MARK), f"x{MARK}", f"' {MARK}", None, True]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*NAMES, MARK, f"a'. Did you mean '{MARK}'?"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
# The values are read and judged although the fields themselves are skipped.
TYPED = [
    ("ItemBy!", "item(by: $v) @skip(if: true) { id }"),
    ("Date!", "workingDays(from: $v, days: 1) @skip(if: true) { days { __typename } }"),
    ("Int!", "items(first: $v) @skip(if: true) { edges { cursor } }"),
    ("ItemFilter", "items(first: 1, filter: $v) @skip(if: true) { edges { cursor } }"),
    (
        "LicenceSupermarketInput!",
        "licenceSupermarket(input: $v) @skip(if: true) { __typename }",
    ),
    ("LicenceKey!", "licence(by: $v) @skip(if: true) { id }"),
    ("Boolean!", "x: __typename @skip(if: $v)"),
    ("LicenceStatus!", "x: __typename"),
]


@given(st.sampled_from(TYPED), VALUES, st.sampled_from(Profile), st.sampled_from(Language))
@settings(max_examples=300, deadline=None)
async def test_no_variable_is_ever_quoted(
    typed: tuple[str, str], value: object, profile: Profile, language: Language
) -> None:
    kind, selection = typed
    await said(f"query($v: {kind}) {{ __typename {selection} }}", {"v": value}, profile, language)


VERIFY = (
    "mutation($i: VerifyLicenceInput!) { verifyLicence(input: $i) @skip(if: true) { __typename } }"
)


@pytest.mark.parametrize(
    ("wrong", "zh", "en"),
    [
        (
            {"asOf": MARK},
            "变量 $i.asOf 不符合要求：应为带时区的时间（RFC 3339），例如 2026-01-31T09:30:00+08:00",
            "Variable $i.asOf does not fit: an RFC 3339 time with an offset is expected, "
            "for example 2026-01-31T09:30:00+08:00",
        ),
        (
            {"purpose": 7},
            "变量 $i.purpose 不符合要求：应为 String 类型的值",
            "Variable $i.purpose does not fit: a value of type String is expected",
        ),
        (
            {"licence": {"number": MARK, "jws": MARK}},
            "变量 $i.licence 不符合要求：LicenceBy 必须且只能给出一个字段，且其值不能为空",
            "Variable $i.licence does not fit: "
            "LicenceBy takes exactly one field, and its value must not be null",
        ),
        (
            {MARK: 1},
            "变量 $i 不符合要求：VerifyLicenceInput 没有所给的字段",
            "Variable $i does not fit: VerifyLicenceInput has no field of the name given",
        ),
    ],
)
async def test_a_variable_s_place_and_reason_stand_in_both_languages(
    wrong: dict[str, object], zh: str, en: str
) -> None:
    variables = {"i": {"licence": {"number": "A"}, "purpose": "p", **wrong}}
    assert await said(VERIFY, variables, language=Language.ZH) == [zh]
    assert await said(VERIFY, variables, language=Language.EN) == [en]


async def test_developers_are_told_the_names_of_the_schema_that_come_near() -> None:
    typo = f'{{ item(by: {{cod: "{MARK}"}}) {{ id }} }}'
    told, *_ = await said(typo)
    assert told == "ItemBy has no field of the name given. Did you mean 'code' or 'id'?"
    silent, *_ = await said(typo, profile=Profile.PRODUCTION)
    assert silent == "ItemBy has no field of the name given"
    (enum,) = [
        one
        for one in await said(
            "mutation { changeLicenceStatus(input: {status: REVOKE}) { __typename } }"
        )
        if "enum" in one
    ]
    assert "Did you mean 'REVOKED'" in enum


async def test_every_field_an_input_lacks_is_named_where_it_stands_and_only_ten() -> None:
    inside = "{licence: {nummer: 1}, purpose: 2, holder: {code: 3, nam: 4}, casenumber: 5}"
    told = await said(f"mutation {{ verifyLicence(input: {inside}) {{ __typename }} }}")
    assert told == [
        "VerifyLicenceInput has no field of the name given. Did you mean 'caseNumber'?",
        "LicenceBy has no field of the name given. Did you mean 'number'?",
        "HolderClaim has no field of the name given. Did you mean 'name'?",
    ]
    inside = "{purpose: 1, licences: [{nummer: 1}, {jws: 1}, {jwt: 1}]}"
    told = await said(f"mutation {{ verifyLicences(input: {inside}) {{ __typename }} }}")
    assert [one.rpartition(" ")[2] for one in told] == ["'number'?", "'jws'?"]
    many = " ".join(f"x{number}: 1" for number in range(100))
    assert len(await said(f"{{ item(by: {{{many}}}) {{ id }} }}")) == 10


@pytest.mark.parametrize("message", ["", f"Something new about '{MARK}'", f"Argument '{MARK}' x"])
def test_of_an_unknown_message_nothing_passes(message: str) -> None:
    assert misfit(message).en == "it is not of the type expected"
