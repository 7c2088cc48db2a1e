"""The sample city's tables (示例市数据): complete, consistent, and nobody's real data."""

import csv
import re
import string
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers import citizen, uscc
from zwhub.kernel.identifiers.item import BasicCode, ImplementingCode

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "src/zwhub/profile/sample"
ISSUERS = ROOT / "keys/issuers.csv"
FILES = [*sorted(SAMPLE.glob("*.csv")), ISSUERS]

Row = dict[str, str]


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


T = {path.stem: table(path) for path in FILES}
PROFILE: dict[str, Any] = tomllib.loads((SAMPLE / "profile.toml").read_text("utf-8"))
ORGANISATIONS = {row["code"]: row for row in T["organisations"]}
TYPES = {row["key"]: row for row in T["licence_types"]}
ITEMS = {row["code"]: row for row in T["items"]}


def listed(text: str) -> list[str]:
    return text.split("|") if text else []


def alternatives(evidence: str) -> list[list[tuple[str, list[str]]]]:
    """`a[x,y]+b|c` → [[(a, [x, y]), (b, [])], [(c, [])]]"""
    read = []
    for alternative in listed(evidence):
        terms = []
        for term in alternative.split("+"):
            found = re.fullmatch(r"([a-z]+(?:-[a-z]+)*)(?:\[([^\[\]]+)\])?", term)
            assert found, term
            terms.append((found[1], found[2].split(",") if found[2] else []))
        read.append(terms)
    return read


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_tables_open_in_any_spreadsheet(path: Path) -> None:
    data = path.read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in data
    header, *rows = csv.reader(data.decode().splitlines(), strict=True)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", column) for column in header)
    assert all(len(row) == len(header) for row in rows)
    assert all(cell == cell.strip() for row in rows for cell in row)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("regions", "code"),
        ("organisations", "code"),
        ("organisations", "name"),
        ("licence_types", "key"),
        ("licence_types", "code"),
        ("licence_types", "name"),
        ("licence_types", "number_pattern"),
        ("items", "code"),
        ("items", "implementation_code"),
        ("items", "name"),
        ("matters", "code"),
        ("personas", "key"),
        ("attributes", "attribute"),
        ("issuers", "kid"),
    ],
)
def test_keys_are_unique(name: str, key: str) -> None:
    assert [k for k, n in Counter(row[key] for row in T[name]).items() if n > 1] == []


def test_counts_are_what_the_profile_promises() -> None:
    kinds = Counter(row["kind"] for row in T["organisations"])
    expected = PROFILE["expected"]
    assert kinds["department"] == expected["departments"]
    assert kinds["district"] == expected["districts"]
    assert len(ITEMS) == expected["items"]
    assert len(TYPES) == expected["licence_types"]
    assert sum(row["level"] == "县" for row in T["regions"]) == expected["districts"]
    assert [row["number"] for row in PROFILE["replacements"]] == [1, 2, 3, 4, 5, 6]


def test_regions_form_one_tree_that_cannot_be_a_real_place() -> None:
    codes = {row["code"] for row in T["regions"]}
    assert all(code.startswith("99") for code in codes)
    assert {row["parent"] for row in T["regions"]} - {""} <= codes
    assert {PROFILE["city"]["region"], PROFILE["city"]["province"]} <= codes


def test_codes_of_bodies_have_right_check_characters() -> None:
    regions = {row["code"] for row in T["regions"]}
    for code, row in ORGANISATIONS.items():
        assert uscc.check(code) is uscc.State.OK, row["name"]
        assert uscc.check_organisation(code) is uscc.State.OK, row["name"]
        assert code[2:8] == row["region"]
        assert row["region"] in regions
        assert not row["parent"] or row["parent"] in ORGANISATIONS
    assert ORGANISATIONS[PROFILE["city"]["lead"]]["kind"] == "department"


def test_matters_are_the_eleven_of_the_summary_table() -> None:
    matters, claimed = T["matters"], T["matters_summary"]
    kinds = Counter(row["kind"] for row in matters)
    stars = Counter(row["stars"] for row in matters)
    claims = {(row["dimension"], row["key"]): int(row["count"]) for row in claimed}
    assert all(re.fullmatch(r"ZW-[1-4]-\d\d-\d{3}", row["code"]) for row in matters)
    assert len(matters) == claims["total", ""] == 11
    assert kinds == {key: n for (dimension, key), n in claims.items() if dimension == "kind"}
    assert (stars["3"], claims["stars", "3"]) == (5, 4)  # the source contradicts itself
    assert {row["lead"] for row in matters} == {PROFILE["city"]["lead"]}
    levels = {level for row in matters for level in listed(row["levels"])}
    assert levels == {"省", "市", "县", "乡", "村", "群众端"}
    assert {row["time"] for row in matters} == {"", "即时", "实时"}


def test_licence_types_name_their_definer_issuers_and_surface() -> None:
    attributes = {row["attribute"] for row in T["attributes"]}
    for row in TYPES.values():
        assert row["code"][:18] in ORGANISATIONS
        assert re.fullmatch(r"\d{3}", row["code"][18:])
        assert set(listed(row["issuing"])) <= ORGANISATIONS.keys()
        assert row["holder_kind"] in {"person", "enterprise", "either"}
        assert row["multi_holder"] in {"yes", "no"}
        assert row["validity"] == "" or int(row["validity"]) > 0
        assert len(set(listed(row["surface"]))) == len(listed(row["surface"])) > 0
        fields = {field for _, field, _, _ in string.Formatter().parse(row["number_pattern"])}
        assert "serial" in fields
    shown = {name for row in TYPES.values() for name in listed(row["surface"])}
    assert shown == attributes


