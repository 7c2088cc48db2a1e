"""Comparison (比对): which sound records of a chunk the registry does not hold yet."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.licences import store, store_deliveries
from zwhub.licences.intake import Ready, Sound
from zwhub.licences.judging import IDENTIFIER_TAKEN, NUMBER_TAKEN, Problem
from zwhub.licences.vault import Kept, Slot, Vault

_NOT_YET = datetime.max.replace(tzinfo=UTC)  # what was just made ready is not collected


@dataclass(slots=True)
class Compared:
    """What the registry makes of some suspects; all other records of their chunk are new."""

    # With the licence's row; below zero, `~place` of the same record further up in the chunk.
    unchanged: list[tuple[int, Ready]] = field(default_factory=list)
    bad: list[tuple[Ready, Problem]] = field(default_factory=list)

    @property
    def not_new(self) -> Collection[int]:
        """Their places."""
        return {one.place for _, one in self.unchanged} | {one.place for one, _ in self.bad}


async def likely_suspects(session: AsyncSession, sound: Sound) -> list[int]:
    """The places of records that can be told to be held by a closer look alone.

    Any other is the first version of what nobody else in its chunk names. If the registry knows
    one of its names by a first version too, then it cannot be inserted: its names are not unique.
    So what remains to be asked is who has its number by a later version alone.
    """
    taken = await store_deliveries.later_names(session, sound.numbers)
    return sorted({*sound.odd, *_named(sound, taken)} if taken else sound.odd)


async def all_suspects(session: AsyncSession, sound: Sound) -> list[int]:
    """The places of all records that can be held, whether inserting them would tell it or not."""
    series = b"".join([sound[place].series for place in range(len(sound.rows))])
    taken = await store_deliveries.taken_names(session, sound.numbers + series)
    return sorted({*sound.odd, *_named(sound, taken)})


def _named(sound: Sound, taken: Collection[bytes]) -> Iterable[int]:
    everyone = (sound[place] for place in range(len(sound.rows)))
    return (one.place for one in everyone if one.number in taken or one.series in taken)


async def compared(
    session: AsyncSession, sound: Sound, suspects: Sequence[int], vault: Vault
) -> Compared:
    """The suspects one by one, in their order."""
    result = Compared()
    if not suspects:
        return result
    asked = [sound[place] for place in suspects]
    known = await _known(session, asked)
    owners = await _owners(session, asked)
    here: dict[tuple[bytes, int], Kept] = {}  # whatever stands in this chunk has no row yet
    for one in asked:
        slot = one.series, one.version
        before = known.get(slot) or here.get(slot)
        if before is not None and _signed(vault, before) != vault.signed(kept(one)):
            result.bad.append((one, IDENTIFIER_TAKEN))
        elif owners.setdefault(one.number, one.series) != one.series:
            result.bad.append((one, NUMBER_TAKEN))
        elif before is not None:
            result.unchanged.append((before.id, one))
        here.setdefault(slot, kept(one))
    return result


def kept(one: Ready) -> Kept:
    """As the registry would give it back, but for its row, which it has not yet."""
    return Kept(~one.place, UUID(bytes=one.series), one.version, one.sealed, _NOT_YET)


async def _known(session: AsyncSession, asked: Sequence[Ready]) -> Mapping[tuple[bytes, int], Kept]:
    slots = {Slot(UUID(bytes=one.series), one.version) for one in asked}
    rows = await store.versions_of(session, slots)
    return {(slot.series.bytes, slot.version): held for slot, held in rows.items()}


async def _owners(session: AsyncSession, asked: Sequence[Ready]) -> dict[bytes, bytes]:
    rows = await store.series_of_numbers(session, {UUID(bytes=one.number) for one in asked})
    return {number.bytes: series.bytes for number, series in rows.items()}


def _signed(vault: Vault, held: Kept) -> bytes:
    try:
        return vault.signed(held)
    except MalformedJws:  # tampered with: equal to nothing that is delivered
        return b""
