"""Verify licences together (批量核验): on all cores, each with its trace, under one receipt."""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.uuid7 import uuid7
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.enquiry import (
    Enquiry,
    Examined,
    Verified,
    require_sense,
    status_version,
    trace_of,
)
from zwhub.licences.findings import Finding, Verdict
from zwhub.licences.gather import By, Registry, find_many, questions
from zwhub.licences.held import Held, veiled
from zwhub.licences.model import VerificationBatch
from zwhub.licences.policy import Question
from zwhub.licences.trust import present_trust_list
from zwhub.licences.vault import Vault

MOST_LICENCES = 1_000


@dataclass(frozen=True, slots=True)
class BatchEnquiry:
    """What is asked of all of them: why, and as of when."""

    asked: Sequence[tuple[By, str]]
    purpose: str
    as_of: datetime
    case_number: str | None = None

    def each(self) -> list[Enquiry]:
        more: dict[str, Any] = {"purpose": self.purpose, "as_of": self.as_of}
        return [
            Enquiry(by, value, **more, case_number=self.case_number) for by, value in self.asked
        ]


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """What the hub found of each, in the order asked, and the receipt over all."""

    verified: list[Verified]
    receipt: str


async def verify_licences(
    session: AsyncSession,
    registry: Registry,
    enquiry: BatchEnquiry,
    actor: Actor,
    receipts: ReceiptKey,
    now: datetime,
) -> VerifiedBatch:
    """Gather, decide, record, answer; as `verify_licence`, a false licence is a normal answer.

    Raises `Refused` for an empty or oversized batch, or a purpose or moment that makes no sense.
    """
    enquiries = _require_size(enquiry).each()
    require_sense(enquiries[0], now)
    examined = await _examine(registry, enquiry, now)
    batch_id = uuid7(now)
    receipt = receipts.seal(_statement(batch_id, enquiry, examined, actor, now))
    batch = VerificationBatch(id=batch_id, at=now, receipt=receipt)
    verified = _traced(zip(enquiries, examined, strict=True), batch, registry.vault, actor)
    await registry.ledger.record(session, [one.trace for one in verified], batch)
    return VerifiedBatch(verified, receipt)


async def _examine(registry: Registry, enquiry: BatchEnquiry, now: datetime) -> list[Examined]:
    found = await find_many(registry, enquiry.asked)
    held = [one for one in found if isinstance(one, Held)]
    asked = await questions(registry, held, enquiry.as_of, now)
    trust = asked[0].trust if asked else await present_trust_list(registry.db, registry.trust)
    judged = iter(zip(asked, await _findings(asked), strict=True))
    examined = []
    for one in found:
        if isinstance(one, Held):
            question, finding = next(judged)
            examined.append(Examined(finding, one, trust.version, status_version(question)))
        else:
            finding = policy.not_found() if one is None else policy.malformed(one)
            examined.append(Examined(finding, None, trust.version, status_version(None)))
    return examined


async def _findings(asked: Sequence[Question]) -> list[Finding]:
    """Examine on as many threads as there are cores: the signatures release the interpreter."""
    cores = os.cpu_count() or 1
    size = -(-len(asked) // cores) or 1
    parts = [asked[start : start + size] for start in range(0, len(asked), size)]
    return list(chain(*await asyncio.gather(*(asyncio.to_thread(_judge, one) for one in parts))))


def _judge(asked: Sequence[Question]) -> list[Finding]:
    return [policy.examine(question) for question in asked]


def _traced(
    asked: Iterable[tuple[Enquiry, Examined]], batch: VerificationBatch, vault: Vault, actor: Actor
) -> list[Verified]:
    """Each trace of a batch vouches for its receipt, so that each leaf does."""
    digest = sha256(batch.receipt.encode()).digest()
    verified = []
    for enquiry, one in asked:
        trace = trace_of(enquiry, one, vault, actor, batch.at)
        trace = trace._replace(batch_id=batch.id, batch_sha256=digest)
        verified.append(Verified(one.finding, one.held, trace))
    return verified


def _require_size(enquiry: BatchEnquiry) -> BatchEnquiry:
    if not 1 <= len(enquiry.asked) <= MOST_LICENCES:
        words = Words(
            f"每次核验 1 至 {MOST_LICENCES} 个证照。",
            f"A batch holds 1 to {MOST_LICENCES} licences.",
        )
        raise Refused(Reason.TOO_MANY, words, ("input", "licences"))
    return enquiry


def _statement(
    batch_id: UUID,
    enquiry: BatchEnquiry,
    examined: Sequence[Examined],
    actor: Actor,
    now: datetime,
) -> dict[str, Any]:
    """Who asked, when, and a digest over every single result in order.

    `resultsSha256` is over the JSON array of [identifier or null, verdict, reason], without
    spaces: whoever holds the answer can compute it again. An identifier with a person's number in
    it is masked here as it is there: a digest over 18 digits can be searched.
    """
    results = [_result(one) for one in examined]
    listed = json.dumps(results, ensure_ascii=False, separators=(",", ":")).encode()
    verdicts = [one.finding.verdict for one in examined]
    return {
        "jti": str(batch_id),
        "iat": int(now.timestamp()),
        "asker": {"actor": actor.id, "organisation": actor.organisation},
        "purpose": enquiry.purpose.strip(),
        "caseNumber": enquiry.case_number,
        "asOf": enquiry.as_of.isoformat(),
        "counts": {verdict.value: verdicts.count(verdict) for verdict in Verdict},
        "resultsSha256": sha256_hex(listed),
        "trustListVersion": examined[0].trust_version,
    }


def _result(one: Examined) -> list[str | None]:
    held = one.held if one.held is not None and one.held.id else None
    identifier = None if held is None else veiled(str(held.body.identifier), held)
    return [identifier, one.finding.verdict, one.finding.reason]
