"""The sample's licences (示例证照): deterministic, well-formed, and rich in special states."""

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from zwhub.kernel.identifiers import citizen, uscc
from zwhub.kernel.identifiers.licence import CheckState, LicenceIdentifier
from zwhub.licences.body import read_body
from zwhub.profile.folder import read_rows
from zwhub.profile.holders import Holders
from zwhub.profile.population import Draft, Flaw, State, drafts

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "src/zwhub/profile/sample"
TODAY = date(2026, 11, 20)
MEMBERS = (
    *("format", "identifier", "number", "name", "typeCode", "typeName", "issuerCode"),
    *("issuerName", "issuedOn", "validFrom", "validUntil", "holders", "version", "operation"),
    *("previous", "region", "surface", "signedAt", "signedBy"),
)

TABLES: dict[str, list[dict[str, str]]] = {
    path.stem: read_rows(path) for path in [*SAMPLE.glob("*.csv"), ROOT / "keys/issuers.csv"]
}
PLAN: dict[str, Any] = tomllib.loads((SAMPLE / "profile.toml").read_text("utf-8"))["sample"]
KEYS = {row["kid"]: row for row in TABLES["issuers"]}
PERSONAS = {row["key"]: row["number"] for row in TABLES["personas"]}


@pytest.fixture(scope="module")
def city() -> list[Draft]:
    return list(drafts(TABLES, PLAN, TODAY))


def small(today: date = TODAY, **changes: Any) -> list[Draft]:
    plan = {**PLAN, "persons": 90, "enterprises": 20, "licences": 600, **changes}
    return list(drafts(TABLES, plan, today))


def codes(draft: Draft) -> list[str]:
    return [holder["code"] for holder in draft.payload["holders"]]


def days(draft: Draft, *names: str) -> list[date]:
    return [date.fromisoformat(draft.payload[name]) for name in names]


def test_the_city_has_as_many_records_and_holders_as_planned(city: list[Draft]) -> None:
    holders = Counter(code for draft in city for code in codes(draft))
    assert len(city) == PLAN["licences"]
    assert len(holders) == PLAN["persons"] + PLAN["enterprises"]
    names = Counter(draft.payload["name"] for draft in city)
    assert names.keys() == {row["name"] for row in TABLES["licence_types"]}


def test_the_same_seed_and_day_give_the_same_city() -> None:
    assert small() == small()
    assert small(seed=1) != small()


def test_every_number_is_well_formed_and_of_no_real_region(city: list[Draft]) -> None:
    for draft in city:
        for holder in draft.payload["holders"]:
            if holder["codeType"] == "111":
                assert citizen.is_valid(holder["code"])
                assert holder["code"][:4] == "9901"
            else:
                assert holder["codeType"] == "001"
                assert uscc.check(holder["code"]) is uscc.State.OK
                assert uscc.check_organisation(holder["code"]) is uscc.State.OK
                assert holder["code"][2:6] == "9901"


def test_numbers_of_people_stay_unique_in_a_larger_city() -> None:
    holders = Holders(TABLES, {**PLAN, "persons": 15_000}, TODAY)
    assert len({holders.person(index).code for index in range(15_000)}) == 15_000
    assert len({holders.enterprise(index).code for index in range(3_000)}) == 3_000


def test_identifiers_are_unique_and_check(city: list[Draft]) -> None:
    texts = [draft.payload["identifier"] for draft in city]
    assert len(set(texts)) == len(texts)
    for text, draft in zip(texts, city, strict=True):
        parts = LicenceIdentifier.parse(text)
        assert parts.check_state is CheckState.VALID
        assert parts.issuer == draft.payload["issuerCode"]
        assert (parts.type_code, parts.version) == (
            draft.payload["typeCode"],
            draft.payload["version"],
        )


def test_a_number_belongs_to_one_licence_and_its_versions(city: list[Draft]) -> None:
    by_number = defaultdict(list)
    for draft in city:
        by_number[draft.payload["number"]].append(draft.payload)
    for versions in by_number.values():
        assert [version["version"] for version in versions] == ["001", "002"][: len(versions)]
        assert versions[0]["previous"] is None
        for older, newer in pairwise(versions):
            assert newer["previous"] == older["identifier"]
            assert newer["operation"] in {"延续", "变更"}
            assert older["issuedOn"] < newer["issuedOn"]
            assert newer["holders"] == older["holders"]


def test_payloads_follow_the_licence_format(city: list[Draft]) -> None:
    surfaces = {row["code"]: row["surface"].split("|") for row in TABLES["licence_types"]}
    for draft in city:
        assert tuple(draft.payload) == MEMBERS
        assert list(draft.payload["surface"]) == surfaces[draft.payload["typeCode"]]
    for draft in city[::9]:  # the strict reader, on a share
        body = read_body(json.dumps(draft.payload, ensure_ascii=False).encode())
        assert body.number == draft.payload["number"]


