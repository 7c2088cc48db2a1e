"""The ledger grows (台账延伸): each trace is committed with its place, under a signed checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.graph.context import Hub
from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.kernel.crypto.notes import BadNote
from zwhub.kernel.merkle import EMPTY_ROOT, Frontier
from zwhub.kernel.words import Words
from zwhub.licences import store_growth as growing
from zwhub.licences import store_ledger as store
from zwhub.licences.entry import Action, Trace, entries_of, entry_of, sealed
from zwhub.licences.kept_checkpoint import KeptCheckpoint
from zwhub.licences.model import VerificationBatch
from zwhub.licences.store_growth import Growth
from zwhub.platform.database import Database, once_committed
from zwhub.platform.private_files import NotPrivate
from zwhub.platform.reading import Within

BATCH = 2_000  # waiting entries of one pass: their hashing must not hold up the event loop
_ADOPTED = 5_000
log = structlog.get_logger("zwhub.ledger")


class LedgerBroken(Exception):
    """The database no longer holds what the ledger vouched for: nothing more is signed."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Grown:
    """What one pass did: entries placed, entries refused a place. `full`: more may be waiting."""

    placed: int = 0
    refused: int = 0
    full: bool = False


class _Edge(NamedTuple):
    """Where the tree ends: the checkpoint's note, what it says, and all that growth needs."""

    note: str
    vouched: Checkpoint
    frontier: Frontier


