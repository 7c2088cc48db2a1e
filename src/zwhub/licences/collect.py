"""Collect licences (证照归集): take in signed records, each on its own merits, or quarantine them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustList
from zwhub.kernel.identifiers import citizen, uscc
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import policy, store
from zwhub.licences.body import MalformedBody
from zwhub.licences.findings import Outcome
from zwhub.licences.gather import Registry, number_slot
from zwhub.licences.held import Held
from zwhub.licences.policy import Question
from zwhub.licences.trust import trust_list
from zwhub.licences.vault import Kept, Slot, Vault

MOST_RECORDS = 1_000
LONGEST_RECORD = 65_536


class CollectionOutcome(StrEnum):
    """What became of one record."""

    ACCEPTED = "ACCEPTED"
    UNCHANGED = "UNCHANGED"
    QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a record was quarantined, or (with ACCEPTED) a warning."""

    code: str
    words: Words


@dataclass(slots=True)
class Candidate:
    """One delivered record on its way in."""

    index: int
    text: str
    held: Held | None = None
    problems: list[Problem] = field(default_factory=list)
    outcome: CollectionOutcome | None = None

    def refuse(self, code: str, words: Words) -> None:
        self.outcome = CollectionOutcome.QUARANTINED
        self.problems.append(Problem(code, words))


async def collect_licences(
    session: AsyncSession,
    registry: Registry,
    records: Sequence[str],
    known_types: frozenset[str],
    actor: Actor,
    now: datetime,
) -> list[Candidate]:
    """Gather, decide, record. The same record again is UNCHANGED; the answer keeps the order.

    Raises `Refused` for an empty or oversized batch; a bad record is quarantined, not raised.
    """
    _require_size(records)
    trust = await trust_list(session, registry.trust)
    candidates = [Candidate(index, text) for index, text in enumerate(records)]
    await asyncio.to_thread(_judge, candidates, trust, known_types, now)
    await store.one_collection_at_a_time(session)
    await _compare(session, registry.vault, candidates)
    await _record(session, candidates, registry, actor, now)
    return candidates


async def forget_numbers(registry: Registry, candidates: Sequence[Candidate]) -> None:
    """Drop what the cache knew of the numbers just collected; call it after the commit."""
    slots = [
        number_slot(registry.vault.number_key(one.held.body.number))
        for one in candidates
        if one.outcome is CollectionOutcome.ACCEPTED and one.held is not None
    ]
    if slots:
        await registry.cache.forget(*slots)


def _require_size(records: Sequence[str]) -> None:
    if not 1 <= len(records) <= MOST_RECORDS:
        words = Words(
            f"每次归集 1 至 {MOST_RECORDS} 条记录。",
            f"A delivery holds 1 to {MOST_RECORDS} records.",
        )
        raise Refused(Reason.TOO_MANY, words, ("input", "records"))


def _judge(
    candidates: Sequence[Candidate], trust: TrustList, known_types: frozenset[str], now: datetime
) -> None:
    """What a record says of itself, and whether its signature holds. Pure, on a thread."""
    for one in candidates:
        try:
            one.held = _read(one.text)
        except (MalformedJws, MalformedBody) as malformed:
            one.refuse("MALFORMED", malformed.words)
            continue
        _judge_body(one, one.held, known_types, now)
        question = Question(one.held.jws, one.held.body, trust, None, True, None, None, now)
        for check in policy.examine(question, policy.COLLECTABLE).checks:
            if check.outcome is Outcome.FAIL and check.reason is not None:
                one.refuse(check.reason, check.detail)
            elif "CHECK_DIGIT_VARIANT" in check.detail.en:
                one.problems.append(Problem("CHECK_DIGIT_VARIANT", check.detail))


def _read(text: str) -> Held:
    if len(text) > LONGEST_RECORD:
        words = Words("记录过长（上限 64 KiB）", "the record is longer than 64 KiB")
        raise MalformedBody("$", words)
    return Held.read(0, text.encode("utf-8", "replace"))


def _judge_body(one: Candidate, held: Held, known_types: frozenset[str], now: datetime) -> None:
    body = held.body
    if body.type_code not in known_types:
        one.refuse("UNKNOWN_TYPE", Words("证照类型代码不在目录中", "the licence type is not known"))
    if body.signed_at > now:
        one.refuse("SIGNED_IN_FUTURE", Words("签章时间在将来", "signedAt lies in the future"))
    for position, holder in enumerate(body.holders):
        place = f"$.holders[{position}].code"
        if holder.code_type == "111" and not citizen.is_valid(holder.code):
            words = Words(f"{place} 公民身份号码无效", f"{place} is not a valid identity number")
            one.refuse("HOLDER_NUMBER_INVALID", words)
        if holder.code_type == "001":
            _judge_uscc(one, uscc.check(holder.code), place)