def test_a_record_is_signed_by_its_issuer_within_the_certificate(city: list[Draft]) -> None:
    types = {row["code"]: row["key"] for row in TABLES["licence_types"]}
    for draft in city:
        key = KEYS[draft.kid]
        signed = datetime.fromisoformat(draft.payload["signedAt"])
        assert signed.isoformat().endswith("+08:00")
        (issued,) = days(draft, "issuedOn")
        assert issued <= signed.date() < TODAY
        first, last = (date.fromisoformat(key[name]) for name in ("valid_from", "valid_until"))
        assert first <= signed.date() <= last
        assert key["issuer"] == draft.payload["issuerCode"]
        assert types[draft.payload["typeCode"]] in key["types"].split("|")
        assert (key["state"] == "trusted") is (draft.flaw is not Flaw.UNTRUSTED_ISSUER)


def test_every_trusted_key_signs_and_some_others(city: list[Draft]) -> None:
    used = {draft.kid for draft in city}
    assert {kid for kid, row in KEYS.items() if row["state"] == "trusted"} <= used
    assert {KEYS[kid]["state"] for kid in used} == {"trusted", "withdrawn", "never_listed"}


def test_dates_of_birth_and_issue_are_in_order(city: list[Draft]) -> None:
    for draft in city:
        issued, start = days(draft, "issuedOn", "validFrom")
        assert issued <= start
        for holder in draft.payload["holders"]:
            if holder["codeType"] == "111":
                assert date.fromisoformat(holder["code"][6:14]) <= issued
        if draft.payload["validUntil"] is not None:
            assert start < days(draft, "validUntil")[0]
        assert days(draft, "issuedOn")[0] <= draft.status_since < TODAY


def is_expired(draft: Draft) -> bool:
    until = draft.payload["validUntil"]
    return until is not None and date.fromisoformat(until) < TODAY


def is_not_yet_valid(draft: Draft) -> bool:
    return days(draft, "validFrom")[0] > TODAY


SPECIAL: dict[State, Callable[[Draft], bool]] = {
    State.REVOKED: lambda draft: draft.status == "03",
    State.SUSPENDED: lambda draft: draft.status == "02",
    State.CANCELLED: lambda draft: draft.status == "04",
    State.REVOKED_AS_PENALTY: lambda draft: draft.status == "07",
    State.EXPIRED: is_expired,
    State.NOT_YET_VALID: is_not_yet_valid,
    State.SUPERSEDED: lambda draft: draft.payload["version"] == "002",
    State.UNTRUSTED_ISSUER: lambda draft: draft.flaw is Flaw.UNTRUSTED_ISSUER,
    State.ALTERED_PAYLOAD: lambda draft: draft.flaw is Flaw.ALTERED_PAYLOAD,
    State.WRONG_KEY: lambda draft: draft.flaw is Flaw.WRONG_KEY,
}


@pytest.mark.parametrize("state", [state for state in State if state is not State.VALID])
def test_each_special_state_occurs_in_a_sensible_share(state: State, city: list[Draft]) -> None:
    found = sum(map(SPECIAL[state], city)) / len(city)
    assert 0.1 * PLAN["states"][state]["share"] <= found <= 1.2 * PLAN["states"][state]["share"]


def test_most_of_the_city_is_in_order(city: list[Draft]) -> None:
    sound = [draft for draft in city if not any(special(draft) for special in SPECIAL.values())]
    assert len(sound) > 0.8 * len(city)
    assert {draft.status for draft in sound} == {"01"}


def test_a_change_of_standing_has_a_reason(city: list[Draft]) -> None:
    for draft in city:
        assert bool(draft.status_reason) is (draft.status != "01")


def test_marriages_are_held_by_two(city: list[Draft]) -> None:
    marriages = [draft for draft in city if draft.payload["name"] == "结婚证"]
    assert marriages
    for draft in marriages:
        wife, husband = draft.payload["holders"]
        assert draft.payload["surface"]["女方公民身份号码"] == wife["code"]
        assert draft.payload["surface"]["男方公民身份号码"] == husband["code"]
        assert (int(wife["code"][16]) % 2, int(husband["code"][16]) % 2) == (0, 1)
    shared = Counter(draft.payload["name"] for draft in city if len(codes(draft)) > 1)
    assert shared.keys() == {"结婚证", "离婚证", "不动产权证书"}


@pytest.mark.parametrize("persona", ["citizen", "enterprise"])
def test_the_personas_own_licences_in_every_plight(persona: str, city: list[Draft]) -> None:
    number = PERSONAS[persona]
    own = [draft for draft in city if number in codes(draft)]
    assert len(own) >= 12
    sound = [draft for draft in own if not any(special(draft) for special in SPECIAL.values())]
    assert len(sound) >= 6
    forged = SPECIAL[State.ALTERED_PAYLOAD], SPECIAL[State.WRONG_KEY]
    for special in (State.EXPIRED, State.SUSPENDED, State.REVOKED, State.SUPERSEDED):
        assert any(map(SPECIAL[special], own)), special
    assert any(map(SPECIAL[State.UNTRUSTED_ISSUER], own))
    assert any(is_forged(draft) for is_forged in forged for draft in own)


def test_a_small_city_has_its_personas_too() -> None:
    few = small(licences=40)
    assert len(few) == 40
    assert {PERSONAS["citizen"], PERSONAS["enterprise"]} <= {
        c for draft in few for c in codes(draft)
    }


def test_a_day_without_a_certificate_is_an_error() -> None:
    with pytest.raises(ValueError, match="no certificate"):
        small(today=date(2019, 1, 1))
