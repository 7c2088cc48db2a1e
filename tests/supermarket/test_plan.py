"""Plan (免提交材料清单): what need not be brought, asked at the front door."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import func, select

from builders import Issuer, a_citizen_number, a_holder, altered, an_issuer, licence_types
from samplecity import CITIZEN, Ask, SampleHub
from zwhub.items import store as items
from zwhub.licences import store as licences
from zwhub.licences.held import Held
from zwhub.licences.model import LicenceReading, LicenceStatus
from zwhub.supermarket.plan import MOST_ITEMS

PLAN = """
query Plan($input: LicenceSupermarketInput!) {
  licenceSupermarket(input: $input) {
    __typename
    ... on UserError { code message path }
    ... on SupermarketPlan {
      decisionDueOn provisional saved total
      consents { licence { number } attributes granted }
      materials {
        material { name } neededBy { code } outcome
        coveredBy { licence { number } attributes }
        reasons { code message }
        alternatives { usable allOf { key } reasons { code message } }
      }
    }
  }
}
"""
AS_OF = "2026-02-13T10:00:00+08:00"  # five working days on: 2026-02-27
DUE = date(2026, 2, 27)
VEHICLE, BUSINESS, IDENTITY = "vehicle-licence", "business-licence", "identity-card"
TEXTS = (
    *("name", "name_en", "kind", "level", "case_kind", "legal_basis", "conditions", "fee"),
    *("fee_basis", "contact", "complaint", "status", "search_text", "content_digest"),
)
LISTS = ("served", "topics", "results", "grams")
_numbers = count(1)

Material = dict[str, Any]


def a_material(name: str, *together: str, necessity: str = "必要") -> Material:
    """Each of `together` is one list: "type[x,y]+type[z]", as a profile writes it."""
    evidence = [[_need(part) for part in one.split("+")] for one in together]
    said = {"code": name, "name": name, "name_en": name, "kind": "原件", "form": "均可"}
    return {**said, "necessity": necessity, "source": "政府部门核发", "evidence": evidence}


def _need(part: str) -> dict[str, Any]:
    key, _, listed = part.removesuffix("]").partition("[")
    return {"type": licence_types()[key], "attributes": listed.split(",") if listed else []}


async def an_item(
    hub: SampleHub,
    *materials: Material,
    promised: tuple[int | None, str] = (5, "工作日"),
    statutory: tuple[int | None, str] = (20, "工作日"),
) -> str:
    """A published item; its basic code."""
    code = f"99{next(_numbers):010}"
    body = hub.city.tables["organisations"][0]["code"]
    row: dict[str, Any] = dict.fromkeys(TEXTS, "测试") | {name: [] for name in LISTS}
    row |= {"code": code, "implementation_code": f"{body}3{code}", "organisation": body}
    row |= {"promised_limit": promised[0], "promised_unit": promised[1]}
    row |= {"statutory_limit": statutory[0], "statutory_unit": statutory[1]}
    row |= {"version": 1, "effective_from": datetime(2020, 1, 1, tzinfo=UTC)}
    row |= {"visits": 0, "online_depth": 4}
    listed = [{**one, "position": n} for n, one in enumerate(materials, start=1)]
    async with hub.db.write() as session:
        await items.publish(session, [(row, listed)])
    return code


async def settle(hub: SampleHub, *records: str) -> list[int]:
    """The records as the registry would hold them, forgeries too; their ids."""
    held = [Held.read(0, record.encode()) for record in records]
    async with hub.db.write() as session:
        ids = await licences.add(session, held, hub.hub.index_secret, datetime.now(UTC))
    return [ids[str(one.body.identifier)] for one in held]


class Holder:
    """One person, and licences made for it."""

    def __init__(self, issuer: Issuer) -> None:
        self.code, self.issuer = a_citizen_number(), issuer

    def licence(self, kind: str = VEHICLE, issuer: Issuer | None = None, **changes: Any) -> str:
        said = {"type_code": licence_types()[kind], "holders": [a_holder(code=self.code)]}
        return (issuer or self.issuer).a_licence(**{**said, **changes})


@pytest.fixture
def holder(issuer: Issuer) -> Holder:
    return Holder(issuer)


@pytest.fixture
def plan(ask: Ask, holder: Holder) -> Callable[..., Any]:
    """The plan for `holder`, asked by a department system."""

    async def run(*codes: str, as_of: str = AS_OF, language: str = "en") -> dict[str, Any]:
        question = {"itemCodes": codes, "holder": {"code": holder.code}, "asOf": as_of}
        answer = await ask(PLAN, "department", language=language, input=question)
        assert "errors" not in answer
        found: dict[str, Any] = answer["data"]["licenceSupermarket"]
        return found

    return run


def codes(reasons: Sequence[dict[str, str]]) -> list[str]:
    return [one["code"] for one in reasons]


async def test_a_licence_stands_in_for_a_material(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", f"{VEHICLE}[号牌号码]"), a_material("申请表"))
    await settle(hub, holder.licence(number="V-1"))
    found = await plan(code)
    assert (found["saved"], found["total"], found["decisionDueOn"]) == (1, 2, DUE.isoformat())
    exempt, form = found["materials"]
    covered = [{"licence": {"number": "V-1"}, "attributes": ["号牌号码"]}]
    assert (exempt["outcome"], exempt["coveredBy"]) == ("EXEMPT", covered)
    assert codes(exempt["reasons"]) == ["CONSENT_REQUIRED"]
    assert found["consents"] == [{**covered[0], "granted": False}]
    assert (form["outcome"], codes(form["reasons"])) == ("SUBMIT", ["NO_EVIDENCE"])


async def test_no_licence_no_relief(hub: SampleHub, plan: Callable[..., Any]) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == ("SUBMIT", ["NO_SUCH_LICENCE"])
    assert material["alternatives"] == [
        {"usable": False, "allOf": [{"key": VEHICLE}], "reasons": material["reasons"]}
    ]
    assert material["reasons"][0]["message"] == "no licence of this type is held"
    [material] = (await plan(code, language="zh"))["materials"]
    assert material["reasons"][0]["message"] == "名下没有此类证照"


async def test_the_face_must_tell_what_is_needed(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", f"{VEHICLE}[号牌号码,发证日期]"))
    await settle(hub, holder.licence(surface={"号牌号码": "示A·00001"}))
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == ("SUBMIT", ["ATTRIBUTE_MISSING"])
    assert "发证日期" in material["reasons"][0]["message"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("02", "SUSPENDED"), ("03", "REVOKED"), ("04", "CANCELLED"), ("07", "REVOKED")],
)
async def test_a_licence_that_is_not_in_force_does_not_count(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any], status: str, reason: str
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    [licence_id] = await settle(hub, holder.licence())
    now = datetime.now(UTC)
    since = datetime(2025, 6, 1, tzinfo=UTC)
    async with hub.db.write() as session:
        session.add(
            LicenceStatus(
                licence_id=licence_id, code=status, since=since, recorded_at=now, reason=""
            )
        )
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == ("SUBMIT", [reason])
    before = await plan(code, as_of="2025-05-01T10:00:00+08:00")
    assert before["materials"][0]["outcome"] == "EXEMPT"


async def test_a_forgery_does_not_count_and_the_reason_says_so(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    await settle(hub, altered(holder.licence(), valid_until="2099-12-31"))
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == ("SUBMIT", ["SIGNATURE_INVALID"])
    assert "signature does not match" in material["reasons"][0]["message"]
    [material] = (await plan(code, language="zh"))["materials"]
    assert material["reasons"][0]["message"] == "证照核验未通过：签名与内容不符"


async def test_an_issuer_that_nobody_trusts_does_not_count(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    await settle(hub, holder.licence(issuer=an_issuer()))
    [material] = (await plan(code))["materials"]
    assert codes(material["reasons"]) == ["ISSUER_NOT_TRUSTED"]


async def test_a_newer_version_takes_the_place_of_the_older(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", f"{VEHICLE}[号牌号码]"))
    older = holder.licence(serial="SERIES01", number="V-OLD")
    [_] = await settle(hub, older)
    newer = holder.licence(
        serial="SERIES01",
        version="002",
        number="V-OLD",
        issued_on="2025-01-01",
        surface={"车辆识别代号": "X"},
    )
    await settle(hub, newer)
    [material] = (await plan(code))["materials"]
    assert material["outcome"] == "SUBMIT"
    assert sorted(codes(material["reasons"])) == ["ATTRIBUTE_MISSING", "SUPERSEDED"]


@pytest.mark.parametrize(("days", "outcome"), [(0, "EXEMPT"), (-1, "SUBMIT"), (1, "EXEMPT")])
async def test_a_licence_must_last_until_the_decision_is_due(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any], days: int, outcome: str
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    await settle(hub, holder.licence(valid_until=DUE + timedelta(days)))
    [material] = (await plan(code))["materials"]
    assert material["outcome"] == outcome
    if outcome == "SUBMIT":
        assert codes(material["reasons"]) == ["EXPIRES_BEFORE_DECISION"]
        assert DUE.isoformat() in material["reasons"][0]["message"]


async def test_an_expired_or_coming_licence_does_not_count(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE))
    await settle(
        hub, holder.licence(valid_until="2025-12-31"), holder.licence(valid_from="2026-03-01")
    )
    [material] = (await plan(code))["materials"]
    assert sorted(codes(material["reasons"])) == ["EXPIRED", "NOT_YET_VALID"]


@pytest.mark.parametrize(
    ("necessity", "outcome", "reasons"),
    [
        ("必要", "SUBMIT", ["NO_SUCH_LICENCE"]),
        ("容缺后补", "DEFERRABLE", ["NO_SUCH_LICENCE"]),
        ("非必要", "DEFERRABLE", ["NO_SUCH_LICENCE", "OPTIONAL"]),
    ],
)
async def test_what_may_follow_later(
    hub: SampleHub, plan: Callable[..., Any], necessity: str, outcome: str, reasons: list[str]
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE, necessity=necessity))
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == (outcome, reasons)


async def test_all_of_a_list_are_needed_together(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("证明", f"{VEHICLE}[号牌号码]+{IDENTITY}[姓名]"))
    await settle(hub, holder.licence(VEHICLE, number="V-2"))
    [material] = (await plan(code))["materials"]
    assert (material["outcome"], codes(material["reasons"])) == ("SUBMIT", ["NO_SUCH_LICENCE"])
    await settle(hub, holder.licence(IDENTITY, number="I-2", surface={"姓名": "测试甲"}))
    [material] = (await plan(code))["materials"]
    assert material["outcome"] == "EXEMPT"
    assert {one["licence"]["number"] for one in material["coveredBy"]} == {"V-2", "I-2"}


async def test_any_one_of_several_lists_will_do(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("证明", f"{VEHICLE}+{BUSINESS}", IDENTITY))
    await settle(hub, holder.licence(IDENTITY, number="I-3"))
    [material] = (await plan(code))["materials"]
    assert material["outcome"] == "EXEMPT"
    assert [one["licence"]["number"] for one in material["coveredBy"]] == ["I-3"]
    assert [one["usable"] for one in material["alternatives"]] == [False, True]
    assert codes(material["alternatives"][0]["reasons"]) == ["NO_SUCH_LICENCE"] * 2


async def test_the_smallest_disclosure_over_all_materials_wins(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(
        hub,
        a_material("一", f"{VEHICLE}[号牌号码]", f"{IDENTITY}[姓名,住址]"),
        a_material("二", f"{BUSINESS}[名称]", f"{IDENTITY}[姓名,住址]"),
        a_material("三", f"{IDENTITY}[姓名]"),
    )
    await settle(
        hub,
        holder.licence(VEHICLE),
        holder.licence(BUSINESS, surface={"名称": "甲"}),
        holder.licence(
            IDENTITY, number="I-4", surface={"姓名": "甲", "住址": "某地", "民族": "汉"}
        ),
    )
    found = await plan(code)
    assert found["saved"] == 3
    assert found["consents"] == [
        {"licence": {"number": "I-4"}, "attributes": ["住址", "姓名"], "granted": False}
    ]


async def test_a_fleet_of_licences_weighs_as_one(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    both = f"{VEHICLE}[号牌号码]+{VEHICLE}[车辆类型]+{VEHICLE}"
    code = await an_item(hub, *(a_material(f"证明{n}", both, VEHICLE) for n in range(4)))
    faces = [{"号牌号码": "A"}, {"号牌号码": "A", "车辆类型": "客车"}, {"车辆类型": "客车"}]
    await settle(hub, *(holder.licence(surface=faces[n % 3]) for n in range(60)))
    found = await plan(code)
    assert found["saved"] == 4
    assert len(found["consents"]) == 1


async def test_a_licence_held_by_two_serves_each(
    hub: SampleHub, ask: Ask, issuer: Issuer, holder: Holder
) -> None:
    code = await an_item(hub, a_material("结婚证", "marriage-certificate"))
    spouse = a_citizen_number()
    both = [a_holder(code=holder.code), a_holder("测试乙", code=spouse)]
    await settle(hub, holder.licence("marriage-certificate", holders=both))
    for one in (holder.code, spouse):
        question = {"itemCodes": [code], "holder": {"code": one}, "asOf": AS_OF}
        answer = await ask(PLAN, "department", input=question)
        assert answer["data"]["licenceSupermarket"]["saved"] == 1


async def test_a_bundle_asks_for_each_paper_once(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any]
) -> None:
    shared = a_material("行驶证", VEHICLE)
    first = await an_item(hub, shared, a_material("申请表一"))
    second = await an_item(
        hub, a_material("申请表二"), {**shared, "code": "别名"}, promised=(10, "自然日")
    )
    await settle(hub, holder.licence(valid_until=DUE))
    found = await plan(first, second)
    needed = {m["material"]["name"]: [i["code"] for i in m["neededBy"]] for m in found["materials"]}
    assert needed == {"行驶证": [first, second], "申请表一": [first], "申请表二": [second]}
    assert found["decisionDueOn"] == DUE.isoformat()  # the later of 02-27 and 02-23
    assert found["saved"] == 1


@pytest.mark.parametrize(
    ("as_of", "promised", "statutory", "due", "provisional"),
    [
        ("2026-02-13", (5, "工作日"), (20, "工作日"), "2026-02-27", False),
        ("2026-02-13", (10, "自然日"), (20, "自然日"), "2026-02-23", False),
        ("2026-01-31", (1, "月"), (2, "月"), "2026-02-28", False),
        ("2024-02-29", (1, "年"), (2, "年"), "2025-02-28", False),
        ("2026-02-13", (None, ""), (5, "工作日"), "2026-02-27", False),
        ("2026-02-13", (None, ""), (None, ""), "2026-02-13", False),
        ("2026-12-21", (10, "工作日"), (20, "工作日"), "2027-01-04", True),
        ("2026-12-21", (30, "自然日"), (60, "自然日"), "2027-01-20", False),
    ],
)
async def test_when_the_decision_is_due(
    hub: SampleHub,
    plan: Callable[..., Any],
    as_of: str,
    promised: tuple[int | None, str],
    statutory: tuple[int | None, str],
    due: str,
    provisional: bool,
) -> None:
    code = await an_item(hub, a_material("一"), promised=promised, statutory=statutory)
    found = await plan(code, as_of=f"{as_of}T01:00:00+08:00")
    assert (found["decisionDueOn"], found["provisional"]) == (due, provisional)


async def test_a_citizen_asks_about_itself_alone(hub: SampleHub, ask: Ask) -> None:
    code = await an_item(hub, a_material("身份证", IDENTITY))
    own = [{"itemCodes": [code]}, {"itemCodes": [code], "holder": {"code": CITIZEN}}]
    for question in own:
        answer = await ask(PLAN, "citizen", input=question)
        assert answer["data"]["licenceSupermarket"]["saved"] == 1
    other = {"itemCodes": [code], "holder": {"code": a_citizen_number()}}
    answer = await ask(PLAN, "citizen", input=other)
    refused = answer["data"]["licenceSupermarket"]
    assert (refused["__typename"], refused["path"]) == ("NotAllowed", ["input", "holder"])
    answer = await ask(PLAN, "enterprise", input={"itemCodes": [code]})
    assert answer["data"]["licenceSupermarket"]["saved"] == 0


@pytest.mark.parametrize(
    ("persona", "reason"),
    [
        ("anonymous", "UNAUTHENTICATED"),
        ("clerk", "NOT_ALLOWED"),
        ("supervisor", "NOT_ALLOWED"),
        ("powerless", "NOT_ALLOWED"),
    ],
)
async def test_nobody_else_asks(hub: SampleHub, ask: Ask, persona: str, reason: str) -> None:
    question = {"itemCodes": ["x"], "holder": {"code": CITIZEN}}
    answer = await ask(PLAN, persona, input=question)
    refused = answer["data"]["licenceSupermarket"]
    assert (refused["__typename"], refused["code"]) == ("NotAllowed", reason)


async def test_a_department_names_the_holder(hub: SampleHub, ask: Ask) -> None:
    answer = await ask(PLAN, "department", language="en", input={"itemCodes": ["x"]})
    refused = answer["data"]["licenceSupermarket"]
    assert (refused["code"], refused["message"]) == ("INVALID_INPUT", "Name the holder.")
    assert refused["path"] == ["input", "holder"]


async def readings(hub: SampleHub) -> int:
    async with hub.db.read() as session:
        return await session.scalar(select(func.count()).select_from(LicenceReading)) or 0


async def test_a_departments_look_leaves_a_trace_and_ones_own_does_not(
    hub: SampleHub, ask: Ask, holder: Holder, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("行驶证", VEHICLE), a_material("身份证", IDENTITY))
    [licence_id] = await settle(hub, holder.licence())
    await ask(PLAN, "citizen", input={"itemCodes": [code]})
    before = await readings(hub)
    await plan(code)
    async with hub.db.read() as session:
        newest = select(LicenceReading).order_by(LicenceReading.id.desc()).limit(1)
        traced = await session.scalar(newest)
    assert await readings(hub) == before + 1
    assert traced is not None
    department = next(p for p in hub.city.tables["personas"] if p["key"] == "department")
    assert (traced.licence_id, traced.organisation) == (licence_id, department["organisation"])


@pytest.mark.parametrize(
    ("asked", "reason", "path"),
    [
        (["999999999999"], "UNKNOWN_ITEM", ["input", "itemCodes", "0"]),
        (["known", "999999999999"], "UNKNOWN_ITEM", ["input", "itemCodes", "1"]),
        ([], "INVALID_INPUT", ["input", "itemCodes"]),
        (["known", "known"], "INVALID_INPUT", ["input", "itemCodes"]),
        ([f"{n}" for n in range(MOST_ITEMS + 1)], "INVALID_INPUT", ["input", "itemCodes"]),
    ],
)
async def test_items_that_cannot_be_planned(
    hub: SampleHub, plan: Callable[..., Any], asked: list[str], reason: str, path: list[str]
) -> None:
    known = await an_item(hub, a_material("一"))
    refused = await plan(*(known if one == "known" else one for one in asked))
    assert (refused["__typename"], refused["code"]) == ("InvalidInput", reason)
    assert refused["path"] == path


async def test_a_refusal_speaks_the_callers_language(plan: Callable[..., Any]) -> None:
    zh, en = await plan("999999999999", language="zh"), await plan("999999999999", language="en")
    assert zh["message"] == "事项库中没有此编码。"
    assert en["message"] == "The library has no item of this code."


async def test_an_item_that_was_not_yet_in_force_is_unknown(
    hub: SampleHub, plan: Callable[..., Any]
) -> None:
    code = await an_item(hub, a_material("一"))
    refused = await plan(code, as_of="2019-12-31T23:00:00+08:00")
    assert refused["code"] == "UNKNOWN_ITEM"


async def test_situations_are_refused_as_long_as_no_item_has_any(hub: SampleHub, ask: Ask) -> None:
    code = await an_item(hub, a_material("一"))
    answer = await ask(PLAN, "citizen", input={"itemCodes": [code], "situations": ["x"]})
    assert answer["data"]["licenceSupermarket"]["path"] == ["input", "situations", "0"]
