"""Gather (取数): find the record asked for, and all that a verdict on it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.trust import TrustBook
from zwhub.licences import store
from zwhub.licences.held import Held, number_key
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.trust import trust_list
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database

NUMBER_TTL = 600  # seconds
ABSENT_TTL = 30


class By(StrEnum):
    """The ways to name a licence; an id is the hub's own and no way to verify one."""

    NUMBER = "NUMBER"
    IDENTIFIER = "IDENTIFIER"
    JWS = "JWS"
    ID = "ID"


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
            successor=successors.get(one.id),
            claim=claim,
            as_of=as_of,
        )
        for one, row in zip(held, rows, strict=True)
    ]
