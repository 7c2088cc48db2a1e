"""Verification (证照核验) in every way and with every reason, by the front door."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert

from builders import (
    Issuer,
    a_citizen_number,
    a_holder,
    altered,
    an_issuer,
    body_of,
    licence_types,
    trusting,
)
from samplecity import SampleHub
from zwhub.kernel.clock import BEIJING
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.receipts import read_receipt
from zwhub.kernel.identifiers.licence import check_character, variant_character
from zwhub.licences.findings import CheckName, VerificationReason
from zwhub.licences.held import Held
from zwhub.licences.model import Licence, LicenceStatus
from zwhub.licences.store import add, reserve_ids

Asked = dict[str, Any]
Case = Callable[[SampleHub, Issuer], Awaitable[Asked]]
CASES: dict[str, tuple[Case, str]] = {}
IN_DOUBT = {"NOT_REGISTERED", "STATUS_UNKNOWN", "STATUS_UNAVAILABLE"}
ORDER = [name.value for name in CheckName]


def gives(reason: str) -> Callable[[Case], Case]:
    """Puts a case on the list: what it asks must be answered with this reason."""

    def put(case: Case) -> Case:
        CASES[case.__name__] = case, reason
        return case

    return put


async def collected(hub: SampleHub, record: str) -> Asked:
    (one,) = await hub.collect(record)
    assert one["outcome"] == "ACCEPTED", one["problems"]
    return {"identifier": body_of(record)["identifier"]}


async def held_unseen(hub: SampleHub, record: str) -> Asked:
    """Put a record into the registry past `collectLicences`, as an older hub might have."""
    async with hub.db.write() as session:
        first = await reserve_ids(session, 1)
        held, now = Held.read(first, record.encode()), datetime.now(UTC)
        await add(session, hub.vault, [(held, ())], now)
    return {"identifier": str(held.body.identifier)}


async def standing(hub: SampleHub, record: str, code: str, **more: Any) -> Asked:
    """Collect the record and let the registry learn of another standing."""
    asked = await collected(hub, record)
    said = {"since": datetime(2025, 1, 1, tzinfo=UTC), "from_the_beginning": False, **more}
    async with hub.db.write() as session:
        row_id = (await hub.kept(asked["identifier"])).id
        row = {"licence_id": row_id, "code": code, "reason": "测试", **said}
        await session.execute(insert(LicenceStatus).values(recorded_at=datetime.now(UTC), **row))
    return asked


def with_check(record: Mapping[str, Any], check: Callable[[str], str]) -> str:
    """The identifier of a body with another check character."""
    head, _, _ = record["identifier"].rpartition(".")
    return f"{head}.{check(''.join(head.split('.')[5:]))}"


def a_wrong_check(body: str) -> str:
    right = {check_character(body), variant_character(body)}
    return next(one for one in "0123" if one not in right)


@gives("OK")
async def by_identifier(hub: SampleHub, issuer: Issuer) -> Asked:
    return await collected(hub, issuer.a_licence())


@gives("OK")
async def by_number(hub: SampleHub, issuer: Issuer) -> Asked:
    await collected(hub, issuer.a_licence(number="V-1"))
    return {"number": "V-1"}


@gives("OK")
async def by_jws(hub: SampleHub, issuer: Issuer) -> Asked:
    record = issuer.a_licence()
    await collected(hub, record)
    return {"jws": record}


@gives("OK")
async def variant_check_character(hub: SampleHub, issuer: Issuer) -> Asked:
    bodies = (issuer.a_body() for _ in range(50))
    body = next(b for b in bodies if with_check(b, variant_character) != b["identifier"])
    named = with_check(body, variant_character)
    return await collected(hub, issuer.signed({**body, "identifier": named}))


@gives("NOT_FOUND")
async def no_such_number(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"number": "V-NO-SUCH"}


@gives("NOT_FOUND")
async def no_such_identifier(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"identifier": issuer.a_body()["identifier"]}


@gives("MALFORMED")
async def no_record_at_all(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": "eyJhbGciOiJub25lIn0.e30."}


@gives("MALFORMED")
async def no_licence_inside(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.signed({"hello": "world"})}


@gives("NOT_REGISTERED")
async def never_collected(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.a_licence()}


@gives("RECORD_DIFFERS")
async def signed_again_with_other_content(hub: SampleHub, issuer: Issuer) -> Asked:
    await collected(hub, issuer.a_licence(serial="DIFFERS"))
    return {"jws": issuer.a_licence(serial="DIFFERS", name="另一个证照")}


@gives("SIGNATURE_INVALID")
async def altered_payload(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": altered(issuer.a_licence(), valid_until="2099-12-31")}


@gives("SIGNATURE_INVALID")
async def wrong_key(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.a_licence(PrivateKey.generate(Algorithm.ES256))}


@gives("SIGNATURE_INVALID")
async def another_algorithm_under_the_same_name(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.a_licence(PrivateKey.generate(Algorithm.EDDSA))}


@gives("SIGNATURE_INVALID")
async def forged_and_in_the_registry(hub: SampleHub, issuer: Issuer) -> Asked:
    return await held_unseen(hub, altered(issuer.a_licence(), name="伪造"))


@gives("SIGNED_IN_FUTURE")
async def signed_in_years_to_come(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.a_licence(signed_at="2040-05-01T10:00:00+08:00")}


@gives("SIGNED_IN_FUTURE")
async def signed_in_years_to_come_and_in_the_registry(hub: SampleHub, issuer: Issuer) -> Asked:
    return await held_unseen(hub, issuer.a_licence(signed_at="2040-05-01T10:00:00+08:00"))


@gives("CERTIFICATE_EXPIRED_AT_SIGNING")
async def certificate_not_valid_when_signed(hub: SampleHub, issuer: Issuer) -> Asked:
    old = an_issuer(root=issuer.root, not_after=datetime(2024, 4, 30, tzinfo=UTC))
    await trusting(hub.db, old)
    return await held_unseen(hub, old.a_licence(signed_at="2024-05-01T10:00:00+08:00"))


@gives("ISSUER_NOT_TRUSTED")
async def never_listed(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": an_issuer().a_licence()}


@gives("ISSUER_NOT_TRUSTED")
async def withdrawn(hub: SampleHub, issuer: Issuer) -> Asked:
    one = an_issuer(root=issuer.root, withdrawn_since=datetime(2025, 1, 1, tzinfo=UTC))
    await trusting(hub.db, one)
    return await held_unseen(hub, one.a_licence())


@gives("ISSUER_NOT_TRUSTED")
async def under_no_trusted_root(hub: SampleHub, issuer: Issuer) -> Asked:
    stray = an_issuer()
    known = Issuer(stray.kid, stray.key, issuer.root, stray.certificate, types=stray.types)
    await trusting(hub.db, known)  # the key is listed, the root above it is not
    return await held_unseen(hub, known.a_licence())


@gives("ISSUER_NOT_AUTHORISED")
async def type_not_allowed(hub: SampleHub, issuer: Issuer) -> Asked:
    one = an_issuer(root=issuer.root, types=[licence_types()["driving-licence"]])
    await trusting(hub.db, one)
    return {"jws": one.a_licence(type_code=licence_types()["vehicle-licence"])}


@gives("ISSUER_NOT_AUTHORISED")
async def in_another_bodys_name(hub: SampleHub, issuer: Issuer) -> Asked:
    return {"jws": issuer.a_licence(issuer_code="11990100009810667L")}


@gives("CHECK_CHARACTER_WRONG")
async def wrong_check_character(hub: SampleHub, issuer: Issuer) -> Asked:
    body = issuer.a_body()
    return {"jws": issuer.signed({**body, "identifier": with_check(body, a_wrong_check)})}


@gives("NOT_YET_ISSUED")
async def before_it_was_issued(hub: SampleHub, issuer: Issuer) -> Asked:
    asked = await collected(hub, issuer.a_licence(signed_at="2024-06-01T10:00:00+08:00"))
    return {**asked, "asOf": "2024-04-30T15:59:59Z"}


@gives("OK")
async def issued_and_not_signed_before_it_was_digitised(hub: SampleHub, issuer: Issuer) -> Asked:
    asked = await collected(hub, issuer.a_licence(signed_at="2024-06-01T10:00:00+08:00"))
    return {**asked, "asOf": "2024-04-30T16:00:00Z"}  # the first of May in Beijing


@gives("SUSPENDED")
async def suspended(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "02")


@gives("REVOKED")
async def revoked(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "03")


@gives("REVOKED")
async def revoked_from_the_beginning(hub: SampleHub, issuer: Issuer) -> Asked:
    asked = await standing(hub, issuer.a_licence(), "03", from_the_beginning=True)
    return {**asked, "asOf": "2024-06-01T00:00:00Z"}  # long before the revocation


@gives("REVOKED")
async def revoked_as_penalty(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "07")


@gives("CANCELLED")
async def cancelled(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "04")


@gives("LAPSED")
async def lapsed(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "05")


@gives("TRANSFERRED_OUT")
async def transferred_out(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "06")


@gives("STATUS_UNKNOWN")
async def in_another_state(hub: SampleHub, issuer: Issuer) -> Asked:
    return await standing(hub, issuer.a_licence(), "99")


@gives("STATUS_UNAVAILABLE")
async def without_any_status(hub: SampleHub, issuer: Issuer) -> Asked:
    """The cache still knows a record that the database has lost, as after an old backup."""
    asked = await collected(hub, issuer.a_licence(number="LOST"))
    await hub.verify(number="LOST")
    async with hub.db.write() as session:
        await session.execute(
            delete(Licence).where(Licence.id == (await hub.kept(asked["identifier"])).id)
        )
    return {"number": "LOST"}


@gives("SUPERSEDED")
async def superseded(hub: SampleHub, issuer: Issuer) -> Asked:
    asked = await collected(hub, issuer.a_licence(serial="RENEWED"))
    await collected(hub, issuer.a_licence(serial="RENEWED", version="002"))
    return asked


@gives("NOT_YET_VALID")
async def not_yet_valid(hub: SampleHub, issuer: Issuer) -> Asked:
    return await collected(hub, issuer.a_licence(valid_from="2099-01-01"))


@gives("EXPIRED")
async def expired(hub: SampleHub, issuer: Issuer) -> Asked:
    return await collected(hub, issuer.a_licence(valid_until="2025-01-01"))


@gives("HOLDER_MISMATCH")
async def another_holders_number(hub: SampleHub, issuer: Issuer) -> Asked:
    return {**await collected(hub, issuer.a_licence()), "holder": {"code": a_citizen_number()}}


@gives("HOLDER_MISMATCH")
async def the_number_of_one_and_the_name_of_another(hub: SampleHub, issuer: Issuer) -> Asked:
    first, second = a_holder("测试甲"), a_holder("测试乙")
    asked = await collected(hub, issuer.a_licence(holders=[first, second]))
    return {**asked, "holder": {"code": first["code"], "name": second["name"]}}


def test_every_reason_is_reached() -> None:
    assert {reason for _, reason in CASES.values()} == {one.value for one in VerificationReason}


@pytest.mark.parametrize("name", CASES)
async def test_a_case_gets_its_reason(hub: SampleHub, issuer: Issuer, name: str) -> None:
    case, reason = CASES[name]
    found = await hub.verify(**await case(hub, issuer))
    verdict = "INDETERMINATE" if reason in IN_DOUBT else "NOT_GENUINE"
    assert found["reason"] == reason
    assert found["verdict"] == ("GENUINE" if reason == "OK" else verdict)
    assert [check["name"] for check in found["checks"]] == ORDER
    failed = [check["name"] for check in found["checks"] if check["outcome"] == "FAIL"]
    assert bool(failed) == (found["verdict"] == "NOT_GENUINE")
    assert all(check["detail"] for check in found["checks"])


@pytest.mark.parametrize("algorithm", Algorithm)
async def test_every_algorithm(
    hub: SampleHub, issuers: Mapping[Algorithm, Issuer], algorithm: Algorithm
) -> None:
    issuer = issuers[algorithm]
    found = await hub.verify(**await collected(hub, issuer.a_licence()))
    assert found["verdict"] == "GENUINE"
    assert algorithm.value in found["checks"][1]["detail"]
    forged = await hub.verify(jws=altered(issuer.a_licence(), name="伪造"))
    assert forged["reason"] == "SIGNATURE_INVALID"


async def test_a_variant_check_character_is_a_warning(hub: SampleHub, issuer: Issuer) -> None:
    found = await hub.verify(**await variant_check_character(hub, issuer))
    check = found["checks"][ORDER.index("IDENTIFIER")]
    assert check["outcome"] == "PASS"
    assert "CHECK_DIGIT_VARIANT" in check["detail"]


async def test_not_found_has_the_same_shape(hub: SampleHub, issuer: Issuer) -> None:
    absent = await hub.verify(number="V-NO-SUCH")
    present = await hub.verify(**await by_identifier(hub, issuer))
    assert absent.keys() == present.keys()
    assert [one.keys() for one in absent["checks"]] == [one.keys() for one in present["checks"]]
    assert absent["licence"] is None
    assert {one["outcome"] for one in absent["checks"][1:]} == {"NOT_CHECKED"}


async def test_as_of_before_the_revocation(hub: SampleHub, issuer: Issuer) -> None:
    asked = await revoked(hub, issuer)
    then = await hub.verify(**asked, asOf="2024-12-31T23:59:59Z")
    assert then["verdict"] == "GENUINE"
    assert datetime.fromisoformat(then["asOf"]) == datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
    day = await hub.verify(**asked, asOf="2025-01-01T00:00:00Z")
    assert day["reason"] == "REVOKED"


async def test_as_of_before_it_was_superseded(hub: SampleHub, issuer: Issuer) -> None:
    asked = await collected(hub, issuer.a_licence(serial="TWICE"))
    newer = issuer.a_licence(serial="TWICE", version="002", issued_on="2025-03-01")
    await collected(hub, newer)
    assert (await hub.verify(**asked, asOf="2025-02-28T00:00:00Z"))["verdict"] == "GENUINE"
    assert (await hub.verify(**asked, asOf="2025-03-01T00:00:00Z"))["reason"] == "SUPERSEDED"


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2025-02-28T15:59:59Z", "OK"),  # 28 February in Beijing
        ("2025-02-28T16:00:00Z", "SUPERSEDED"),  # 1 March there, its day of issue
        ("2025-02-28T23:59:59+08:00", "OK"),
        ("2025-03-01T00:00:00+08:00", "SUPERSEDED"),
        ("2025-02-28T17:00:00+01:00", "SUPERSEDED"),
    ],
)
async def test_a_version_replaces_the_older_at_midnight_in_beijing(
    hub: SampleHub, issuer: Issuer, moment: str, reason: str
) -> None:
    old = issuer.a_licence()
    asked = await collected(hub, old)
    serial = asked["identifier"].split(".")[-3]
    newer = issuer.a_licence(serial=serial, version="002", issued_on="2025-03-01")
    await collected(hub, newer)
    assert (await hub.verify(**asked, asOf=moment))["reason"] == reason


async def test_suspended_and_given_back_between(hub: SampleHub, issuer: Issuer) -> None:
    """暂扣 from 1 March to 1 June 2025, learned of late: every day has its own answer."""
    asked = await standing(hub, issuer.a_licence(), "02", since=at(2025, 3, 1))
    await another_standing(hub, asked, "01", at(2025, 6, 1))
    for day, reason in (
        ("2025-02-28T15:59:59Z", "OK"),
        ("2025-02-28T16:00:00Z", "SUSPENDED"),
        ("2025-05-31T15:59:59Z", "SUSPENDED"),
        ("2025-05-31T16:00:00Z", "OK"),
    ):
        assert (await hub.verify(**asked, asOf=day))["reason"] == reason
    assert (await hub.verify(**asked))["verdict"] == "GENUINE"


async def test_ended_as_a_penalty_and_found_void_from_the_beginning(
    hub: SampleHub, issuer: Issuer
) -> None:
    """吊销 ends a licence from its day on; 撤销 can unmake it, whatever was known then."""
    asked = await standing(hub, issuer.a_licence(), "07", since=at(2025, 3, 1))
    before = {**asked, "asOf": "2025-02-01T00:00:00Z"}
    assert (await hub.verify(**before))["verdict"] == "GENUINE"
    await another_standing(hub, asked, "03", at(2025, 9, 1), from_the_beginning=True)
    found = await hub.verify(**before)
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "REVOKED")


def at(year: int, month: int, day: int) -> datetime:
    """Midnight in Beijing."""
    return datetime(year, month, day, tzinfo=BEIJING)


async def another_standing(
    hub: SampleHub, asked: Asked, code: str, since: datetime, *, from_the_beginning: bool = False
) -> None:
    """The registry learns of one more standing of a licence."""
    async with hub.db.write() as session:
        said = {"code": code, "since": since, "recorded_at": datetime.now(UTC), "reason": "测试"}
        row = {"licence_id": (await hub.kept(asked["identifier"])).id, **said}
        row["from_the_beginning"] = from_the_beginning
        await session.execute(insert(LicenceStatus).values(**row))


async def test_a_vendors_check_character_is_a_warning_and_no_more(
    hub: SampleHub, issuer: Issuer
) -> None:
    bodies = (issuer.a_body() for _ in range(50))
    body = next(b for b in bodies if with_check(b, variant_character) != b["identifier"])
    named = with_check(body, variant_character)
    (found,) = await hub.collect(issuer.signed({**body, "identifier": named}))
    assert found["outcome"] == "ACCEPTED"
    assert [one["code"] for one in found["problems"]] == ["CHECK_DIGIT_VARIANT"]
    verified = await hub.verify(identifier=named)
    assert verified["verdict"] == "GENUINE"
    (check,) = (one for one in verified["checks"] if one["name"] == "IDENTIFIER")
    assert check["outcome"] == "PASS"
    assert "CHECK_DIGIT_VARIANT" in check["detail"]


async def test_a_day_before_the_trust_was_withdrawn_does_not_help(
    hub: SampleHub, issuer: Issuer
) -> None:
    """The record came to the hub afterwards: nobody can say that it was signed before."""
    asked = await withdrawn(hub, issuer)
    found = await hub.verify(**asked, asOf="2024-12-31T00:00:00Z")
    assert found["reason"] == "ISSUER_NOT_TRUSTED"


async def test_what_the_hub_held_before_a_key_fell_into_other_hands_stays_good(
    hub: SampleHub, issuer: Issuer
) -> None:
    one = an_issuer(root=issuer.root)
    await trusting(hub.db, one)
    asked = await collected(hub, one.a_licence())
    await trusting(hub.db, replace(one, withdrawn_since=datetime.now(UTC)))
    (late,) = await hub.collect(one.a_licence())
    assert [problem["code"] for problem in late["problems"]] == ["ISSUER_NOT_TRUSTED"]
    assert (await hub.verify(**asked))["verdict"] == "GENUINE"
    assert (await hub.verify(jws=one.a_licence()))["reason"] == "ISSUER_NOT_TRUSTED"


async def test_a_retired_key_signs_no_more(hub: SampleHub, issuer: Issuer) -> None:
    one = an_issuer(root=issuer.root, retired_from=datetime(2025, 1, 1, tzinfo=UTC))
    await trusting(hub.db, one)
    assert (await hub.verify(**await collected(hub, one.a_licence())))["verdict"] == "GENUINE"
    (late,) = await hub.collect(one.a_licence(signed_at="2025-01-01T00:00:00Z"))
    assert [problem["code"] for problem in late["problems"]] == ["ISSUER_NOT_TRUSTED"]


async def test_the_future_cannot_be_verified(hub: SampleHub) -> None:
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    found = await hub.verify(number="V-1", asOf=later)
    assert (found["__typename"], found["code"]) == ("InvalidInput", "INVALID_INPUT")
    assert found["path"] == ["input", "asOf"]


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        ("2024-05-31T15:59:59Z", "NOT_YET_VALID"),
        ("2024-05-31T16:00:00Z", "OK"),  # 1 June in Beijing, still 31 May in Greenwich
        ("2024-12-31T15:59:59Z", "OK"),
        ("2024-12-31T16:00:00Z", "EXPIRED"),  # 1 January in Beijing
        ("2024-12-31T23:59:59+08:00", "OK"),
    ],
)
async def test_days_are_beijing_days(
    hub: SampleHub, issuer: Issuer, moment: str, reason: str
) -> None:
    record = issuer.a_licence(valid_from="2024-06-01", valid_until="2024-12-31")
    asked = await collected(hub, record)
    assert (await hub.verify(**asked, asOf=moment))["reason"] == reason


@pytest.mark.parametrize(
    ("claim", "fits"),
    [
        ({"code": "11010519491231002X"}, True),
        ({"code": "11010519491231002x"}, True),
        ({"code": "１１０１０５１９４９１２３１００２Ｘ"}, True),
        ({"code": " 110105 19491231 002X "}, True),
        ({"code": "110105491231002"}, True),  # the 15 digits of the first generation
        ({"name": "买买提·艾力"}, True),
        ({"name": "买买提•艾力 "}, True),
        ({"name": "买买提・艾力", "code": "11010519491231002X"}, True),
        ({"name": "買買提．艾力"}, True),
        ({"name": "ＭＡＩＭＡＩＴＩ"}, False),
        ({"name": "买买提"}, False),
        ({"name": "买买提·艾力", "code": a_citizen_number()}, False),
    ],
)
async def test_a_claim_is_compared_as_people_write_it(
    hub: SampleHub, issuer: Issuer, claim: dict[str, str], fits: bool
) -> None:
    holder = a_holder("买买提·艾力", "11010519491231002X")
    found = await hub.verify(
        **await collected(hub, issuer.a_licence(holders=[holder])), holder=claim
    )
    assert found["checks"][-1]["outcome"] == ("PASS" if fits else "FAIL")
    assert found["verdict"] == ("GENUINE" if fits else "NOT_GENUINE")


@pytest.mark.parametrize(
    ("purpose", "code"), [("", "INVALID_INPUT"), (" \t", "INVALID_INPUT"), ("核" * 201, "TOO_LONG")]
)
async def test_a_purpose_is_needed(hub: SampleHub, purpose: str, code: str) -> None:
    found = await hub.verify(number="V-1", purpose=purpose)
    assert (found["code"], found["path"]) == (code, ["input", "purpose"])


async def test_messages_follow_the_callers_language(hub: SampleHub) -> None:
    asked = {"licence": {"number": "V-NO-SUCH"}, "purpose": "check"}
    for language, words in (
        ("en", "this repository holds no such licence"),
        ("zh", "本库无此证照"),
    ):
        answer = await hub.ask("verify-licence", "department", language=language, input=asked)
        assert answer["data"]["verifyLicence"]["checks"][0]["detail"] == words


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"caseNumber": "x" * 51}, ["input", "caseNumber"]),
        ({"caseNumber": ""}, ["input", "caseNumber"]),
        ({"caseNumber": "\u001b[31m"}, ["input", "caseNumber"]),
        ({"purpose": "\u200b"}, ["input", "purpose"]),
        ({"purpose": "核对\n"}, ["input", "purpose"]),
        ({"holder": {"code": " "}}, ["input", "holder", "code"]),
        ({"holder": {"name": "林" * 201}}, ["input", "holder", "name"]),
        ({"number": ""}, ["input", "licence", "number"]),
    ],
)
async def test_what_cannot_be_meant_is_refused_at_its_place(
    hub: SampleHub, said: dict[str, Any], path: list[str]
) -> None:
    refused = await hub.verify(**{"number": "示A·NOBODY", "purpose": "核对", **said})
    assert refused["__typename"] == "InvalidInput"
    assert refused["path"] == path


async def test_a_number_that_holds_anothers_own_is_masked_in_part(
    hub: SampleHub, issuer: Issuer
) -> None:
    code = a_citizen_number()
    record = issuer.a_licence(number=f"YS{code}", serial=code, holders=[a_holder("王小明", code)])
    await hub.collect(record)
    found = await hub.ask(
        "query($n: String!) { licence(by: {number: $n}) { number identifier } }",
        "department",
        n=f"YS{code}",
    )
    verified = await hub.verify(number=f"YS{code}")
    assert verified["verdict"] == "GENUINE"
    claims = read_receipt(verified["receipt"], {"keys": [hub.hub.receipts.jwk()]})
    assert code not in str(found) + str(claims)
    assert f"YS{code[:3]}***********{code[-4:]}" == found["data"]["licence"]["number"]
