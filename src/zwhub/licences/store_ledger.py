"""The ledger in SQL (台账存取): traces with their entries, the tree's nodes, the checkpoint."""

from collections.abc import Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    DateTime,
    LargeBinary,
    Row,
    SmallInteger,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.merkle import Frontier, Node, Place, places
from zwhub.licences.entry import COLUMNS, TABLES, Action, Trace, values_of
from zwhub.licences.model import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerNode,
    VerificationBatch,
)
from zwhub.licences.moments import moment
from zwhub.platform.database import copy_rows


async def add_traces(session: AsyncSession, traces: Sequence[Trace]) -> None:
    """COPY traces; `Ledger.record` alone may, for each needs its entry."""
    for action, table in TABLES.items():
        own = [one for one in traces if isinstance(one, table)]
        await copy_rows(session, table, [values_of(action, one) for one in own])


async def add_batch(session: AsyncSession, batch: VerificationBatch) -> None:
    """One receipt, of the traces that are written beside it."""
    session.add(batch)
    await session.flush()


async def append(session: AsyncSession, entries: Sequence[Mapping[str, Any]]) -> None:
    """COPY entries (`entry.entries_of`) that wait for their place."""
    await copy_rows(session, LedgerEntry, entries)


async def append_placed(
    session: AsyncSession,
    entries: Sequence[Mapping[str, Any]],
    start: int,
    nodes: Sequence[Node],
    grown: Frontier,
    note: str,
) -> None:
    """Entries at `start` and after it, the nodes they complete, the new checkpoint: one statement."""
    names = ("trace_id", "action", "licence_id", "at", "leaf", "seal")
    columns = {name: [entry[name] for entry in entries] for name in names}
    await session.execute(_APPEND, {**columns, "start": start, **_tree(nodes, grown, note)})


def _tree(nodes: Sequence[Node], grown: Frontier, note: str) -> dict[str, Any]:
    return {
        "levels": [node.level for node in nodes],
        "positions": [node.position for node in nodes],
        "hashes": [node.hash for node in nodes],
        "size": grown.size,
        "root": grown.root(),
        "note": note,
    }


# What stands already where the tree has not been was put there by somebody else, and gives way:
# nobody shall be able to stop the ledger with one row.
_GROW = """, grown AS (
    INSERT INTO ledger_nodes (level, position, hash)
    SELECT * FROM unnest(:levels, :positions, :hashes)
    ON CONFLICT (level, position) DO UPDATE SET hash = excluded.hash
) UPDATE ledger_checkpoint SET size = :size, root = :root, note = :note WHERE id = 1"""
_TREE_TYPES = (
    bindparam("levels", type_=ARRAY(SmallInteger())),
    bindparam("positions", type_=ARRAY(BigInteger())),
    bindparam("hashes", type_=ARRAY(LargeBinary())),
    bindparam("size", type_=BigInteger()),
    bindparam("root", type_=LargeBinary()),
    bindparam("note", type_=Text()),
)
_APPEND = text(
    f"""WITH appended AS (
    INSERT INTO ledger_entries (trace_id, action, licence_id, at, leaf, seal, position)
    SELECT trace_id, action, licence_id, at, leaf, seal, :start + nth - 1
    FROM unnest(:trace_id, :action, :licence_id, :at, :leaf, :seal)
        WITH ORDINALITY AS made (trace_id, action, licence_id, at, leaf, seal, nth)
    ON CONFLICT (position) DO UPDATE SET trace_id = excluded.trace_id, action = excluded.action,
        licence_id = excluded.licence_id, at = excluded.at, leaf = excluded.leaf,
        seal = excluded.seal
) {_GROW}"""  # noqa: S608 - two constants
).bindparams(
    bindparam("trace_id", type_=ARRAY(Uuid())),
    bindparam("action", type_=ARRAY(Text())),
    bindparam("licence_id", type_=ARRAY(BigInteger())),
    bindparam("at", type_=ARRAY(DateTime(timezone=True))),
    bindparam("leaf", type_=ARRAY(LargeBinary())),
    bindparam("seal", type_=ARRAY(LargeBinary())),
    bindparam("start", type_=BigInteger()),
    *_TREE_TYPES,
)


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


async def give_places(
    session: AsyncSession,
    trace_ids: Sequence[UUID],
    start: int,
    nodes: Sequence[Node],
    grown: Frontier,
    note: str,
) -> None:
    """As `append_placed`, for entries that have waited, in that order."""
    values = {"ids": list(trace_ids), "start": start, **_tree(nodes, grown, note)}
    await session.execute(_GIVE, values)


_GIVE = text(
    f"""WITH placed AS (
    UPDATE ledger_entries SET position = :start + given.nth - 1
    FROM unnest(:ids) WITH ORDINALITY AS given (id, nth) WHERE trace_id = given.id
) {_GROW}"""  # noqa: S608 - two constants
).bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("start", type_=BigInteger()),
    *_TREE_TYPES,
)


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


async def traces(session: AsyncSession, action: Action, ids: Sequence[UUID]) -> Mapping[UUID, Any]:
    """Traces by id, with the columns that an entry vouches for; as `readable` gives them."""
    if not ids:
        return {}
    table = TABLES[action]
    query = select(*_columns(action)).where(table.id == any_(literal(list(ids), ARRAY(Uuid()))))
    return {row.id: _trace(row) for row in await session.execute(query)}


async def traces_without_entry(
    session: AsyncSession, action: Action, after: UUID | None, limit: int
) -> Sequence[Any]:
    """Traces that nobody entered into the ledger, whose ids follow `after`."""
    table = TABLES[action]
    entered = select(LedgerEntry.trace_id).where(
        LedgerEntry.trace_id == table.id, LedgerEntry.action == action
    )
    query = select(*_columns(action)).where(~entered.exists())
    if after is not None:
        query = query.where(table.id > after)
    rows = await session.execute(query.order_by(table.id).limit(limit))
    return [_trace(row) for row in rows]


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


def _trace(row: Row[Any]) -> Any:
    said = row._asdict()
    if "checks" in said:
        said["checks"] = _from_json(said["checks"])
    return SimpleNamespace(**said)


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
