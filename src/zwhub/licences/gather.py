"""Gather (取数): find the record asked for, and all that a verdict on it needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.clock import civil_date
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.kernel.identifiers.licence import LicenceIdentifier, MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.licences import store
from zwhub.licences.body import MalformedBody
from zwhub.licences.held import Held
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.status import Standing, present
from zwhub.licences.trust import trust_list
from zwhub.licences.vault import Kept, Slot, Vault
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database

NUMBER_TTL = 600  # seconds
ABSENT_TTL = 30


class By(StrEnum):
    """The ways to name a licence; an id is the hub's own and no way to verify one.

    A FILE names one only if it says so itself, and is nothing to look up by.
    """

    NUMBER = "NUMBER"
    IDENTIFIER = "IDENTIFIER"
    JWS = "JWS"
    ID = "ID"
    FILE = "FILE"


@dataclass(frozen=True, slots=True)
class Registry:
    """What the room needs of the hub to find and judge records."""

    db: Database
    cache: Cache
    trust: TrustBook
    vault: Vault

    @property
    def index_secret(self) -> bytes:
        return self.vault.index_secret


async def find(registry: Registry, by: By, value: str) -> Held | None:
    """The record as registered; look-ups by number go through the cache.

    The cache holds what never changes (the signed record): the standing is always read from
    the database, and so is which version a number leads to. Reads on a connection of its own,
    because a cache fill can outlive the request that began it: call it before the request's
    transaction has spoken to the database.
    Raises `MalformedJws` or `MalformedBody` for a record that cannot be read.
    """
    if by is By.NUMBER:
        return await _by_number(registry, value)
    async with registry.db.read() as session:
        match by:
            case By.JWS:
                return await _presented(session, registry.vault, value)
            case By.IDENTIFIER:
                return await _identified(session, registry.vault, value)
            case By.ID:
                kept = await store.by_id(session, int(value))
                return None if kept is None else registry.vault.held(kept)
    return None


async def _identified(session: AsyncSession, vault: Vault, text: str) -> Held | None:
    slot = _slot(vault, text)
    kept = await store.version_of(session, slot) if slot is not None else None
    held = None if kept is None else vault.held(kept)
    return held if held is not None and str(held.body.identifier) == text else None


def _slot(vault: Vault, identifier: str) -> Slot | None:
    """None for a text that can be no licence's identifier."""
    try:
        return vault.slot(LicenceIdentifier.parse(identifier))
    except MalformedIdentifier:
        return None


async def _presented(session: AsyncSession, vault: Vault, text: str) -> Held:
    """A record that somebody presents; its id is 0 unless the registry holds these very bytes."""
    presented = Held.read(0, text.encode("utf-8", "replace"))
    kept = await store.version_of(session, vault.slot(presented.body.identifier))
    return _recognised(vault, presented, kept)


def _recognised(vault: Vault, presented: Held, kept: Kept | None) -> Held:
    same = kept is not None and _same(vault, kept, presented)
    return replace(presented, id=kept.id) if kept is not None and same else presented


def _same(vault: Vault, kept: Kept, presented: Held) -> bool:
    try:
        return vault.signed(kept) == presented.signed
    except MalformedJws:  # what the registry holds was tampered with: it is not the same
        return False


Found = Held | Words | None


async def find_many(
    session: AsyncSession, registry: Registry, asked: Sequence[tuple[By, str]]
) -> list[Found]:
    """Each record, None where nothing is registered, words where it cannot be read.

    Three statements and one round trip to the cache, however many are asked for; numbers that the
    cache does not hold are read and not put there, for a batch has no lease on them.
    """
    vault = registry.vault
    read: list[Found] = [_read_presented(value) if by is By.JWS else None for by, value in asked]
    slots = {v: slot for by, v in asked if by is By.IDENTIFIER and (slot := _slot(vault, v))}
    presented = {vault.slot(one.body.identifier) for one in read if isinstance(one, Held)}
    wanted = presented | set(slots.values())
    by_slot = await store.versions_of(session, wanted) if wanted else {}
    by_number = await _numbers(session, registry, {v for by, v in asked if by is By.NUMBER})
    for index, (by, value) in enumerate(asked):
        one = read[index]
        if by is By.NUMBER:
            read[index] = by_number.get(value)
        elif by is By.IDENTIFIER:
            read[index] = _identical(vault, by_slot.get(slots.get(value, _NOWHERE)), value)
        elif isinstance(one, Held):
            read[index] = _recognised(vault, one, by_slot.get(vault.slot(one.body.identifier)))
    return read


_NOWHERE = Slot(UUID(int=0), 0)


def _read_presented(text: str) -> Held | Words:
    try:
        return Held.read(0, text.encode("utf-8", "replace"))
    except (MalformedJws, MalformedBody) as malformed:
        return malformed.words


def _identical(vault: Vault, kept: Kept | None, identifier: str) -> Found:
    found = None if kept is None else _read(vault, kept)
    other = isinstance(found, Held) and str(found.body.identifier) != identifier
    return None if other else found


def _read(vault: Vault, kept: Kept) -> Held | Words:
    try:
        return vault.held(kept)
    except (MalformedJws, MalformedBody) as malformed:
        return malformed.words


