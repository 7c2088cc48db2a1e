"""Collect licences (证照归集): take in signed records, each on its own merits, or quarantine them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import store
from zwhub.licences.gather import Registry
from zwhub.licences.held import Held
from zwhub.licences.judging import (
    IDENTIFIER_TAKEN,
    LONGEST_RECORD,
    NUMBER_TAKEN,
    Candidate,
    CollectionOutcome,
    Standards,
    judge,
)
from zwhub.licences.trust import trust_list
from zwhub.licences.vault import Kept, Slot, Vault, about_refused

MOST_RECORDS = 1_000


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
    standards = Standards(trust, known_types, now)
    await asyncio.to_thread(judge, candidates, standards)
    await store.one_collection_at_a_time(session)
    await _compare(session, registry.vault, candidates)
    await _record(session, candidates, registry, actor, now)
    return candidates


def _require_size(records: Sequence[str]) -> None:
    if not 1 <= len(records) <= MOST_RECORDS:
        words = Words(
            f"每次归集 1 至 {MOST_RECORDS} 条记录。",
            f"A delivery holds 1 to {MOST_RECORDS} records.",
        )
        raise Refused(Reason.TOO_MANY, words, ("input", "records"))


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
            one.held = replace(held, id=row.id, collected_at=row.collected_at)
            one.outcome = CollectionOutcome.UNCHANGED


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
        one.refuse(IDENTIFIER_TAKEN.code, IDENTIFIER_TAKEN.words)
    elif owners.setdefault(number, slot.series) != slot.series:
        one.refuse(NUMBER_TAKEN.code, NUMBER_TAKEN.words)


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
        _take(replace(held, id=row_id, collected_at=now), same)
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
        key = vault.record_key(record)
        rows[key] = {
            "record_digest": key,
            "record": vault.conceal(about_refused(key), record),
            "problems": [
                {"code": p.code, "zh": p.words.zh, "en": p.words.en} for p in one.problems
            ],
            "actor": actor.id,
            "at": now,
        }
    return list(rows.values())
