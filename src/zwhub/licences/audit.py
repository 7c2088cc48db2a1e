"""The ledger's audit (台账审计): every leaf from its trace, every node from its leaves."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.kernel.crypto.notes import BadNote
from zwhub.kernel.merkle import HASH, Frontier, Node, Place
from zwhub.kernel.merkle_proofs import consistency_plan, drawn, extends
from zwhub.kernel.words import Words
from zwhub.licences import store_audit as store
from zwhub.licences import store_ledger
from zwhub.licences.entry import Action, Trace, leaf_of, sealed

CHUNK = 4_096
Traces = Mapping[UUID, Trace]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that does not hold (问题): what it is about, and what is wrong with it."""

    about: str
    words: Words


@dataclass
class Audit:
    """One look at the whole ledger, within one transaction that sees a single moment.

    `tell(done, total)` is called as it goes. After `flaws` has ended, `size` and `waiting` say
    how many entries have a place, and how many have none yet.
    """

    session: AsyncSession
    key: LogKey
    secret: bytes
    tell: Callable[[int, int], None]
    size: int = 0
    waiting: int = 0
    _told: set[UUID] = field(default_factory=set)  # batches

    async def flaws(self, saved: Sequence[Checkpoint] = ()) -> AsyncIterator[Flaw]:
        """Everything that does not hold; nothing when all does.

        `saved` are checkpoints kept elsewhere: the ledger must still begin with each of them.
        """
        if shapes := await store.altered(self.session):
            for flaw in _alterations(shapes):
                yield flaw
            if any(not one.key for one in shapes):  # what is read would be read wrongly
                return
        newest, found = await self._newest(saved)
        for one in saved:
            found += await self._begins_with(one, newest)
        for flaw in found:
            yield flaw
        async for flaw in self._tree(newest):
            yield flaw
        async for flaw in self._beyond():
            yield flaw

    async def _tree(self, newest: Checkpoint | None) -> AsyncIterator[Flaw]:
        """From the first entry to the last, in stretches; then the root."""
        frontier = Frontier()
        while frontier.size < self.size:
            end = min(frontier.size + CHUNK, self.size)
            frontier, found = await self._stretch(frontier, end)
            for flaw in found:
                yield flaw
            self.tell(end, self.size)
        if newest is not None and frontier.root() != newest.root:
            yield _checkpoint("各条目合成的根与其不符", "the entries do not make up its root")

    async def _newest(self, saved: Sequence[Checkpoint]) -> tuple[Checkpoint | None, list[Flaw]]:
        """What the ledger vouches for now; sets the size of the tree to look at."""
        # Not the last position: that is a number which anybody can have written there.
        self.size = max([await store.placed(self.session), *(one.size for one in saved)])
        rows = await store.checkpoints(self.session)
        flaws = [_checkpoint("有多份", "there is more than one")] if len(rows) > 1 else []
        if not rows:
            return None, [_checkpoint("缺失", "it is missing")]
        row = rows[0]
        try:
            newest = self.key.read(row.note)
        except BadNote as bad:
            return None, [*flaws, Flaw("checkpoint", bad.words)]
        self.size = newest.size
        if (row.id, row.size, row.root) != (1, newest.size, newest.root):
            flaws.append(_checkpoint("列与签名内容不符", "its columns differ from its note"))
        return newest, flaws

    async def _begins_with(self, saved: Checkpoint, newest: Checkpoint | None) -> list[Flaw]:
        """A consistency proof (RFC 6962 §2.1.2) from a saved checkpoint to the newest."""
        about = f"saved checkpoint of {saved.size}"
        if newest is None or newest.size < saved.size:
            words = Words("台账变短了：其后的条目已被移除", "entries it covers have been removed")
            return [Flaw(about, words)]
        plan = consistency_plan(saved.size, newest.size)
        nodes = await store_ledger.nodes_at(
            self.session, {place for part in plan for place in part}
        )
        try:
            proof = drawn(plan, lambda *place: nodes[Place(*place)])
        except KeyError:
            proof = []
        if extends(saved.root, saved.size, newest.root, newest.size, proof):
            return []
        return [Flaw(about, Words("历史已被改写", "the history before it has been rewritten"))]

    async def _stretch(self, frontier: Frontier, end: int) -> tuple[Frontier, list[Flaw]]:
        """The entries from the frontier on, and every node that they complete."""
        rows = await store.entries_between(self.session, frontier.size, end)
        traces = await self._traces(rows)
        leaves = await store.nodes_between(self.session, 0, frontier.size, end)
        flaws: list[Flaw] = []
        entries: dict[int, Row[Any]] = {}
        for row in rows:
            if entries.setdefault(row.position, row) is not row:
                flaws.append(_entry(row, "重复占位", "stands in another entry's place"))
        agreed, sound = [], []
        for position in range(frontier.size, end):
            leaf, found = self._examined(position, entries.get(position), traces, leaves)
            agreed.append(leaf)
            flaws += found
            if not found:
                sound.append(traces[entries[position].trace_id])
        flaws += await self._batches(sound)
        grown, nodes = frontier.grown(agreed)
        flaws += await self._nodes([node for node in nodes if node.level], leaves, nodes)
        return grown, flaws

    def _examined(
        self, position: int, row: Row[Any] | None, traces: Traces, leaves: Mapping[int, bytes]
    ) -> tuple[bytes, list[Flaw]]:
        """The leaf that trace, entry and node agree on (two of three), and who does not."""
        trace = None if row is None else traces.get(row.trace_id)
        own = None if row is None or trace is None else leaf_of(Action(row.action), trace)
        said = None if row is None or not sealed(self.secret, row.leaf, row.seal) else row.leaf
        votes = Counter(one for one in (said, own, leaves.get(position)) if one is not None)
        leaf = votes.most_common(1)[0][0] if votes else bytes(HASH)
        if row is None:
            return leaf, [Flaw(f"entry {position}", Words("条目被移除", "it has been removed"))]
        return leaf, _disagreements(row, trace, leaf, own, said)

    async def _batches(self, traces: Sequence[Any]) -> list[Flaw]:
        """What is wrong with the batches that traces belong to, which are as they were written."""
        first = {one.batch_id: one for one in traces if getattr(one, "batch_id", None)}
        found = await store.batches(self.session, first)
        flaws = []
        for key, trace in first.items():
            if key not in self._told and (words := _batch_wrong(found.get(key), trace)):
                self._told.add(key)
                flaws.append(Flaw(f"batch {key}", words))
        return flaws

    async def _nodes(
        self, inner: Sequence[Node], leaves: Mapping[int, bytes], nodes: Sequence[Node]
    ) -> list[Flaw]:
        """Stored nodes that are missing or differ from those computed."""
        stored = {Place(0, position): hash_ for position, hash_ in leaves.items()}
        levels: dict[int, list[int]] = defaultdict(list)
        for node in inner:
            levels[node.level].append(node.position)
        for level, spots in levels.items():
            found = await store.nodes_between(self.session, level, spots[0], spots[-1] + 1)
            stored |= {Place(level, position): hash_ for position, hash_ in found.items()}
        return list(_node_flaws(nodes, stored))

    async def _beyond(self) -> AsyncIterator[Flaw]:
        """What the tree does not have: entries and nodes outside it, traces nobody entered."""
        for row in await store.entries_outside(self.session, self.size, CHUNK):
            yield _entry(row, "插入于检查点之外", "has been inserted: no checkpoint covers it")
        for place in await store.nodes_outside(self.session, self.size, CHUNK):
            yield _node(place, "被插入", "has been inserted")
        async for flaw in self._still_waiting():
            yield flaw
        for key in await store.batches_of_nobody(self.session, CHUNK):
            yield Flaw(f"batch {key}", Words("被插入", "has been inserted: nothing belongs to it"))
        for action in Action:
            after = None
            while rows := await store_ledger.traces_without_entry(
                self.session, action, after, CHUNK
            ):
                for trace in rows:
                    words = Words(
                        "没有条目：被插入，或其条目被移除",
                        "has no entry: it was inserted, or its entry was removed",
                    )
                    yield Flaw(f"{action.lower()} {trace.id}", words)
                after = rows[-1].id

    async def _still_waiting(self) -> AsyncIterator[Flaw]:
        after = None
        while rows := await store.entries_waiting(self.session, after, CHUNK):
            traces = await self._traces(rows)
            for flaw in await self._batches(list(traces.values())):
                yield flaw
            for row in rows:
                trace = traces.get(row.trace_id)
                own = None if trace is None else leaf_of(Action(row.action), trace)
                said = row.leaf if sealed(self.secret, row.leaf, row.seal) else None
                for flaw in _disagreements(row, trace, said or own or row.leaf, own, said):
                    yield flaw
            self.waiting += len(rows)
            after = rows[-1].trace_id

    async def _traces(self, rows: Sequence[Row[Any]]) -> Traces:
        found: dict[UUID, Trace] = {}
        for action in Action:
            ids = [row.trace_id for row in rows if row.action == action]
            found |= await store_ledger.traces(self.session, action, ids)
        return found