@dataclass
class Ledger:
    """The ledger as one process continues it; the lock on its checkpoint gives others their turn."""

    key: LogKey = field(repr=False)
    secret: bytes = field(repr=False)
    kept: KeptCheckpoint
    _edge: _Edge | None = None
    _alone: bool = False  # nobody else was at the ledger when it was last looked at
    _complaint: str = ""

    async def append(self, db: Database, traces: Sequence[Trace]) -> None:
        """As `record`, in a transaction of its own.

        A single statement, as long as no other hub is at the ledger: it changes nothing unless
        the tree ends where this process has left it. Else, and for many, turns are taken.
        """
        if self._edge is not None and self._alone and len(traces) <= growing.FEW:
            entries = entries_of(traces, self.secret)
            growth = self._growth(self._edge, [one.leaf for one in entries])
            if await growing.append(db.reads.change, growth, traces, entries):
                self._reached(growth)
                return
        async with db.write() as session:
            await self.record(session, traces)

    async def record(
        self,
        session: AsyncSession,
        traces: Sequence[Trace],
        batch: VerificationBatch | None = None,
    ) -> None:
        """Write traces, the batch they make up, their entries with their places, the checkpoint.

        Let it be the last act of a transaction: nobody else records from here to its end. Where
        the ledger cannot be continued the entries wait for their places, and the log says why: a
        verification is answered all the same, and `zwhub ledger verify` tells.
        """
        if not traces:
            return
        if batch is not None:
            await growing.add_batch(session, batch)
        entries = entries_of(traces, self.secret)
        edge = await self._edge_or_complaint(session)
        if edge is None:
            await growing.leave_waiting(session, traces, entries)
            return
        growth = self._growth(edge, [one.leaf for one in entries])
        if len(traces) > growing.FEW:
            await growing.append_many(session, growth, traces, entries)
        else:
            await growing.append(Within(session).fetch, growth, traces, entries)
        self._grew(session, growth)

    async def extend(self, session: AsyncSession) -> Grown:
        """Begin the ledger, or give entries that wait their places.

        An entry without the hub's seal gets none: somebody else wrote it. Raises `LedgerBroken`,
        and signs nothing, where the database contradicts an earlier checkpoint.
        """
        edge = await self._end(session)
        if edge is None:
            return await self._begin(session)
        waiting = await store.waiting(session, BATCH)
        genuine = [one for one in waiting if sealed(self.secret, one.leaf, one.seal)]
        if genuine:
            growth = self._growth(edge, [one.leaf for one in genuine])
            await growing.give_places(session, growth, [one.trace_id for one in genuine])
            self._grew(session, growth)
        return Grown(len(genuine), len(waiting) - len(genuine), len(genuine) == BATCH)

    async def _edge_or_complaint(self, session: AsyncSession) -> _Edge | None:
        try:
            edge = await self._end(session)
        except (LedgerBroken, NotPrivate) as broken:
            self.complain(str(broken))
            return None
        self._complaint = ""
        return edge

    def complain(self, reason: str) -> None:
        """Say it once, however many entries meet with it."""
        if reason != self._complaint:
            log.error("ledger not continued", reason=reason)
        self._complaint = reason

    async def _end(self, session: AsyncSession) -> _Edge | None:
        """Where the ledger ends, which nobody else changes now; None before it has begun."""
        newest = await store.locked_checkpoint(session)
        known = self._known()
        if newest is None:
            if known is not None:
                raise _contradicted()
            return None
        edge = self._edge
        self._alone = edge is not None and edge.note == newest.note
        if edge is None or not self._alone:
            edge = await self._read_edge(session, newest.note)
        vouched = edge.vouched
        if (newest.size, newest.root) != (vouched.size, vouched.root) or _shrunk(known, vouched):
            raise _contradicted()
        self.kept.keep(vouched, edge.note)
        self._edge = edge
        return edge

    async def _read_edge(self, session: AsyncSession, note: str) -> _Edge:
        """The edge out of the stored nodes: after a start, or when another hub was at it."""
        vouched = self._vouched(note)
        frontier = await store.frontier(session, vouched.size)
        if frontier is None or frontier.root() != vouched.root:
            raise _contradicted()
        return _Edge(note, vouched, frontier)

    async def _begin(self, session: AsyncSession) -> Grown:
        """The first checkpoint, of an empty tree; traces older than the ledger are entered."""
        first = Growth("", Frontier(), self.key.sign(0, EMPTY_ROOT), Frontier(), ())
        if not await store.begin(session, first.end, first.next_note):
            return Grown(full=True)  # another process has begun meanwhile
        if await store.last_position(session) is not None:
            raise _contradicted()
        for action in Action:
            after = None
            while rows := await store.traces_without_entry(session, action, after, _ADOPTED):
                entered = [entry_of(row, action, self.secret) for row in rows]
                await growing.enter(session, entered)
                after = rows[-1].id
        self._grew(session, first)
        return Grown(full=True)

    def _growth(self, edge: _Edge, leaves: Sequence[bytes]) -> Growth:
        end, nodes = edge.frontier.grown(leaves)
        return Growth(edge.note, edge.frontier, self.key.sign(end.size, end.root()), end, nodes)

    def _grew(self, session: AsyncSession, growth: Growth) -> None:
        """Remember the new edge, believed where the database has its very note."""
        self._edge = self._edge_of(growth)
        once_committed(session, lambda: self._reached(growth))

    def _reached(self, growth: Growth) -> None:
        """It is committed: on disk, too, before anybody is answered."""
        self._edge = self._edge_of(growth)
        self.kept.keep(self._edge.vouched, growth.next_note)

    def _edge_of(self, growth: Growth) -> _Edge:
        end = growth.end
        return _Edge(growth.next_note, Checkpoint(self.key.origin, end.size, end.root()), end)

    def _known(self) -> Checkpoint | None:
        try:
            return self.kept.known()
        except BadNote as bad:
            raise LedgerBroken(bad.words) from None

    def _vouched(self, note: str) -> Checkpoint:
        try:
            return self.key.read(note)
        except BadNote as bad:
            raise LedgerBroken(bad.words) from None


def ledger_of(hub: Hub) -> Ledger:
    """The one ledger of a running hub."""
    return hub.kept(_ledger)


def _ledger(hub: Hub) -> Ledger:
    return Ledger(hub.log_key, hub.index_secret, KeptCheckpoint(hub.checkpoint, hub.log_key))


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
