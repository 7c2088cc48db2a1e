"""The audit in SQL (台账审计存取): every row of the ledger's tables, whatever somebody put there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Row, Table, Uuid, any_, func, literal, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.merkle import Place
from zwhub.licences.model import (
    LedgerCheckpoint,
    LedgerEntry,
    LedgerNode,
    LicenceReading,
    Verification,
    VerificationBatch,
)
from zwhub.licences.store_ledger import readable

TABLES: Sequence[Any] = (
    *(Verification, LicenceReading, VerificationBatch),
    *(LedgerEntry, LedgerNode, LedgerCheckpoint),
)
_ENTRY = [readable(column) for column in LedgerEntry.__table__.columns]
_BATCH = [readable(column) for column in VerificationBatch.__table__.columns]


class Shape(NamedTuple):
    """A column as it should be, or as it is."""

    table: str
    name: str
    type: str
    always: bool  # not null
    key: bool  # of the primary key


async def altered(session: AsyncSession) -> list[Shape]:
    """The columns of the ledger's tables that are not as the hub made them; one statement.

    Behind a column of another kind, or without a key, anything can hide.
    """
    query = text(
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
        "EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary "
        "AND i.indisvalid AND a.attnum = ANY (i.indkey)) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
        "WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(CAST(:names AS text[])) AS name) "
        "AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')"
    )
    names = [table.__tablename__ for table in TABLES]
    found = {Shape(*row) for row in await session.execute(query, {"names": names})}
    return [one for table in TABLES for one in _shapes(table.__table__) if one not in found]


def _shapes(table: Table) -> Iterable[Shape]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for column in table.columns:
        kind = column.type.compile(dialect).lower()
        yield Shape(table.name, column.name, kind, not column.nullable, column.primary_key)


async def checkpoints(session: AsyncSession) -> Sequence[Row[Any]]:
    """There should be one."""
    query = select(*LedgerCheckpoint.__table__.columns).order_by(LedgerCheckpoint.id)
    return (await session.execute(query.limit(2))).all()


async def placed(session: AsyncSession) -> int:
    """How many entries have a place that a tree can have."""
    query = select(func.count()).where(LedgerEntry.position >= 0)
    return int(await session.scalar(query) or 0)


async def batches(session: AsyncSession, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
    """Batches by id."""
    if not ids:
        return {}
    wanted = VerificationBatch.id == any_(literal(list(ids), ARRAY(Uuid())))
    return {row.id: row for row in await session.execute(select(*_BATCH).where(wanted))}


async def batches_of_nobody(session: AsyncSession, limit: int) -> Sequence[UUID]:
    """Batches that no verification belongs to."""
    own = select(Verification.id).where(Verification.batch_id == VerificationBatch.id)
    query = select(VerificationBatch.id).where(~own.exists())
    return (await session.scalars(query.order_by(VerificationBatch.id).limit(limit))).all()


async def entries_between(session: AsyncSession, start: int, end: int) -> Sequence[Row[Any]]:
    """The entries at the positions [start, end), in order."""
    query = select(*_ENTRY).where(LedgerEntry.position >= start, LedgerEntry.position < end)
    return (await session.execute(query.order_by(LedgerEntry.position))).all()


async def entries_waiting(
    session: AsyncSession, after: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """The entries without a place whose ids follow `after`."""
    query = select(*_ENTRY).where(LedgerEntry.position.is_(None))
    if after is not None:
        query = query.where(LedgerEntry.trace_id > after)
    return (await session.execute(query.order_by(LedgerEntry.trace_id).limit(limit))).all()


async def entries_outside(session: AsyncSession, size: int, limit: int) -> Sequence[Row[Any]]:
    """Entries at positions that a tree of `size` leaves does not have."""
    position = LedgerEntry.position
    query = select(*_ENTRY).where((position >= size) | (position < 0))
    return (await session.execute(query.order_by(position).limit(limit))).all()


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
