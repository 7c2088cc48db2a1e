"""Gather (取数): find the record asked for, and all that a verdict on it needs."""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustBook
from zwhub.kernel.identifiers.licence import LicenceIdentifier, MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.licences import store
from zwhub.licences.body import MalformedBody
from zwhub.licences.circumstances import Circumstances, circumstances
from zwhub.licences.entry import Trace
from zwhub.licences.held import Held
from zwhub.licences.ledger import Ledger
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.status import Standing
from zwhub.licences.vault import Kept, RowOf, Slot, Vault
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database
from zwhub.platform.rounds import Rounds

_MOST_TRACES = 100  # of one round (`store_growth.FEW`): each waits for the others
RECORD_TTL = 600  # seconds; a data key is not forgotten before (`reseal.py`)


class By(StrEnum):
    """The ways to name a licence; an id is the hub's own and no way to verify one.

    A FILE names one only if it says so itself, and is nothing to look up by.
    """

    NUMBER = "NUMBER"
    IDENTIFIER = "IDENTIFIER"
    JWS = "JWS"
    ID = "ID"
    FILE = "FILE"


Named = tuple[By, str]
Found = Held | Words | None  # the record; why it cannot be read; nothing is registered


class Registry:
    """What the room needs of the hub to find, judge and record; one for as long as the hub runs.

    What single requests ask for is asked in rounds (`platform/rounds.py`): the record behind a
    name, what a verdict on it needs, its standings. Their traces are committed in rounds too.
    """

    def __init__(
        self, db: Database, cache: Cache, trust: TrustBook, vault: Vault, ledger: Ledger
    ) -> None:
        self.db, self.cache, self.trust, self.vault = db, cache, trust, vault
        self.ledger = ledger
        self._found = Rounds(self._find)
        self._circumstances = Rounds(self._look_around)
        self._standings = Rounds(self._look_up_standings)
        # One at a time: a second one would only wait for the ledger, and hold a connection.
        self._traces = Rounds(self._record, at_once=1, most=_MOST_TRACES)

    async def find(self, by: By, value: str) -> Found:
        """The record as registered, of after this call."""
        return await self._found.ask((by, value))

    async def circumstances(self, held: Held, as_of: datetime) -> Circumstances:
        """What a verdict on the record as of that moment needs."""
        return await self._circumstances.ask((held, as_of))

    async def standings(self, held: Held) -> list[Standing]:
        """The standings of a held licence, oldest first."""
        return await self._standings.ask(held)

    async def record(self, trace: Trace) -> None:
        """Keep a trace and its entry of the ledger: both are committed when this returns, the
        entry with its place."""
        await self._traces.ask(trace)

    async def _find(self, asked: Sequence[Named]) -> list[Found]:
        return await find_many(self, asked)

    async def _look_around(self, asked: Sequence[tuple[Held, datetime]]) -> list[Circumstances]:
        return await circumstances(self.db, self.vault, self.trust, asked)

    async def _look_up_standings(self, asked: Sequence[Held]) -> list[list[Standing]]:
        changes = await store.changes_of(self.db.reads, {one.id for one in asked})
        # None where the row is gone: the cache knows a record that the database has lost.
        return [[*one.beginning, *changes[one.id]] if one.id in changes else [] for one in asked]

    async def _record(self, traces: Sequence[Trace]) -> Sequence[None]:
        await self.ledger.append(self.db, traces)
        return [None] * len(traces)


async def find(registry: Registry, by: By, value: str) -> Held | None:
    """The record as registered. Raises `MalformedJws` for one that cannot be read."""
    found = await registry.find(by, value)
    if isinstance(found, Words):
        raise MalformedJws(found)
    return found


async def find_many(registry: Registry, asked: Sequence[Named]) -> list[Found]:
    """Each record as the registry holds it now.

    Names lead to rows by the database alone; rows then come out of the cache, whose records never
    change, and else out of the database. Three statements and one round trip to the cache at
    most, however many are asked for.
    """
    vault = registry.vault
    read = [_read_presented(value) if by is By.JWS else None for by, value in asked]
    slots = [_slot(vault, *one, presented) for one, presented in zip(asked, read, strict=True)]
    numbers = {value: vault.number_key(value) for by, value in asked if by is By.NUMBER}
    by_number = (
        await store.newest_named(registry.db.reads, set(numbers.values())) if numbers else {}
    )
    wanted = {slot for slot in slots if slot is not None}
    by_slot = await store.rows_of(registry.db.reads, wanted) if wanted else {}
    rows = [
        by_number.get(numbers[value]) if by is By.NUMBER else _row(by, value, slot, by_slot)
        for (by, value), slot in zip(asked, slots, strict=True)
    ]
    held = await _held(registry, {row for row in rows if row is not None})
    return [
        _told(one, presented, None if row is None else held.get(row.id))
        for one, presented, row in zip(asked, read, rows, strict=True)
    ]


