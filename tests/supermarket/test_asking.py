"""Asking the supermarket (证照超市): who may, about whom, for which items, and until when."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from builders import a_citizen_number
from samplecity import CITIZEN, Ask, SampleHub
from shopping import IDENTITY, PLAN, VEHICLE, Holder, a_material, an_item, settle
from zwhub.licences.model import LicenceReading
from zwhub.supermarket.plan import MOST_ITEMS


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
    for nobody in ("", " "):
        unnamed = {"itemCodes": [code], "holder": {"code": nobody}}
        refused = (await ask(PLAN, "citizen", input=unnamed))["data"]["licenceSupermarket"]
        told = (refused["code"], refused["path"])
        assert told == ("INVALID_INPUT", ["input", "holder", "code"])
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
