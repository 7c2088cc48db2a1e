"""Verify a licence (证照核验), and leave a trace whatever the answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.identifiers.holder import mask_number
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.uuid7 import uuid7
from zwhub.kernel.words import Words
from zwhub.licences import policy, store
from zwhub.licences.body import MalformedBody
from zwhub.licences.findings import Check, Finding
from zwhub.licences.gather import By, Registry, find, questions
from zwhub.licences.held import Held, number_key
from zwhub.licences.model import Verification
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.trust import trust_list

LONGEST_PURPOSE = 200


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What is asked: which licence, whose it is said to be, why, and as of when."""

    by: By
    value: str
    purpose: str
    as_of: datetime
    claim: HolderClaim | None = None
    case_number: str | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """What the hub found, and the trace it left."""

    finding: Finding
    held: Held | None
    trace: Verification


async def verify_licence(
    session: AsyncSession,
    registry: Registry,
    enquiry: Enquiry,
    actor: Actor,
    receipts: ReceiptKey,
    now: datetime,
) -> Verified:
    """Gather, decide, record, answer. A false licence is a normal answer: it is returned.

    Raises `Refused` (INVALID_INPUT, TOO_LONG) before anything is looked up.
    """
    _require_sense(enquiry, now)
    finding, question, held = await _examine(session, registry, enquiry)
    trust_version = (await trust_list(session, registry.trust)).version
    trace = _trace(enquiry, finding, held, registry, actor, now)
    trace.trust_list_version = trust_version
    trace.status_version = _status_version(question)
    trace.receipt = receipts.seal(_statement(trace, enquiry, held))
    store.record_verification(session, trace)
    return Verified(finding, held, trace)


async def _examine(
    session: AsyncSession, registry: Registry, enquiry: Enquiry
) -> tuple[Finding, Question | None, Held | None]:
    try:
        held = await find(registry, enquiry.by, enquiry.value)
    except (MalformedJws, MalformedBody) as malformed:
        return policy.malformed(malformed.words), None, None
    if held is None:
        return policy.not_found(), None, None
    (question,) = await questions(session, registry, [held], enquiry.as_of, enquiry.claim)
    return policy.examine(question), question, held


def _require_sense(enquiry: Enquiry, now: datetime) -> None:
    if not enquiry.purpose.strip():
        words = Words("请写明核验用途。", "Say what the verification is for.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "purpose"))
    if len(enquiry.purpose) > LONGEST_PURPOSE:
        words = Words(
            f"用途不得超过 {LONGEST_PURPOSE} 个字符。",
            f"The purpose may have at most {LONGEST_PURPOSE} characters.",
        )
        raise Refused(Reason.TOO_LONG, words, ("input", "purpose"))
    if enquiry.as_of > now:
        words = Words("核验时点不能在将来。", "`asOf` must not lie in the future.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "asOf"))


def _trace(
    enquiry: Enquiry,
    finding: Finding,
    held: Held | None,
    registry: Registry,
    actor: Actor,
    now: datetime,
) -> Verification:
    return Verification(
        id=uuid7(now),
        at=now,
        actor=actor.id,
        organisation=actor.organisation,
        purpose=enquiry.purpose.strip(),
        case_number=enquiry.case_number,
        asked_by=enquiry.by,
        asked_key=bytes.fromhex(number_key(registry.index_secret, enquiry.value)),
        licence_id=held.id if held is not None and held.id else None,
        as_of=enquiry.as_of,
        verdict=finding.verdict,
        reason=finding.reason,
        checks=[_kept(check) for check in finding.checks],
    )


def _kept(check: Check) -> dict[str, str]:
    return {
        "name": check.name,
        "outcome": check.outcome,
        "zh": check.detail.zh,
        "en": check.detail.en,
        "clause": check.clause,
    }


def _status_version(question: Question | None) -> str:
    if question is None or not question.history:
        return "0"
    return question.history[-1].version


def _statement(trace: Verification, enquiry: Enquiry, held: Held | None) -> dict[str, Any]:
    """Who asked, what, when, and the verdict with the versions it rests on."""
    licence = None
    if held is not None:
        licence = {"identifier": str(held.body.identifier), "recordSha256": sha256_hex(held.signed)}
    asked = None if enquiry.by is By.JWS else mask_number(enquiry.value)
    return {
        "jti": str(trace.id),
        "iat": int(trace.at.timestamp()),
        "asker": {"actor": trace.actor, "organisation": trace.organisation},
        "purpose": trace.purpose,
        "caseNumber": trace.case_number,
        "asked": {"by": enquiry.by, "masked": asked, "holderClaimed": enquiry.claim is not None},
        "licence": licence,
        "asOf": trace.as_of.isoformat(),
        "verdict": trace.verdict,
        "reason": trace.reason,
        "checks": [{"name": one["name"], "outcome": one["outcome"]} for one in trace.checks],
        "trustListVersion": trace.trust_list_version,
        "statusVersion": trace.status_version,
    }
