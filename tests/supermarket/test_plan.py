"""Plan (免提交材料清单): what stands in for what, asked at the front door."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders import Issuer, a_citizen_number, a_holder, altered, an_issuer
from samplecity import Ask, SampleHub
from shopping import (
    AS_OF,
    BUSINESS,
    DUE,
    IDENTITY,
    PLAN,
    VEHICLE,
    Holder,
    a_material,
    an_item,
    codes,
    settle,
)
from zwhub.licences import policy
from zwhub.licences.findings import Finding
from zwhub.licences.model import LicenceStatus


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


async def test_a_fleet_of_licences_costs_as_much_as_one(
    hub: SampleHub, holder: Holder, plan: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    examined: list[policy.Question] = []
    examine = policy.examine

    def counting(question: policy.Question) -> Finding:
        examined.append(question)
        return examine(question)

    monkeypatch.setattr(policy, "examine", counting)
    both = f"{VEHICLE}[号牌号码]+{VEHICLE}[车辆类型]+{VEHICLE}"
    code = await an_item(hub, *(a_material(f"证明{n}", both, VEHICLE) for n in range(4)))
    faces = [{"号牌号码": "A"}, {"号牌号码": "A", "车辆类型": "客车"}, {"车辆类型": "客车"}]
    await settle(hub, *(holder.licence(surface=faces[n % 3]) for n in range(60)))
    found = await plan(code)
    assert found["saved"] == 4
    assert len(found["consents"]) == 1
    assert len(examined) == 1


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
