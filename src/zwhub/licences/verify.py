"""Verify a licence (证照核验), and leave a trace whatever the answer."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.identifiers.holder import mask_number
from zwhub.licences import policy, store_ledger
from zwhub.licences.body import MalformedBody
from zwhub.licences.decoy import decoy
from zwhub.licences.enquiry import Enquiry, Verified, require_sense, status_version, trace_of
from zwhub.licences.findings import Finding
from zwhub.licences.gather import By, Registry, find, questions
from zwhub.licences.held import Held, veiled
from zwhub.licences.model import Verification
from zwhub.licences.policy import Question
from zwhub.licences.trust import trust_list


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
    require_sense(enquiry, now)
    finding, question, held = await _examine(session, registry, enquiry, now)
    trust = question.trust if question else await trust_list(session, registry.trust)
    trace = trace_of(enquiry, finding, held, registry.vault, actor, now)
    trace.trust_list_version = trust.version
    trace.status_version = status_version(question)
    trace.receipt = receipts.seal(_statement(trace, enquiry, held))
    store_ledger.record(session, [trace], registry.index_secret)
    return Verified(finding, held, trace)


async def _examine(
    session: AsyncSession, registry: Registry, enquiry: Enquiry, now: datetime
) -> tuple[Finding, Question | None, Held | None]:
    try:
        held = await find(registry, enquiry.by, enquiry.value)
    except (MalformedJws, MalformedBody) as malformed:
        return policy.malformed(malformed.words), None, None
    looked_at = [decoy() if held is None else held]
    (question,) = await questions(session, registry, looked_at, enquiry.as_of, now, enquiry.claim)
    finding = policy.examine(question)
    return policy.not_found() if held is None else finding, question, held


def _statement(trace: Verification, enquiry: Enquiry, held: Held | None) -> dict[str, Any]:
    """Who asked, what, when, and the verdict with the versions it rests on."""
    licence = None
    if held is not None:
        licence = {
            "identifier": veiled(str(held.body.identifier), held),
            "recordSha256": sha256_hex(held.signed),
        }
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
