"""Verify a licence file (证照文件核验): its signatures, then the licence it names."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.identifiers.holder import mask_number
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.uuid7 import uuid7
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.enquiry import require_purpose, status_version
from zwhub.licences.entry import VerificationTrace
from zwhub.licences.files.authority import NamedLicence, by_its_issuer
from zwhub.licences.files.examine import examine_file
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    unchecked,
)
from zwhub.licences.files.jws import translated
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.gather import By, Registry, find, questions
from zwhub.licences.held import Held, veiled
from zwhub.licences.policy import Examine, Question
from zwhub.licences.trust import trust_list
from zwhub.licences.upload import content_of, use_up

LONGEST_NAME = 255
# A record was compared with its own dates already; a sealed file was not.
_OF_RECORD: tuple[Examine, ...] = (policy.record, policy.registry_status, policy.newest_version)
_OF_LICENCE: tuple[Examine, ...] = (
    policy.registry_status,
    policy.newest_version,
    policy.validity,
)


@dataclass(frozen=True, slots=True)
class FileEnquiry:
    """What is asked: about which file, and why. The file's name is not kept: it may name people.

    `file` is its content, or the upload that has it.
    """

    file: bytes | UUID
    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """What the hub found, and the trace it left."""

    finding: FileFinding
    trace: VerificationTrace


async def verify_licence_file(
    session: AsyncSession,
    registry: Registry,
    enquiry: FileEnquiry,
    actor: Actor,
    receipts: ReceiptKey,
    now: datetime,
) -> VerifiedFile:
    """Gather, decide, record, answer. A false file is a normal answer: it is returned.

    The file is examined before `session` speaks to the database: no connection waits for it. An
    upload is gone in the moment its verification is recorded.
    Raises `Refused` (INVALID_INPUT, TOO_LONG, UNKNOWN_UPLOAD, WRONG_STATE) before anything is
    looked at, and UNKNOWN_UPLOAD when another verification used the upload meanwhile.
    """
    _require_sense(enquiry)
    content = await _content(registry, enquiry.file, actor, now)
    async with registry.db.read() as reading:
        trust = await trust_list(reading, registry.trust)
    anchors = Anchors(trust, now)
    finding = await asyncio.to_thread(examine_file, content, anchors)
    held = await _named(registry, finding, content)
    if held is not None and finding.format is not FileFormat.JWS:
        finding = by_its_issuer(finding, NamedLicence.registered(held.body), anchors)
    finding, question = await _with_licence(session, registry, finding, held, now)
    digest = sha256_hex(content)
    trace = _trace(enquiry, digest, finding, held, actor, now)._replace(
        trust_list_version=trust.version, status_version=status_version(question)
    )
    trace = trace._replace(receipt=receipts.seal(_statement(trace, digest, finding, held)))
    if isinstance(enquiry.file, UUID):
        await use_up(session, enquiry.file)
    await registry.ledger.record(session, [trace])
    return VerifiedFile(finding, trace)


async def _content(registry: Registry, file: bytes | UUID, actor: Actor, now: datetime) -> bytes:
    if isinstance(file, UUID):
        return await content_of(registry.db, registry.vault, file, actor, now)
    return file


def _require_sense(enquiry: FileEnquiry) -> None:
    require_purpose(enquiry.purpose)
    if not enquiry.file:
        words = Words("文件内容为空。", "The file is empty.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "content"))
    if len(enquiry.name) > LONGEST_NAME:
        words = Words(
            f"文件名不得超过 {LONGEST_NAME} 个字符。",
            f"The name may have at most {LONGEST_NAME} characters.",
        )
        raise Refused(Reason.TOO_LONG, words, ("input", "name"))


async def _named(registry: Registry, finding: FileFinding, content: bytes) -> Held | None:
    """The licence that the file is, or that it names."""
    if finding.identifier is None:
        return None
    if finding.format is FileFormat.JWS:
        return await find(registry, By.JWS, content.strip().decode("ascii"))
    return await find(registry, By.IDENTIFIER, finding.identifier)


async def _with_licence(
    session: AsyncSession,
    registry: Registry,
    finding: FileFinding,
    held: Held | None,
    now: datetime,
) -> tuple[FileFinding, Question | None]:
    """A valid signature is not yet a valid licence: what the registry says comes on top."""
    if finding.identifier is None:
        return finding, None
    if held is None:
        words = Words("本库未归集文件所载证照", "the licence it names was never collected")
        reason = FileReason.NOT_REGISTERED
        check = unchecked(FileCheckName.RECORD, words, "GB/T 36903", reason)
        return replace(finding, checks=(*finding.checks, check)), None
    (question,) = await questions(registry, [held], now, now)
    rules = _OF_RECORD if finding.format is FileFormat.JWS else _OF_LICENCE
    more = tuple(translated(rule(question)) for rule in rules)
    named = veiled(finding.identifier, held)  # some issuers put a person's number into it
    return replace(finding, checks=(*finding.checks, *more), identifier=named), question


def _trace(
    enquiry: FileEnquiry,
    digest: str,
    finding: FileFinding,
    held: Held | None,
    actor: Actor,
    now: datetime,
) -> VerificationTrace:
    checks = [*finding.checks, *(check for one in finding.signatures for check in one.checks)]
    return VerificationTrace(
        id=uuid7(now),
        batch_id=None,
        at=now,
        actor=actor.id,
        organisation=actor.organisation,
        purpose=enquiry.purpose.strip(),
        case_number=None,
        asked_by=By.FILE,
        asked_key=bytes.fromhex(digest)[:16],
        licence_id=held.id if held is not None and held.id else None,
        as_of=now,
        verdict=finding.verdict,
        reason=finding.reason,
        checks=[_kept(check) for check in checks],
        trust_list_version="",
        status_version="",
        receipt="",
    )


_ALTERED = Words("有文件已被改动", "files were altered")


def _kept(check: FileCheck) -> dict[str, str]:
    """Without the names of altered parts: whoever made the file chose them, and they may name
    people."""
    altered = check.name is FileCheckName.REFERENCES and check.reason is FileReason.CONTENT_ALTERED
    detail = _ALTERED if altered else check.detail
    return {
        "name": check.name,
        "outcome": check.outcome,
        "zh": detail.zh,
        "en": detail.en,
        "clause": check.clause,
    }


def _statement(
    trace: VerificationTrace, digest: str, finding: FileFinding, held: Held | None
) -> dict[str, Any]:
    """Who asked, about which bytes, when, and the verdicts with the versions they rest on.

    Of a licence that nobody collected its holders are not known, who could stand in its identifier:
    it is masked as a whole.
    """
    identifier = finding.identifier
    if identifier is not None and held is None:
        identifier = mask_number(identifier)
    return {
        "jti": str(trace.id),
        "iat": int(trace.at.timestamp()),
        "asker": {"actor": trace.actor, "organisation": trace.organisation},
        "purpose": trace.purpose,
        "asked": {
            "by": By.FILE,
            "format": finding.format,
            "sha256": digest,
        },
        "licence": None if identifier is None else {"identifier": identifier},
        "asOf": trace.as_of.isoformat(),
        "verdict": trace.verdict,
        "reason": trace.reason,
        "signatures": [
            {"verdict": one.verdict, "reason": one.reason, "integrity": one.integrity}
            for one in finding.signatures
        ],
        "checks": [{"name": one["name"], "outcome": one["outcome"]} for one in trace.checks],
        "trustListVersion": trace.trust_list_version,
        "statusVersion": trace.status_version,
    }
