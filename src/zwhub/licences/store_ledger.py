"""The ledger in SQL (台账存取): traces with their entries, the tree's nodes, the checkpoint.

How it grows stands in `store_growth.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    DateTime,
    Row,
    SmallInteger,
    Text,
    Uuid,
    any_,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.merkle import Frontier, Place, places
from zwhub.licences.entry import COLUMNS, TABLES, TRACES, Action, Trace, VerificationTrace
from zwhub.licences.model import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerNode,
)
from zwhub.licences.moments import moment


async def newest_checkpoint(session: AsyncSession) -> LedgerCheckpoint | None:
    return await session.scalar(select(LedgerCheckpoint).where(LedgerCheckpoint.id == 1))


async def locked_checkpoint(session: AsyncSession) -> Row[Any] | None:
    """The newest checkpoint once it is this transaction's turn to replace it; one statement.

    The lock is the row's own: a statement that took another lock first would still see the table
    as it was before it waited. A hub that is frozen in its turn loses it after `_TURN`.
    """
    return (await session.execute(_LOCK)).one_or_none()


_TURN = "10s"
_LOCK = (
    select(
        LedgerCheckpoint.size,
        LedgerCheckpoint.root,
        LedgerCheckpoint.note,
        func.set_config("idle_in_transaction_session_timeout", _TURN, True),
    )
    .where(LedgerCheckpoint.id == 1)
    .with_for_update()
)


async def begin(session: AsyncSession, grown: Frontier, note: str) -> bool:
    """Put the first checkpoint there; False where another process did, which is waited for."""
    values = {"id": 1, "size": grown.size, "root": grown.root(), "note": note}
    first = upsert(LedgerCheckpoint).values(values).on_conflict_do_nothing()
    return await session.scalar(first.returning(LedgerCheckpoint.id)) is not None


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


async def traces(
    session: AsyncSession, action: Action, ids: Sequence[UUID]
) -> Mapping[UUID, Trace]:
    """Traces by id, with the columns that an entry vouches for; as `readable` gives them."""
    if not ids:
        return {}
    table = TABLES[action]
    query = select(*_columns(action)).where(table.id == any_(literal(list(ids), ARRAY(Uuid()))))
    return {row.id: _trace(action, row) for row in await session.execute(query)}


async def traces_without_entry(
    session: AsyncSession, action: Action, after: UUID | None, limit: int
) -> Sequence[Trace]:
    """Traces that nobody entered into the ledger, whose ids follow `after`."""
    table = TABLES[action]
    entered = select(LedgerEntry.trace_id).where(
        LedgerEntry.trace_id == table.id, LedgerEntry.action == action
    )
    query = select(*_columns(action)).where(~entered.exists())
    if after is not None:
        query = query.where(table.id > after)
    rows = await session.execute(query.order_by(table.id).limit(limit))
    return [_trace(action, row) for row in rows]


def _columns(action: Action) -> list[Any]:
    return [readable(TABLES[action].__table__.columns[name]) for name in COLUMNS[action]]


def readable(column: Any) -> Any:
    """The column, so that no value of it stops whoever reads it: each was once put there by us.

    A moment that Python has not is null. JSON comes as text (`_trace`).
    """
    if isinstance(column.type, DateTime):
        return case((moment(column), column)).label(column.name)
    return cast(column, Text).label(column.name) if isinstance(column.type, JSON) else column


_UNREADABLE = "\0"  # no text in the database


def _trace(action: Action, row: Row[Any]) -> Trace:
    trace = TRACES[action]._make(row)
    if isinstance(trace, VerificationTrace):
        return trace._replace(checks=_from_json(row.checks))
    return trace


def _from_json(said: str | None) -> Any:
    """What was stored; of what cannot be hashed again, something that never was."""
    try:
        value = orjson.loads(said or "null")
        orjson.dumps(value)
    except (TypeError, ValueError):  # a number too large, a thousand brackets
        return _UNREADABLE
    return value


async def last_position(session: AsyncSession) -> int | None:
    return await session.scalar(select(func.max(LedgerEntry.position)))