def test_items_are_coded_as_their_bodies_and_kinds_say() -> None:
    kinds = {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "20"}
    for code, row in ITEMS.items():
        basic = BasicCode.parse(code)
        whole = ImplementingCode.parse(row["implementation_code"])
        assert str(whole) == row["organisation"] + row["level"] + str(basic)
        assert row["kind"] == code[2:4]
        assert row["kind"] in kinds
        assert ORGANISATIONS[row["organisation"]]["kind"] == "department"
        assert set(listed(row["served"])) <= set("123456")
        assert row["case_kind"] in {"1", "2"}
        assert row["visits"] in {"0", "1", "2"}
        assert row["online_depth"] in {"1", "2", "3", "4"}
        assert row["fee"] == "不收费" or row["fee_basis"]
        assert all(re.match("《.+》第.+条$", basis) for basis in listed(row["legal_basis"]))
    departments = {row["code"] for row in T["organisations"] if row["kind"] == "department"}
    assert {row["organisation"] for row in ITEMS.values()} == departments


def test_promised_limits_never_exceed_the_statutory_ones() -> None:
    for row in ITEMS.values():
        assert row["statutory_unit"] == row["promised_unit"]
        assert row["statutory_unit"] in {"工作日", "自然日"}
        assert 0 < int(row["promised_limit"]) <= int(row["statutory_limit"])
        assert row["case_kind"] == "2" or int(row["promised_limit"]) == 1


def test_items_issue_only_what_their_body_may_issue() -> None:
    for row in ITEMS.values():
        for key in listed(row["results"]):
            assert row["organisation"] in listed(TYPES[key]["issuing"]), row["name"]


def test_materials_are_numbered_within_their_item() -> None:
    by_item: dict[str, list[Row]] = {code: [] for code in ITEMS}
    for row in T["materials"]:
        by_item[row["item"]].append(row)
    for rows in by_item.values():
        assert 2 <= len(rows) <= 6
        assert [int(row["position"]) for row in rows] == list(range(1, len(rows) + 1))
        assert len({row["code"] for row in rows}) == len({row["name"] for row in rows}) == len(rows)
    for row in T["materials"]:
        assert row["kind"] in {"原件", "复印件", "原件和复印件"}
        assert row["form"] in {"纸质", "电子", "均可"}
        assert row["necessity"] in {"必要", "非必要", "容缺后补"}
        assert row["source"] in {"申请人自备", "政府部门核发", "其他"}


def test_evidence_names_known_types_and_their_attributes() -> None:
    evidence = [alternatives(row["evidence"]) for row in T["materials"]]
    for terms in (term for whole in evidence for alternative in whole for term in alternative):
        key, attributes = terms
        assert key in TYPES
        assert set(attributes) <= set(listed(TYPES[key]["surface"])), key
    covered = [whole for whole in evidence if whole]
    assert 0.5 <= len(covered) / len(evidence) <= 0.6
    assert any(len(whole) > 1 for whole in covered)
    assert any(len(alternative) > 1 for whole in covered for alternative in whole)


def test_personas_are_known_bodies_and_nobody_real() -> None:
    personas = {row["key"]: row for row in T["personas"]}
    roles = {"citizen", "enterprise", "clerk", "department", "supervisor", "operator"}
    assert personas.keys() == roles
    assert citizen.is_valid(personas["citizen"]["number"])
    assert uscc.check(personas["enterprise"]["number"]) is uscc.State.OK
    assert personas["citizen"]["number"].startswith("99")
    assert personas["enterprise"]["number"][2:4] == "99"
    assert {row["organisation"] for row in personas.values()} - {""} <= ORGANISATIONS.keys()


def test_every_type_has_a_trusted_signer_that_may_issue_it() -> None:
    trusted = [row for row in T["issuers"] if row["state"] == "trusted"]
    assert {key for row in trusted for key in listed(row["types"])} == TYPES.keys()
    for row in T["issuers"]:
        assert row["issuer"] in ORGANISATIONS
        assert len(row["kid"]) <= 64
        assert set(listed(row["types"])) <= TYPES.keys()
        assert date.fromisoformat(row["valid_from"]) < date.fromisoformat(row["valid_until"])
        assert date.fromisoformat(row["state_since"]) >= date.fromisoformat(row["valid_from"])
    for row in trusted:
        for key in listed(row["types"]):
            assert row["issuer"] in listed(TYPES[key]["issuing"])


def test_the_trust_list_shows_every_algorithm_and_every_fate_of_a_key() -> None:
    issuers = Counter(row["issuer"] for row in T["issuers"])
    assert len(issuers) >= 22
    assert {row["algorithm"] for row in T["issuers"]} == set(Algorithm)
    assert {row["state"] for row in T["issuers"]} == {"trusted", "withdrawn", "never_listed"}
    assert max(issuers.values()) == 2  # one issuer has turned its key over


def test_what_holders_hold_refers_to_known_types_and_states() -> None:
    held = {row["type"] for row in T["holdings"]}
    held |= {key for row in T["trades"] for key in listed(row["permits"])}
    assert held == TYPES.keys()
    states = {"valid", *PROFILE["sample"]["states"]}
    personas = {row["key"] for row in T["personas"]}
    for row in T["demo_licences"]:
        assert row["type"] in TYPES
        assert row["state"] in states
        assert row["persona"] in personas
    assert set(PROFILE["sample"]["never_withdrawn"]) <= TYPES.keys()
    assert sum(state["share"] for state in PROFILE["sample"]["states"].values()) < 0.3
