"""Gather (取数): find the record asked for, and all that a verdict on it needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustBook
from zwhub.kernel.words import Words
from zwhub.licences import store
from zwhub.licences.body import MalformedBody
from zwhub.licences.held import Held, number_key
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.trust import trust_list
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
    index_secret: bytes


async def find(registry: Registry, by: By, value: str) -> Held | None:
    """The record as registered; look-ups by number go through the cache.

    The cache holds what never changes (the signed record): the standing is always read from
    the database. Reads on a connection of its own, because a cache fill can outlive the request
    that began it: call it before the request's transaction has spoken to the database.
    Raises `MalformedJws` or `MalformedBody` for a record that cannot be read.
    """
    if by is By.NUMBER:
        return await _by_number(registry, value)
    async with registry.db.read() as session:
        match by:
            case By.JWS:
                return await _presented(session, value)
            case By.IDENTIFIER:
                row = await store.by_identifier(session, value)
            case By.ID:
                row = await store.by_id(session, int(value))
    return None if row is None else Held.read(*row)


async def _presented(session: AsyncSession, text: str) -> Held:
    """A record that somebody presents; its id is 0 unless the registry holds these very bytes."""
    presented = Held.read(0, text.encode("utf-8", "replace"))
    row = await store.by_identifier(session, str(presented.body.identifier))
    same = row is not None and row.signed == presented.signed
    return replace(presented, id=row.id) if row is not None and same else presented


Found = Held | Words | None


async def find_many(
    session: AsyncSession, registry: Registry, asked: Sequence[tuple[By, str]]
) -> list[Found]:
    """Each record, None where nothing is registered, words where it cannot be read.

    Two statements and one round trip to the cache, however many are asked for; numbers that the
    cache does not hold are read and not put there, for a batch has no lease on them.
    """
    read: list[Found] = [
        _read(0, value.encode("utf-8", "replace")) if by is By.JWS else None for by, value in asked
    ]
    names = {value for by, value in asked if by is By.IDENTIFIER}
    names |= {str(one.body.identifier) for one in read if isinstance(one, Held)}
    by_name = await store.registered(session, names) if names else {}
    by_number = await _numbers(session, registry, {v for by, v in asked if by is By.NUMBER})
    for index, (by, value) in enumerate(asked):
        one = read[index]
        if by is By.NUMBER:
            read[index] = by_number.get(value)
        elif by is By.IDENTIFIER:
            read[index] = _read(*by_name[value]) if value in by_name else None
        elif isinstance(one, Held):
            row = by_name.get(str(one.body.identifier))
            same = row is not None and row.signed == one.signed
            read[index] = replace(one, id=row.id) if row is not None and same else one
    return read


def _read(row_id: int, signed: bytes) -> Held | Words:
    try:
        return Held.read(row_id, signed)
    except (MalformedJws, MalformedBody) as malformed:
        return malformed.words


async def _numbers(
    session: AsyncSession, registry: Registry, numbers: Collection[str]
) -> Mapping[str, Found]:
    wanted = list(numbers)
    slots = [number_slot(registry.index_secret, number) for number in wanted]
    kept = await registry.cache.get_many(slots) if slots else []
    found: dict[str, Found] = {
        number: Held.unpack(packed) for number, packed in zip(wanted, kept, strict=True) if packed
    }
    missing = [number for number in wanted if number not in found]
    rows = await store.newest_by_numbers(session, missing) if missing else {}
    return found | {number: _read(*row) for number, row in rows.items()}


def number_slot(index_secret: bytes, number: str) -> str:
    """Where the cache keeps the record of a number; the number itself is no part of it."""
    return f"number:{number_key(index_secret, number)}"


async def _by_number(registry: Registry, number: str) -> Held | None:
    async def load() -> bytes | None:
        async with registry.db.read() as session:
            row = await store.newest_by_number(session, number)
        return None if row is None else Held.read(*row).pack()

    slot = number_slot(registry.index_secret, number)
    packed = await registry.cache.aside(slot, NUMBER_TTL, load, negative_ttl_seconds=ABSENT_TTL)
    return None if packed is None else Held.unpack(packed)


async def questions(
    session: AsyncSession,
    registry: Registry,
    held: Sequence[Held],
    as_of: datetime,
    claim: HolderClaim | None = None,
) -> list[Question]:
    """Each record with its standing and successor, in three statements however many they are.

    A presented record (id 0) is compared with what the registry holds under its identifier.
    """
    trust = await trust_list(session, registry.trust)
    presented = [str(one.body.identifier) for one in held if one.id == 0]
    known = await store.registered(session, presented) if presented else {}
    rows = [
        known.get(str(one.body.identifier)) if one.id == 0 else store.Row(one.id, one.signed)
        for one in held
    ]
    histories = await store.histories(session, [row.id for row in rows if row is not None])
    successors = await store.successors(session, held, as_of)
    return [
        Question(
            jws=one.jws,
            body=one.body,
            trust=trust,
            history=None if row is None else histories.get(row.id, []),
            same_as_registered=row is not None and row.signed == one.signed,
            successor=successor,
            claim=claim,
            as_of=as_of,
        )
        for one, row, successor in zip(held, rows, successors, strict=True)
    ]
