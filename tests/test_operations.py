"""The published operations (公开操作) run verbatim, each for the persona it is for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse, validate

from builders import Issuer, a_holder
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, OPERATIONS, Ask, SampleHub
from zwhub.cli.personas import demo_personas
from zwhub.cli.tabs import sample_tabs
from zwhub.gateway.plans import plans
from zwhub.kernel.clock import civil_date
from zwhub.platform.bundle import bundled
from zwhub.profile.folder import read_rows, sample_folder

ITEMS = {row["code"]: row for row in read_rows(sample_folder() / "items.csv")}


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    return build_schema((bundled("schema") / "zwhub.graphql").read_text("utf-8"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_is_valid_by_the_published_schema(published: GraphQLSchema, name: str) -> None:
    assert validate(published, parse(OPERATIONS[name])) == []


def test_every_operation_of_the_contract_is_published() -> None:
    wanted = "matters item items verify-licence my-licences collect-licences licence-supermarket"
    wanted += " verify-licences change-licence-status access-log verify-licence-file"
    assert set(OPERATIONS) == set(wanted.split())


async def test_each_runs_as_a_tab_of_graphiql(
    hub: SampleHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("graphql-core had to finish what a plan began")

    monkeypatch.setattr(plans, "replay", never)
    async with hub.db.read() as session:
        tabs = await sample_tabs(session, demo_personas(), hub.vault)
    assert {tab.query for tab in tabs} == set(OPERATIONS.values())
    for tab in tabs:
        variables: dict[str, Any] = dict(tab.variables)
        answer = await hub.ask(tab.query, tab.persona or "anonymous", **variables)
        assert "errors" not in answer
        assert all(root is not None for root in answer["data"].values())
        if tab.query == OPERATIONS["change-licence-status"]:  # and back, for the tests below
            back = {**variables["input"], "status": "VALID"}
            answer = await hub.ask("change-licence-status", "department", input=back)
            assert answer["data"]["changeLicenceStatus"]["status"] == "VALID"


async def test_the_tab_that_changes_a_status_follows_what_holds(hub: SampleHub) -> None:
    """As a demo that is started again on the same data: it is suspended, then given back."""
    for status in ("SUSPENDED", "VALID"):
        async with hub.db.read() as session:
            tabs = await sample_tabs(session, demo_personas(), hub.vault)
        (tab,) = [tab for tab in tabs if tab.query == OPERATIONS["change-licence-status"]]
        variables: dict[str, Any] = dict(tab.variables)
        answer = await hub.ask(tab.query, "department", **variables)
        assert answer["data"]["changeLicenceStatus"]["status"] == status


async def test_matters(ask: Ask) -> None:
    data = (await ask("matters", "anonymous"))["data"]
    matters = {one["code"]: one for one in data["businessMatters"]}
    rows = read_rows(sample_folder() / "matters.csv")
    assert list(matters) == [row["code"] for row in rows]
    assert matters["ZW-3-03-001"]["operations"] == [
        "changeLicenceStatus",
        "createUpload",
        "licence",
        "statusLists",
        "verification",
        "verifyLicence",
        "verifyLicenceFile",
        "verifyLicences",
    ]
    assert matters["ZW-3-03-001"]["leadOrganisation"] == {"name": "示例市政务服务管理局"}
    statistics = data["businessMatterStatistics"]
    assert statistics["total"] == len(rows)
    assert {one["key"]: one["count"] for one in statistics["byKind"]} == {
        "公共服务": 9,
        "行政许可": 1,
        "行政确认": 1,
    }
    assert {one["key"]: one["count"] for one in statistics["byStars"]} == {"3": 5, "2": 6}
    claimed = [one for one in data["consistencyFindings"] if "stars" in str(one)]
    assert claimed, "the source's summary counts one three-star matter less than its table"
    assert [one["number"] for one in data["placeholders"]] == [1, 2, 3, 4, 5, 6]
    assert data["placeholders"][0]["status"] == "SAMPLE"


async def test_items(ask: Ask) -> None:
    seen: list[str] = []
    after = None
    while True:
        answer = await ask("items", "anonymous", first=50, after=after)
        page = answer["data"]["items"]
        seen += [edge["node"]["code"] for edge in page["edges"]]
        assert page["totalCount"] == {"value": len(ITEMS), "isExact": True}
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert seen == sorted(ITEMS)


async def test_items_by_text(ask: Ask) -> None:
    answer = await ask("items", "anonymous", first=100, text="许可 食品")
    found = {e["node"]["code"]: e["node"]["name"] for e in answer["data"]["items"]["edges"]}
    assert found
    assert all("食品" in name for name in found.values())


async def test_item(ask: Ask) -> None:
    code, row = next((c, r) for c, r in ITEMS.items() if r["promised_limit"])
    item = (await ask("item", "anonymous", code=code))["data"]["item"]
    assert (item["code"], item["name"], item["version"]) == (code, row["name"], 1)
    assert item["implementationCode"] == row["implementation_code"]
    assert item["organisation"]["code"] == row["organisation"]
    assert item["promisedLimit"] == {
        "amount": int(row["promised_limit"]),
        "unit": row["promised_unit"],
    }
    materials = read_rows(sample_folder() / "materials.csv")
    assert {one["code"] for one in item["materials"]} == {
        one["code"] for one in materials if one["item"] == code
    }
    before = await ask("item", "anonymous", code=code, asOf="1999-12-31T00:00:00Z")
    assert before["data"]["item"] is None


async def test_my_licences(ask: Ask) -> None:
    answer = await ask("my-licences", "citizen", first=100)
    viewer = answer["data"]["viewer"]
    assert (viewer["persona"], viewer["name"]) == ("CITIZEN", CITIZEN_NAME)
    nodes = [edge["node"] for edge in viewer["licences"]["edges"]]
    assert viewer["licences"]["totalCount"] == {"value": len(nodes), "isExact": True}
    reasons = [node["verification"]["reason"] for node in nodes]
    expected = read_rows(sample_folder() / "demo_licences.csv")
    mine = [row["state"] for row in expected if row["persona"] == "citizen"]
    assert len(nodes) == len(mine) + mine.count("superseded")
    assert set(reasons) == {
        "OK",
        "SUPERSEDED",
        "SUSPENDED",
        "EXPIRED",
        "CANCELLED",
        "REVOKED",
        "SIGNATURE_INVALID",
        "ISSUER_NOT_TRUSTED",
    }
    assert reasons.count("OK") == mine.count("valid") + mine.count("superseded")


async def test_verify_licence(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence(number="示A·T0001", holders=[a_holder(CITIZEN_NAME, CITIZEN)])
    await hub.collect(record)
    found = await hub.verify(number="示A·T0001", holder={"code": CITIZEN, "name": CITIZEN_NAME})
    assert (found["verdict"], found["reason"]) == ("GENUINE", "OK")
    assert {one["outcome"] for one in found["checks"]} == {"PASS"}
    assert found["licence"]["holders"] == [{"name": "林**", "code": "990***********9982"}]
    assert found["licence"]["type"]["name"] == "机动车行驶证"
    assert found["licence"]["validUntil"] is None
    assert found["trustListVersion"] != "0" != found["statusVersion"]


async def test_collect_licences(ask: Ask, issuer: Issuer) -> None:
    good, bad = issuer.a_licence(number="示A·T0002"), "not.a.record"
    records = {"records": [{"jws": good}, {"jws": bad}]}
    report = (await ask("collect-licences", "department", input=records))["data"]["collectLicences"]
    counts = [report[name] for name in ("received", "accepted", "unchanged", "quarantined")]
    assert counts == [2, 1, 0, 1]
    assert report["records"][0] == {
        "index": 0,
        "outcome": "ACCEPTED",
        "licence": {"number": "示A·T0002"},
        "problems": [],
    }
    assert report["records"][1]["problems"][0]["code"] == "MALFORMED"
    again = (await ask("collect-licences", "department", input=records))["data"]["collectLicences"]
    counts = [again[name] for name in ("received", "accepted", "unchanged", "quarantined")]
    assert counts == [2, 0, 1, 1]


@pytest.mark.parametrize(("persona", "number"), [("citizen", CITIZEN), ("enterprise", ENTERPRISE)])
async def test_licence_supermarket(hub: SampleHub, persona: str, number: str) -> None:
    served = "1" if persona == "citizen" else "2"
    codes = [code for code, row in ITEMS.items() if served in row["served"].split("|")][::4]
    plans = [await _plan(hub, persona, itemCodes=[code]) for code in codes]
    today = civil_date(datetime.now(UTC)).isoformat()
    assert all(plan["__typename"] == "SupermarketPlan" for plan in plans)
    for plan in plans:
        outcomes = [one["outcome"] for one in plan["materials"]]
        assert (plan["saved"], plan["total"]) == (outcomes.count("EXEMPT"), len(outcomes))
        covered = [one for one in plan["materials"] if one["coveredBy"]]
        assert [one["outcome"] for one in covered] == ["EXEMPT"] * plan["saved"]
        for coverage in (c for one in covered for c in one["coveredBy"]):
            until = coverage["licence"]["validUntil"]
            assert until is None or until >= plan["decisionDueOn"] >= today
    best = max(plans, key=lambda plan: int(plan["saved"]))
    assert best["saved"] >= 1
    named = await _plan(hub, "department", itemCodes=[codes[plans.index(best)]], holder=number)
    assert named["saved"] == best["saved"]


async def _plan(
    hub: SampleHub, persona: str, holder: str | None = None, **input: object
) -> dict[str, Any]:
    asked = {**input, **({"holder": {"code": holder}} if holder else {})}
    answer = await hub.ask("licence-supermarket", persona, input=asked)
    plan: dict[str, Any] = answer["data"]["licenceSupermarket"]
    return plan
