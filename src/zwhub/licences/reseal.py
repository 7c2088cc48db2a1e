"""Turn the data keys over (更换数据密钥): a new key seals, all is sealed again, old keys go.

Every step can be interrupted and done again: a value names its key, and the database remembers
(`secret_marks`) under which keys something may still lie.

1. `next_ring`: the new key is put into the ring's file. Every hub of that file looks at it before
   it seals, so that from then on nothing new comes under the old key but what is on its way.
2. `reseal`: batch by batch, each its own transaction; passes until one finds nothing.
3. `forgettable`: an old key goes once caches no longer hold anything under it and a last look
   finds nothing; what was on its way for that long is found there, and 2 is done again.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.sealing import CannotOpen, DataKeys, Sealer
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import store_vault as store
from zwhub.licences.gather import RECORD_TTL
from zwhub.licences.vault import data_mark
from zwhub.platform.database import Database

MOST_PASSES = 10
# A cache holds a record for RECORD_TTL; a fill can begin just before the last value is replaced.
GRACE = timedelta(seconds=RECORD_TTL + 60)


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many values were sealed again, and which rows could not be opened (`table key`)."""

    moved: int
    unreadable: Collection[str]


@asynccontextmanager
async def alone(db: Database) -> AsyncIterator[None]:
    """While the block runs, no other process turns the keys over. Raises `Refused`."""
    async with store.turning_alone(db) as free:
        if not free:
            raise Refused(Reason.WRONG_STATE, _ANOTHER)
        yield


async def next_ring(session: AsyncSession, ring: DataKeys) -> DataKeys:
    """The ring to go on with: as it is while an earlier turn is not finished, else turned.

    Raises `BadKeys` when all numbers were given.
    """
    marks = await store.marks(session)
    emptied = {name for name, mark in marks.items() if mark.emptied_at is not None}
    unfinished = any(data_mark(number) not in emptied for number in ring.old)
    return ring if unfinished else ring.turned()


async def reseal(db: Database, sealer: Sealer, told: Callable[[int], None]) -> Resealed:
    """Seal under the current key whatever lies under another one; `told` of each batch.

    Raises `Refused` when new values keep coming under an old key.
    """
    moved = 0
    for _ in range(MOST_PASSES):
        unreadable: set[str] = set()
        more = 0
        for column in store.COLUMNS:
            more += await _pass(db, sealer, column, unreadable, told)
        moved += more
        if not more:
            return Resealed(moved, sorted(unreadable))
    raise Refused(Reason.WRONG_STATE, _KEEPS_COMING)


async def note_emptied(session: AsyncSession, ring: DataKeys, moved: bool, now: datetime) -> None:
    """Remember since when nothing lies under the old keys."""
    marks = await store.marks(session)
    names = [data_mark(number) for number in ring.old]
    late = [name for name in names if moved or marks[name].emptied_at is None]
    await store.note_emptied(session, late, now)


async def count(session: AsyncSession) -> Mapping[int, Mapping[str, int]]:
    """By the number of the key, how many values of each table lie under it."""
    found: dict[int, dict[str, int]] = {}
    for column in store.COLUMNS:
        for number, rows in (await store.count_by_key(session, column)).items():
            found.setdefault(number, {})[column.name] = rows
    return found


async def forgettable(session: AsyncSession, sealer: Sealer, now: datetime) -> list[int]:
    """The old keys that nothing needs, for certain; empty where there are no old ones.

    Raises `Refused` (WRONG_STATE) while a value may lie under one of them, here or in a cache;
    one found here is noted, so that the next rotation goes on instead of beginning anew. Needs a
    session in autocommit.
    """
    marks, old = await store.marks(session), sealer.ring.old
    emptied = [marks[data_mark(number)].emptied_at for number in old]
    latest = max((one for one in emptied if one is not None), default=None)
    if None in emptied:
        raise Refused(Reason.WRONG_STATE, _NOT_FINISHED)
    if latest is not None and latest + GRACE > now:
        raise Refused(Reason.WRONG_STATE, _too_early(latest + GRACE - now))
    if old and await _needed(session, sealer, old):
        await store.note_emptied(session, [data_mark(number) for number in old], None)
        raise Refused(Reason.WRONG_STATE, _NOT_FINISHED)
    return old


async def _needed(session: AsyncSession, sealer: Sealer, numbers: Collection[int]) -> bool:
    """Whether any value opens under one of these keys alone; altered ones open under none."""
    for column in store.COLUMNS:
        after = None
        while rows := await store.under(session, column, lambda n: n.in_(numbers), after):
            if any(_opened(sealer, row) is not None for row in rows):
                return True
            after = rows[-1].key
    return False


async def _pass(
    db: Database,
    sealer: Sealer,
    column: store.SealedColumn,
    unreadable: set[str],
    told: Callable[[int], None],
) -> int:
    current, moved = sealer.ring.current, 0

    def other(number: Any) -> Any:
        return number != current

    after = None
    while True:
        async with db.write() as session:
            rows = await store.under(session, column, other, after)
            fresh = _sealed_again(sealer, column, rows, unreadable)
            if fresh:
                await store.replace(session, column, fresh)
        if not rows:
            return moved
        moved, after = moved + len(fresh), rows[-1].key
        told(len(fresh))


def _sealed_again(
    sealer: Sealer,
    column: store.SealedColumn,
    rows: Collection[store.Sealed],
    unreadable: set[str],
) -> list[tuple[tuple[Any, ...], bytes]]:
    fresh = []
    for row in rows:
        plain = _opened(sealer, row)
        if plain is None:
            unreadable.add(" ".join((column.name, *map(str, row.key))))
        else:
            fresh.append((row.key, sealer.seal(plain, row.about)))
    return fresh


def _opened(sealer: Sealer, row: store.Sealed) -> bytes | None:
    try:
        return sealer.open(row.value, row.about)
    except CannotOpen:
        return None


_KEEPS_COMING = Words(
    "仍有枢纽以旧密钥加密：请确认每个枢纽都读取同一 data.keys，再运行 zwhub secrets rotate。",
    "Some hub still seals under an old key: make sure that each one reads this data.keys, then "
    "run `zwhub secrets rotate` again.",
)
_ANOTHER = Words(
    "另一进程正在更换密钥。", "Another process is turning the keys over at this moment."
)
_NOT_FINISHED = Words(
    "仍有数据处于旧密钥之下：请先运行 zwhub secrets rotate。",
    "Something may still lie under an old key: run `zwhub secrets rotate` first.",
)


def _too_early(rest: timedelta) -> Words:
    minutes = -(-int(rest.total_seconds()) // 60)
    return Words(
        f"缓存中可能还有旧密钥下的记录：请 {minutes} 分钟后再运行。",
        f"Caches may still hold records under an old key: run it again in {minutes} minutes.",
    )
