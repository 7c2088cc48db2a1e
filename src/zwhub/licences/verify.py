"""Verify a licence (证照核验), and leave a trace whatever the answer."""

from datetime import datetime
from typing import Any

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.identifiers.holder import mask_number
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.decoy import decoy
from zwhub.licences.enquiry import (
    Enquiry,
    Examined,
    Verified,
    require_sense,
    status_version,
    trace_of,
)
from zwhub.licences.entry import VerificationTrace
from zwhub.licences.gather import By, Registry
from zwhub.licences.held import Held, veiled


async def verify_licence(
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
    examined = await _examine(registry, enquiry, now)
    trace = trace_of(enquiry, examined, registry.vault, actor, now)
    trace = trace._replace(receipt=receipts.seal(_statement(trace, enquiry, examined.held)))
    await registry.record(trace)
    return Verified(examined.finding, examined.held, trace)


async def _examine(registry: Registry, enquiry: Enquiry, now: datetime) -> Examined:
    found = await registry.find(enquiry.by, enquiry.value)
    looked_at = found if isinstance(found, Held) else decoy()
    known = await registry.circumstances(looked_at, enquiry.as_of)
    question = known.question(looked_at, enquiry.as_of, now, enquiry.claim)
    finding, trust = policy.examine(question), question.trust.version
    match found:
        case None:
            return Examined(policy.not_found(), None, trust, status_version(None))
        case Words():
            return Examined(policy.malformed(found), None, trust, status_version(None))
        case Held():
            return Examined(finding, found, trust, status_version(question))


def _statement(trace: VerificationTrace, enquiry: Enquiry, held: Held | None) -> dict[str, Any]:
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