def _slot(vault: Vault, by: By, value: str, presented: Found) -> Slot | None:
    """The place in the registry that the question names, if it names one."""
    if isinstance(presented, Held):
        return vault.slot(presented.body.identifier)
    if by is not By.IDENTIFIER:
        return None
    try:
        return vault.slot(LicenceIdentifier.parse(value))
    except MalformedIdentifier:
        return None


def _row(by: By, value: str, slot: Slot | None, by_slot: Mapping[Slot, RowOf]) -> RowOf | None:
    if by is By.ID:
        return RowOf(None, int(value))
    return None if slot is None else by_slot.get(slot)


def _read_presented(text: str) -> Held | Words:
    try:
        return Held.read(0, text.encode("utf-8", "replace"))
    except (MalformedJws, MalformedBody) as malformed:
        return malformed.words


def _told(named: Named, presented: Found, held: Held | Words | None) -> Found:
    by, value = named
    if by is By.JWS:
        return _recognised(presented, held)
    if not isinstance(held, Held):
        return held
    # An identifier that differs in its check character alone is not this licence's; another
    # number is no answer at all, whoever put it into the cache or the database.
    if by is By.IDENTIFIER and str(held.body.identifier) != value:
        return None
    return _NOT_ITS_OWN if by is By.NUMBER and held.body.number != value else held


_NOT_ITS_OWN = Words(
    "存储的记录不是此编号的记录", "the record stored under this number is another one's"
)


def _recognised(presented: Found, held: Held | Words | None) -> Found:
    """A record that somebody presents; its id is 0 unless the registry holds these very bytes."""
    same = (
        isinstance(held, Held) and isinstance(presented, Held) and held.signed == presented.signed
    )
    return held if same else presented


async def _held(registry: Registry, rows: Collection[RowOf]) -> Mapping[int, Held | Words]:
    """The rows, out of the cache as far as it has them; what it lacked is put there."""
    vault, places = registry.vault, {_place(row.name): row.id for row in rows if row.name}
    found = {}
    for row_id, value in zip(places.values(), await _cached(registry, places), strict=True):
        kept = None if value is None else _unpacked(value)
        if kept is not None and kept.id == row_id:  # else the cache serves another database, too
            found[row_id] = _read(vault, kept)
    missing = {row.id for row in rows if not isinstance(found.get(row.id), Held)}
    read = (
        {row.id: row for row in await store.by_ids(registry.db.reads, missing)} if missing else {}
    )
    lacked = {place: packed(read[one]) for place, one in places.items() if one in read}
    if lacked:
        await registry.cache.set_many(lacked, RECORD_TTL)
    return found | {row_id: _read(vault, row) for row_id, row in read.items()}


async def _cached(registry: Registry, places: Collection[str]) -> Sequence[bytes | None]:
    return await registry.cache.get_many(list(places)) if places else []


def _read(vault: Vault, kept: Kept) -> Held | Words:
    try:
        return vault.held(kept)
    except (MalformedJws, MalformedBody) as malformed:
        return malformed.words


def _place(name: Slot) -> str:
    """Where the cache keeps what a name leads to; short, for there are millions."""
    return urlsafe_b64encode(name.series.bytes + name.version.to_bytes(2, "big")).decode()


def packed(kept: Kept) -> bytes:
    """As the cache keeps it: id and collected at (8 bytes each), slot (16 and 2), sealed record."""
    collected = (kept.collected_at - _EPOCH) // _MICROSECOND
    numbers = (kept.id.to_bytes(8, "big"), collected.to_bytes(8, "big"))
    return b"".join((*numbers, kept.series.bytes, kept.version.to_bytes(2, "big"), kept.sealed))


def _unpacked(value: bytes) -> Kept | None:
    """None for bytes that are no such value, whoever put them there."""
    ends = (0, 8), (8, 16), (32, 34)
    row_id, collected, version = (int.from_bytes(value[a:b], "big") for a, b in ends)
    try:
        at = _EPOCH + collected * _MICROSECOND
        return Kept(row_id, UUID(bytes=value[16:32]), version, value[34:], at)
    except (ValueError, OverflowError):
        return None


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


async def questions(
    registry: Registry,
    held: Sequence[Held],
    as_of: datetime,
    now: datetime,
    claim: HolderClaim | None = None,
) -> list[Question]:
    """Each record, put before the policy with all that it needs (`circumstances.py`)."""
    asked = [(one, as_of) for one in held]
    found = await circumstances(registry.db, registry.vault, registry.trust, asked)
    return [known.question(one, as_of, now, claim) for one, known in zip(held, found, strict=True)]