def _judge_uscc(one: Candidate, state: uscc.State, place: str) -> None:
    if state is uscc.State.MALFORMED:
        words = Words(f"{place} 统一社会信用代码无效", f"{place} is not a social credit code")
        one.refuse("HOLDER_NUMBER_INVALID", words)
    elif state is uscc.State.CHECK_FAILS:  # a few early codes really fail: named, never guessed
        words = Words(f"{place} 校验位不符（警告）", f"{place} fails its check character (warning)")
        one.problems.append(Problem("USCC_CHECK_WARNING", words))


async def _compare(session: AsyncSession, vault: Vault, candidates: Sequence[Candidate]) -> None:
    """Against the registry and against each other: a repetition changes nothing."""
    sound = [(one, one.held) for one in candidates if one.outcome is None and one.held is not None]
    slots = {vault.slot(held.body.identifier) for _, held in sound}
    numbers = {vault.number_key(held.body.number) for _, held in sound}
    rows = await store.versions_of(session, slots)
    known = {slot: _signed(vault, row) for slot, row in rows.items()}
    owners = dict(await store.series_of_numbers(session, numbers))
    for one, held in sound:
        _settle(one, held, vault, known, owners)
        if one.outcome is None and (row := rows.get(vault.slot(held.body.identifier))):
            one.held, one.outcome = replace(held, id=row.id), CollectionOutcome.UNCHANGED


def _signed(vault: Vault, row: Kept) -> bytes:
    try:
        return vault.signed(row)
    except MalformedJws:  # tampered with: equal to nothing that is delivered
        return b""


def _settle(
    one: Candidate,
    held: Held,
    vault: Vault,
    known: dict[Slot, bytes],
    owners: dict[UUID, UUID],
) -> None:
    slot, number = vault.slot(held.body.identifier), vault.number_key(held.body.number)
    if known.setdefault(slot, held.signed) != held.signed:
        words = Words(
            "同一证照标识已有不同内容的记录",
            "another record with this identifier is registered",
        )
        one.refuse("IDENTIFIER_TAKEN", words)
    elif owners.setdefault(number, slot.series) != slot.series:
        words = Words("证照编号已属于另一证照", "the number belongs to another licence")
        one.refuse("NUMBER_TAKEN", words)


async def _record(
    session: AsyncSession,
    candidates: Sequence[Candidate],
    registry: Registry,
    actor: Actor,
    now: datetime,
) -> None:
    new: dict[bytes, tuple[Held, list[Candidate]]] = {}
    for one in candidates:
        if one.outcome is None and one.held is not None:
            new.setdefault(one.held.signed, (one.held, []))[1].append(one)
    next_id = await store.reserve_ids(session, len(new)) if new else 0
    taken = [
        _take(replace(held, id=row_id), same)
        for row_id, (held, same) in enumerate(new.values(), start=next_id)
    ]
    await store.add(session, registry.vault, [(held, ()) for held in taken], now)
    refused = [one for one in candidates if one.outcome is CollectionOutcome.QUARANTINED]
    if refused:
        await store.quarantine(session, _quarantine_rows(refused, registry.vault, actor, now))


def _take(held: Held, same: Sequence[Candidate]) -> Held:
    """The first is accepted; the same record again in one delivery is a repetition."""
    for one in same:
        one.held, one.outcome = held, CollectionOutcome.UNCHANGED
    same[0].outcome = CollectionOutcome.ACCEPTED
    return held


def _quarantine_rows(
    refused: Sequence[Candidate], vault: Vault, actor: Actor, now: datetime
) -> list[dict[str, object]]:
    rows = {}
    for one in refused:
        record = one.text.encode("utf-8", "replace")[:LONGEST_RECORD]
        digest = sha256_hex(record)
        rows[digest] = {
            "record_digest": digest,
            "record": vault.conceal(f"quarantine:{digest}", record),
            "problems": [
                {"code": p.code, "zh": p.words.zh, "en": p.words.en} for p in one.problems
            ],
            "actor": actor.id,
            "at": now,
        }
    return list(rows.values())