async def _numbers(
    session: AsyncSession, registry: Registry, numbers: Collection[str]
) -> Mapping[str, Found]:
    vault, names = registry.vault, {one: registry.vault.number_key(one) for one in numbers}
    slots = [number_slot(key.hex) for key in names.values()]
    cached = await registry.cache.get_many(slots) if slots else []
    kept = {n: _unpacked(one) for n, one in zip(names, cached, strict=True) if one}
    known = await store.newest_versions_named(session, [names[one] for one in kept]) if kept else {}
    kept = {n: row for n, row in kept.items() if row.version == known.get(names[n])}
    missing = {key: number for number, key in names.items() if number not in kept}
    rows = await store.newest_of(session, missing) if missing else {}
    kept |= {missing[key]: row for key, row in rows.items()}
    return {number: _read(vault, row) for number, row in kept.items()}


def number_slot(key: str) -> str:
    """Where the cache keeps the record of a number, by its name in hexadecimal characters."""
    return f"n:{key}"  # short, for there are millions


async def _by_number(registry: Registry, number: str) -> Held | None:
    key, loaded = registry.vault.number_key(number), False

    async def load() -> bytes | None:
        nonlocal loaded
        async with registry.db.read() as session:
            kept = await store.newest(session, key)
        loaded = True
        return None if kept is None else packed(kept)

    found = await registry.cache.aside(
        number_slot(key.hex), NUMBER_TTL, load, negative_ttl_seconds=ABSENT_TTL
    )
    kept = None if found is None else _unpacked(found)
    if not loaded:  # by this request: what others have read, or the cache kept, may be older
        kept = await _confirmed(registry, key, kept)
    return None if kept is None else registry.vault.held(kept)


async def _confirmed(registry: Registry, key: UUID, kept: Kept | None) -> Kept | None:
    """What the cache says a number leads to, if the database agrees; else what that says.

    An old entry can outlive the best invalidation: the hub that owed it was killed or cut off,
    or the cache came back from a snapshot.
    """
    async with registry.db.read() as session:
        version = (await store.newest_versions_named(session, [key])).get(key)
        if version == (None if kept is None else kept.version):
            return kept
        newest = await store.newest(session, key)
    await registry.cache.forget(number_slot(key.hex))
    return newest


def packed(kept: Kept) -> bytes:
    """As the cache keeps it: id (8 bytes), slot (16 and 2), then the record as it is sealed."""
    numbers = kept.id.to_bytes(8, "big"), kept.series.bytes, kept.version.to_bytes(2, "big")
    return b"".join((*numbers, kept.sealed))


def _unpacked(value: bytes) -> Kept:
    row_id, version = (int.from_bytes(value[a:b], "big") for a, b in ((0, 8), (24, 26)))
    return Kept(row_id, UUID(bytes=value[8:24]), version, value[26:])


async def questions(
    session: AsyncSession,
    registry: Registry,
    held: Sequence[Held],
    as_of: datetime,
    now: datetime,
    claim: HolderClaim | None = None,
) -> list[Question]:
    """Each record with its standing and successor, in three statements however many they are.

    A presented record (id 0) is compared with what the registry holds under its identifier:
    one statement more; where there are successors, another one names them.
    """
    trust = await trust_list(session, registry.trust)
    ids = await _registered_ids(session, registry.vault, held)
    histories = await store.histories(session, filter(None, ids))
    successors = await _successors(session, registry.vault, held, as_of)
    return [
        Question(
            jws=one.jws,
            body=one.body,
            trust=trust,
            history=histories.get(row_id, []) if row_id else None,
            same_as_registered=row_id is not None and one.id != 0,
            successor=successor,
            claim=claim,
            as_of=_moment(as_of, now, trust, histories.get(row_id or 0, [])),
        )
        for one, row_id, successor in zip(held, ids, successors, strict=True)
    ]


def _moment(
    as_of: datetime, now: datetime, trust: TrustList, history: Sequence[Standing]
) -> datetime:
    """The moment asked about; the present is no earlier than anything that was recorded."""
    return as_of if as_of < now else present(max(as_of, trust.made_at or as_of), history)


async def _registered_ids(
    session: AsyncSession, vault: Vault, held: Sequence[Held]
) -> list[int | None]:
    """The row under each record's identifier. One with id 0 is not what that row holds."""
    slots = {vault.slot(one.body.identifier) for one in held if one.id == 0}
    known = await store.versions_of(session, slots) if slots else {}
    rows = [known.get(vault.slot(one.body.identifier)) if one.id == 0 else one for one in held]
    return [None if row is None else row.id for row in rows]


async def _successors(
    session: AsyncSession, vault: Vault, held: Sequence[Held], as_of: datetime
) -> list[str | None]:
    """For each record, the identifier of the version that had replaced it by `as_of`."""
    series = [vault.series_key(one.body.identifier) for one in held]
    newest = await store.newest_versions(session, set(series), civil_date(as_of))
    newer = [
        newest[key][1] if key in newest and newest[key][0] > int(one.body.version) else None
        for one, key in zip(held, series, strict=True)
    ]
    replacing = {row_id for row_id in newer if row_id is not None}
    rows = await store.by_ids(session, replacing) if replacing else []
    names = {row.id: _identifier(vault, row) for row in rows}
    return [None if row_id is None else names[row_id] for row_id in newer]


def _identifier(vault: Vault, kept: Kept) -> str:
    """An unreadable successor is one all the same."""
    found = _read(vault, kept)
    return str(found.body.identifier) if isinstance(found, Held) else "?"
