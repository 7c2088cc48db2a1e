"""The ledger grows (台账延伸): entries get their places, and the tree a signed checkpoint."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.kernel.crypto.notes import BadNote
from zwhub.kernel.merkle import EMPTY_ROOT, Frontier
from zwhub.kernel.words import Words
from zwhub.licences import store_ledger as store
from zwhub.licences.entry import Action, entry_of, sealed

BATCH = 2_000  # entries of one pass: their hashing must not hold up the event loop
_ADOPTED = 5_000


class LedgerBroken(Exception):
    """The database no longer holds what the ledger vouched for: nothing more is signed."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Grown:
    """What one pass did: entries placed, entries refused a place, and the checkpoint's note.

    `full`: more may be waiting. `note` is None where another process was at it.
    """

    placed: int = 0
    refused: int = 0
    full: bool = False
    note: str | None = None


async def extend_ledger(
    session: AsyncSession, key: LogKey, secret: bytes, kept: Checkpoint | None, now: datetime
) -> Grown:
    """Give the waiting entries their places, store the nodes, sign the new checkpoint.

    `kept` is the newest checkpoint that this process remembers. An entry without the hub's seal
    gets no place: somebody else wrote it. Raises `LedgerBroken` before anything is signed that
    would contradict an earlier checkpoint.
    """
    if not await store.one_sequencer(session):
        return Grown()
    newest = await store.newest_checkpoint(session)
    if newest is None:
        return Grown(note=await _begin(session, key, secret, kept, now), full=True)
    waiting = await store.waiting(session, BATCH)
    genuine = [one for one in waiting if sealed(secret, one.leaf, one.seal)]
    refused, full = len(waiting) - len(genuine), len(genuine) == BATCH
    vouched = vouched_for(newest.note, key)
    if (vouched.size, vouched.root) != (newest.size, newest.root) or _shrunk(kept, vouched):
        raise _contradicted()
    if not genuine:
        return Grown(refused=refused, note=newest.note)
    edge = await store.frontier(session, vouched.size)
    if edge is None or edge.root() != vouched.root:
        raise _contradicted()
    note = await _grow(session, key, edge, genuine, now)
    return Grown(len(genuine), refused, full, note)


async def _grow(
    session: AsyncSession,
    key: LogKey,
    edge: Frontier,
    entries: list[store.Waiting],
    now: datetime,
) -> str:
    grown, nodes = edge.grown(one.leaf for one in entries)
    await store.add_nodes(session, nodes)
    await store.give_places(session, edge.size, [one.trace_id for one in entries])
    note = key.sign(grown.size, grown.root())
    await store.save_checkpoint(session, grown.size, grown.root(), note, now)
    return note


async def _begin(
    session: AsyncSession, key: LogKey, secret: bytes, kept: Checkpoint | None, now: datetime
) -> str:
    """The first checkpoint, of an empty tree; traces older than the ledger are entered."""
    if kept is not None or await store.last_position(session) is not None:
        raise _contradicted()
    for action in Action:
        after = None
        while rows := await store.traces_without_entry(session, action, after, _ADOPTED):
            await store.append(session, [entry_of(row, action, secret) for row in rows])
            after = rows[-1].id
    note = key.sign(0, EMPTY_ROOT)
    await store.save_checkpoint(session, 0, EMPTY_ROOT, note, now)
    return note


def vouched_for(note: str | bytes, key: LogKey) -> Checkpoint:
    """What a checkpoint of this ledger says; raises `LedgerBroken` for any other text."""
    try:
        return key.read(note)
    except BadNote as bad:
        raise LedgerBroken(bad.words) from None


def _shrunk(kept: Checkpoint | None, newest: Checkpoint) -> bool:
    if kept is None:
        return False
    return kept.size > newest.size or (kept.size == newest.size and kept.root != newest.root)


def _contradicted() -> LedgerBroken:
    return LedgerBroken(
        Words(
            "台账与已签检查点不符，不再续签：请运行 zwhub ledger verify。",
            "The ledger contradicts a checkpoint it has signed, and is not continued: "
            "run `zwhub ledger verify`.",
        )
    )
