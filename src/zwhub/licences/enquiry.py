"""An enquiry (核验请求) and what is kept of it, whatever the answer. Pure; no I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from unicodedata import category

from zwhub.kernel.actor import Actor
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.uuid7 import uuid7
from zwhub.kernel.words import Words
from zwhub.licences.entry import VerificationTrace
from zwhub.licences.findings import Finding
from zwhub.licences.gather import By
from zwhub.licences.held import Held
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.vault import Vault

LONGEST_PURPOSE = 200
LONGEST_CASE_NUMBER = 50  # GB/T 39046-2020: 办件编号
LONGEST_CLAIM = 200


@dataclass(frozen=True, slots=True)
class Enquiry:
    """What is asked: which licence, whose it is said to be, why, and as of when."""

    by: By
    value: str
    purpose: str
    as_of: datetime
    claim: HolderClaim | None = None
    case_number: str | None = None


class Examined(NamedTuple):
    """What the hub found, of which record, and by which versions of trust list and standing."""

    finding: Finding
    held: Held | None
    trust_version: str
    status_version: str


class Verified(NamedTuple):
    """What the hub found, and the trace it left."""

    finding: Finding
    held: Held | None
    trace: VerificationTrace


def require_sense(enquiry: Enquiry, now: datetime) -> None:
    """Raises `Refused` (INVALID_INPUT, TOO_LONG) for what cannot be meant."""
    require_purpose(enquiry.purpose)
    if enquiry.case_number is not None:
        _require_text(enquiry.case_number, LONGEST_CASE_NUMBER, "caseNumber")
    if not enquiry.value:
        words = Words("请写明证照。", "Name the licence.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "licence", enquiry.by.lower()))
    if enquiry.claim is not None:
        _require_claim(enquiry.claim)
    if enquiry.as_of > now:
        words = Words("核验时点不能在将来。", "`asOf` must not lie in the future.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "asOf"))


def require_purpose(purpose: str) -> None:
    """Raises `Refused` (INVALID_INPUT, TOO_LONG): whoever looks says why."""
    if not any(char.isalnum() for char in purpose):
        words = Words("请写明核验用途。", "Say what the verification is for.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "purpose"))
    _require_text(purpose, LONGEST_PURPOSE, "purpose")


def _require_text(text: str, longest: int, name: str) -> None:
    if len(text) > longest:
        words = Words(f"不得超过 {longest} 个字符。", f"At most {longest} characters.")
        raise Refused(Reason.TOO_LONG, words, ("input", name))
    if not text.strip() or any(category(char).startswith("C") for char in text):
        words = Words("须为不含控制字符的文本。", "It must be text without control characters.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", name))


def _require_claim(claim: HolderClaim) -> None:
    for name, said in (("code", claim.code), ("name", claim.name)):
        if said is not None and not 0 < len(said.strip()) <= LONGEST_CLAIM:
            words = Words(
                f"须为 1 至 {LONGEST_CLAIM} 个字符，不比对则省略。",
                f"1 to {LONGEST_CLAIM} characters; leave it out if it is not to be compared.",
            )
            raise Refused(Reason.INVALID_INPUT, words, ("input", "holder", name))


def trace_of(
    enquiry: Enquiry,
    examined: Examined,
    vault: Vault,
    actor: Actor,
    now: datetime,
) -> VerificationTrace:
    """What is kept of a verification, but for its receipt."""
    finding, held = examined.finding, examined.held
    return VerificationTrace(
        id=uuid7(now),
        batch_id=None,
        at=now,
        actor=actor.id,
        organisation=actor.organisation,
        purpose=enquiry.purpose.strip(),
        case_number=enquiry.case_number,
        asked_by=enquiry.by,
        asked_key=vault.asked_key(enquiry.value),
        licence_id=held.id if held is not None and held.id else None,
        as_of=enquiry.as_of,
        verdict=finding.verdict,
        reason=finding.reason,
        checks=finding.kept,
        trust_list_version=examined.trust_version,
        status_version=examined.status_version,
        receipt="",
    )


def status_version(question: Question | None) -> str:
    """Names the newest standing that a verdict rests on."""
    if question is None or not question.history:
        return "0"
    return question.history[-1].version
