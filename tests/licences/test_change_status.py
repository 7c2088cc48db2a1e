"""Status changes (状态变更): who may, what can follow what, and no verdict that lags behind."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from builders import Issuer, licence_types
from samplecity import OPERATIONS, SampleHub
from zwhub.licences.model import LicenceStatus
from zwhub.licences.status import FOLLOWING, LicenceState

ISSUER_BODY = "elsewhere"  # the persona of the body whose keys the builders sign with


async def change(
    hub: SampleHub, number: str, status: str, persona: str = ISSUER_BODY, **more: Any
) -> dict[str, Any]:
    said = {"reason": "违法行为调查", "basis": "示市监〔2026〕7号", **more}
    asked = {"licence": {"number": number}, "status": status, **said}
    answer = await hub.ask(OPERATIONS["change-licence-status"], persona, input=asked)
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["changeLicenceStatus"]
    return found


async def a_number(hub: SampleHub, issuer: Issuer, **changes: Any) -> str:
    record = issuer.a_licence(**changes)
    (one,) = await hub.collect(record)
    return str(one["licence"]["number"])


async def reason(hub: SampleHub, number: str, **more: Any) -> str:
    return str((await hub.verify(number=number, **more))["reason"])


async def test_suspended_given_back_revoked(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    assert await reason(hub, number) == "OK"
    suspended = await change(hub, number, "SUSPENDED")
    assert suspended["status"] == "SUSPENDED"
    assert await reason(hub, number) == "SUSPENDED"
    await change(hub, number, "VALID", reason="整改完毕，发还")
    assert await reason(hub, number) == "OK"
    revoked = await change(hub, number, "REVOKED")
    assert await reason(hub, number) == "REVOKED"
    history = [entry["status"] for entry in revoked["statusHistory"]]
    assert history == ["VALID", "SUSPENDED", "VALID", "REVOKED"]
    assert revoked["statusHistory"][2]["reason"] == "整改完毕，发还"
    for state in LicenceState:
        assert (await change(hub, number, state))["code"] == "WRONG_STATE"
    async with hub.db.read() as session:
        rows = (await session.scalars(select(LicenceStatus).order_by(LicenceStatus.id))).all()
    assert rows[-1].basis == "示市监〔2026〕7号"
    assert rows[-1].actor.startswith("department-")


async def test_it_was_valid_before_its_revocation(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await change(hub, number, "REVOKED", since=yesterday.isoformat())
    before = (yesterday - timedelta(hours=1)).isoformat()
    assert await reason(hub, number, asOf=before) == "OK"
    assert await reason(hub, number) == "REVOKED"


async def test_void_from_the_beginning(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    await change(hub, number, "REVOKED", fromTheBeginning=True)
    assert await reason(hub, number, asOf="2024-06-01T00:00:00+08:00") == "REVOKED"


async def test_one_that_has_ended_can_still_be_found_void(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    await change(hub, number, "CANCELLED")
    assert (await change(hub, number, "VALID"))["code"] == "WRONG_STATE"
    assert (await change(hub, number, "REVOKED", fromTheBeginning=True))["status"] == "REVOKED"


async def test_another_bodys_licence_looks_absent(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)  # neither issued nor defined by the department
    theirs = await change(hub, number, "REVOKED", "department")
    absent = await change(hub, "示A·NOBODY", "REVOKED", "department")
    assert theirs == absent
    assert theirs["code"] == "UNKNOWN_LICENCE"
    assert await reason(hub, number) == "OK"


async def test_the_body_that_defines_the_type_may(hub: SampleHub, issuer: Issuer) -> None:
    card = licence_types()["social-security-card"]
    number = await a_number(hub, issuer, type_code=card)
    assert (await change(hub, number, "SUSPENDED", "department"))["status"] == "SUSPENDED"


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"reason": " "}, "reason"),
        ({"basis": ""}, "basis"),
        ({"basis": "字" * 501}, "basis"),
        ({"since": "2999-01-01T00:00:00+08:00"}, "since"),
        ({"fromTheBeginning": True}, "fromTheBeginning"),
    ],
)
async def test_what_cannot_be_meant(
    hub: SampleHub, issuer: Issuer, said: dict[str, Any], place: str
) -> None:
    number = await a_number(hub, issuer)
    refused = await change(hub, number, "SUSPENDED", **said)
    assert (refused["code"], refused["path"]) == ("INVALID_INPUT", ["input", place])
    assert await reason(hub, number) == "OK"


async def test_of_many_at_once_one_revokes(hub: SampleHub, issuer: Issuer) -> None:
    number = await a_number(hub, issuer)
    answers = await asyncio.gather(*(change(hub, number, "REVOKED") for _ in range(8)))
    assert sorted(one["__typename"] for one in answers) == ["InvalidInput"] * 7 + ["Licence"]


async def test_no_verdict_lags_behind(hub: SampleHub, issuer: Issuer) -> None:
    """Once a revocation is answered, no verification that begins after it says GENUINE."""
    numbers = [await a_number(hub, issuer) for _ in range(10)]
    revoked: set[str] = set()
    stale = []

    async def read() -> None:
        for _ in range(12):
            for number in numbers:
                known = number in revoked
                if known and await reason(hub, number) != "REVOKED":
                    stale.append(number)
                await asyncio.sleep(0)

    async def write() -> None:
        for number in numbers:
            await reason(hub, number)  # the cache holds it now
            await change(hub, number, "REVOKED")
            revoked.add(number)

    await asyncio.gather(write(), read(), read())
    assert stale == []
    assert [await reason(hub, number) for number in numbers] == ["REVOKED"] * len(numbers)


@given(st.sampled_from(LicenceState), st.sampled_from(LicenceState))
def test_an_end_is_an_end(before: LicenceState, after: LicenceState) -> None:
    assert set(FOLLOWING) == set(LicenceState)
    assert before not in FOLLOWING[before]
    ended = LicenceState.VALID not in FOLLOWING[before] and before is not LicenceState.VALID
    if ended and after in FOLLOWING[before]:
        assert after is LicenceState.REVOKED
