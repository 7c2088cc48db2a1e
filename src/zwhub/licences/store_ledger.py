"""The ledger in SQL (台账存取): traces with their entries, the tree's nodes, the checkpoint."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Row,
    SmallInteger,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.merkle import Frontier, Node, Place, places
from zwhub.licences.entry import COLUMNS, TABLES, Action, Trace, entries_of
from zwhub.licences.model import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerNode,
    Verification,
    VerificationBatch,
)
from zwhub.platform.database import copy_rows

_SEQUENCING = 0x7A77_0003  # any constant, as long as nothing else locks it


async def record(session: AsyncSession, traces: Sequence[Trace], secret: bytes) -> None:
    """COPY traces and their entries, committed together or not at all."""
    for action, table in TABLES.items():
        own = [one for one in traces if isinstance(one, table)]
        names = COLUMNS[action]
        rows = [{name: getattr(one, name) for name in names} for one in own]
        await copy_rows(session, table, rows)
    await append(session, entries_of(traces, secret))


async def record_batch(
    session: AsyncSession,
    batch: VerificationBatch,
    traces: Sequence[Verification],
    secret: bytes,
) -> None:
    """One receipt, the traces it covers and their entries."""
    session.add(batch)
    await session.flush()
    await record(session, traces, secret)


async def append(session: AsyncSession, entries: Sequence[Mapping[str, Any]]) -> None:
    """COPY entries (`entry.entries_of`) that wait for their place."""
    await copy_rows(session, LedgerEntry, entries)


async def one_sequencer(session: AsyncSession) -> bool:
    """Whether this transaction is now the only one that gives out places."""
    lock = select(func.pg_try_advisory_xact_lock(_SEQUENCING))
    return bool(await session.scalar(lock))


async def newest_checkpoint(session: AsyncSession) -> LedgerCheckpoint | None:
    return await session.scalar(select(LedgerCheckpoint))


async def save_checkpoint(
    session: AsyncSession, size: int, root: bytes, note: str, at: datetime
) -> None:
    """Put the newest checkpoint in the place of the one before."""
    values = {"size": size, "root": root, "note": note, "at": at}
    statement = upsert(LedgerCheckpoint).values(id=1, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=values))


class Waiting(NamedTuple):
    """An entry that has no place yet."""

    trace_id: UUID
    leaf: bytes
    seal: bytes


async def waiting(session: AsyncSession, limit: int) -> list[Waiting]:
    """Entries without a place, oldest first."""
    query = (
        select(LedgerEntry.trace_id, LedgerEntry.leaf, LedgerEntry.seal)
        .where(LedgerEntry.position.is_(None))
        .order_by(LedgerEntry.at, LedgerEntry.trace_id)
        .limit(limit)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def give_places(session: AsyncSession, start: int, trace_ids: Sequence[UUID]) -> None:
    """Place entries at `start` and after it, in their order; one statement."""
    await session.execute(_GIVE, {"ids": list(trace_ids), "start": start})


_GIVE = text(
    "UPDATE ledger_entries SET position = :start + given.nth - 1 "
    "FROM unnest(:ids) WITH ORDINALITY AS given (id, nth) WHERE trace_id = given.id"
).bindparams(bindparam("ids", type_=ARRAY(Uuid())), bindparam("start", type_=BigInteger()))


async def add_nodes(session: AsyncSession, nodes: Sequence[Node]) -> None:
    await copy_rows(session, LedgerNode, [node._asdict() for node in nodes])


async def nodes_at(session: AsyncSession, wanted: Collection[Place]) -> dict[Place, bytes]:
    """The stored nodes at these places, as far as there are any; one statement."""
    levels, positions = zip(*wanted, strict=True) if wanted else ((), ())
    asked = (
        func.unnest(
            literal(list(levels), ARRAY(SmallInteger())),
            literal(list(positions), ARRAY(BigInteger())),
        )
        .table_valued("level", "position", name="asked")
        .render_derived()
    )
    query = select(LedgerNode.level, LedgerNode.position, LedgerNode.hash).join(
        asked,
        (LedgerNode.level == asked.c.level) & (LedgerNode.position == asked.c.position),
    )
    found = await session.execute(query)
    return {Place(level, position): hash_ for level, position, hash_ in found}


async def frontier(session: AsyncSession, size: int) -> Frontier | None:
    """The right edge of the tree of that size; None where a node of it is missing."""
    edge = places(0, size)
    found = await nodes_at(session, edge)
    if len(found) != len(edge):
        return None
    return Frontier(size, tuple(found[place] for place in edge))


async def entries_between(session: AsyncSession, start: int, end: int) -> Sequence[Row[Any]]:
    """The entries at the positions [start, end), in order."""
    query = select(*LedgerEntry.__table__.columns).where(
        LedgerEntry.position >= start, LedgerEntry.position < end
    )
    return (await session.execute(query.order_by(LedgerEntry.position))).all()


async def entries_waiting(
    session: AsyncSession, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The entries without a place whose ids follow `after`."""
    query = select(*LedgerEntry.__table__.columns).where(LedgerEntry.position.is_(None))
    if after is not None:
        query = query.where(LedgerEntry.trace_id > after)
    return (await session.execute(query.order_by(LedgerEntry.trace_id).limit(limit))).all()


async def entries_outside(session: AsyncSession, size: int, limit: int) -> Sequence[Row[Any]]:
    """Entries at positions that a tree of `size` leaves does not have."""
    position = LedgerEntry.position
    query = select(*LedgerEntry.__table__.columns).where((position >= size) | (position < 0))
    return (await session.execute(query.order_by(position).limit(limit))).all()


async def traces(
    session: AsyncSession, action: Action, ids: Sequence[UUID]
) -> Mapping[UUID, Row[Any]]:
    """Traces by id, with the columns that an entry vouches for."""
    if not ids:
        return {}
    table = TABLES[action]
    query = select(*_columns(action)).where(table.id == any_(literal(list(ids), ARRAY(Uuid()))))
    return {row.id: row for row in await session.execute(query)}


async def traces_without_entry(
    session: AsyncSession, action: Action, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Traces that nobody entered into the ledger, whose ids follow `after`."""
    table = TABLES[action]
    entered = select(LedgerEntry.trace_id).where(
        LedgerEntry.trace_id == table.id, LedgerEntry.action == action
    )
    query = select(*_columns(action)).where(~entered.exists())
    if after is not None:
        query = query.where(table.id > after)
    return (await session.execute(query.order_by(table.id).limit(limit))).all()


def _columns(action: Action) -> list[Any]:
    return [getattr(TABLES[action], name) for name in COLUMNS[action]]


async def nodes_between(
    session: AsyncSession, level: int, start: int, end: int
) -> Mapping[int, bytes]:
    """The stored nodes of one level, by position, from `start` up to and without `end`."""
    query = select(LedgerNode.position, LedgerNode.hash).where(
        LedgerNode.level == level, LedgerNode.position >= start, LedgerNode.position < end
    )
    return dict((await session.execute(query)).all())


async def nodes_outside(session: AsyncSession, size: int, limit: int) -> list[Place]:
    """Nodes at places that a tree of `size` leaves does not have."""
    query = text(
        "SELECT level, position FROM ledger_nodes WHERE level NOT BETWEEN 0 AND 62 "
        "OR position < 0 OR position >= CAST(:size AS bigint) >> level "
        "ORDER BY level, position LIMIT :limit"
    )
    found = await session.execute(query, {"size": size, "limit": limit})
    return [Place(*row) for row in found]


async def last_position(session: AsyncSession) -> int | None:
    return await session.scalar(select(func.max(LedgerEntry.position)))