def _disagreements(
    row: Row[Any], trace: Any | None, leaf: bytes, own: bytes | None, said: bytes | None
) -> list[Flaw]:
    """What is wrong with an entry whose true leaf is `leaf`, and with its trace."""
    flaws = []
    if said != leaf:
        flaws.append(_entry(row, "条目被改动或插入", "has been changed or inserted"))
    if trace is None:
        flaws.append(_entry(row, "所记的记录被移除", "its trace has been removed"))
    elif own != leaf:
        flaws.append(_entry(row, "所记的记录被改动", "its trace has been changed"))
    elif (row.licence_id, row.at) != (trace.licence_id, trace.at):
        flaws.append(_entry(row, "条目的列被改动", "its columns have been changed"))
    return flaws


def _batch_wrong(batch: Row[Any] | None, trace: Any) -> Words | None:
    """What is wrong with a batch, by what one of its traces vouches for."""
    if batch is None:
        return Words("被移除", "has been removed")
    digest = sha256(batch.receipt.encode()).digest()
    # Of traces that were written before they kept a digest, the time alone speaks.
    if batch.at != trace.at or trace.batch_sha256 not in (None, digest):
        return Words("被改动", "has been changed")
    return None


def _alterations(shapes: Iterable[store.Shape]) -> Iterable[Flaw]:
    for one in shapes:
        words = Words(
            "列的类型、非空或主键被改", "its type, its key, or whether it may be empty, is another"
        )
        yield Flaw(f"column {one.table}.{one.name}", words)


def _node_flaws(nodes: Iterable[Node], stored: Mapping[Place, bytes]) -> Iterable[Flaw]:
    for node in nodes:
        place = Place(node.level, node.position)
        if place not in stored:
            yield _node(place, "被移除", "has been removed")
        elif stored[place] != node.hash:
            yield _node(place, "被改动", "has been changed")


def _entry(row: Row[Any], zh: str, en: str) -> Flaw:
    place = "waiting" if row.position is None else row.position
    return Flaw(f"entry {place} ({row.action.lower()} {row.trace_id})", Words(zh, en))


def _node(place: Place, zh: str, en: str) -> Flaw:
    leaf = f" (leaf of entry {place.position})" if place.level == 0 else ""
    return Flaw(f"node {place.level}/{place.position}{leaf}", Words(zh, en))


def _checkpoint(zh: str, en: str) -> Flaw:
    return Flaw("checkpoint", Words(zh, en))
