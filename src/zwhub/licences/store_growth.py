"""The ledger's growth in SQL (台账延伸存取): traces, entries, nodes and checkpoint, all or nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.merkle import Frontier, Node
from zwhub.licences.entry import COLUMNS, TABLES, TRACES, Action, Entry, Trace
from zwhub.licences.findings import KeptChecks
from zwhub.licences.model import LedgerEntry, VerificationBatch
from zwhub.platform.database import copy_records
from zwhub.platform.reading import Fetch, Within

FEW = 100  # traces; more are copied, which takes a transaction and less for each


@dataclass(frozen=True, slots=True)
class Growth:
    """From the checkpoint `note`, where the tree ended in `start`, to the next one."""

    note: str
    start: Frontier
    next_note: str
    end: Frontier
    nodes: Sequence[Node]

    def values(self) -> list[Any]:
        """What `_TURN` needs."""
        before = (self.note, self.start.size, self.start.root())
        after = (self.next_note, self.end.size, self.end.root())
        return [*before, *after, *(list(zip(*self.nodes, strict=True)) or [(), (), ()])]


# The checkpoint is compared and replaced; where another hub was faster, nothing happens. What stands
# already where the tree has not been was put there by somebody else, and gives way: nobody shall be
# able to stop the ledger with one row.
_TURN = """WITH turn AS (
    UPDATE ledger_checkpoint SET note = $4::text, size = $5::bigint, root = $6::bytea
    WHERE id = 1 AND note = $1::text AND size = $2::bigint AND root = $3::bytea RETURNING id
), grown AS (
    INSERT INTO ledger_nodes (level, position, hash)
    SELECT node.* FROM turn, unnest($7::smallint[], $8::bigint[], $9::bytea[]) AS node
    ON CONFLICT (level, position) DO UPDATE SET hash = excluded.hash
)"""
_NEXT = 10  # the first parameter that `_TURN` leaves
_APPEND = """, {action} AS (
    SELECT one.* FROM turn, unnest({arrays}) AS one ({columns}, leaf, seal, position)
), {action}_trace AS (
    INSERT INTO {table} ({columns}) SELECT {columns} FROM {action}
), {action}_entry AS (
    INSERT INTO ledger_entries (trace_id, action, licence_id, at, leaf, seal, position)
    SELECT id, '{action}', licence_id, at, leaf, seal, position FROM {action}
    ON CONFLICT (position) DO UPDATE SET trace_id = excluded.trace_id, action = excluded.action,
        licence_id = excluded.licence_id, at = excluded.at, leaf = excluded.leaf,
        seal = excluded.seal
)"""
_GIVE = """, placed AS (
    UPDATE ledger_entries SET position = $2::bigint + given.nth - 1
    FROM turn, unnest($10::uuid[]) WITH ORDINALITY AS given (id, nth) WHERE trace_id = given.id
)"""
_WON = " SELECT count(*) FROM turn"


async def append(
    fetch: Fetch, growth: Growth, traces: Sequence[Trace], entries: Sequence[Entry]
) -> bool:
    """Traces and their entries, in one statement; False where it was not this hub's turn."""
    values = growth.values()
    actions = []
    for action, kind in TRACES.items():
        own = [
            (*_row(trace), entry.leaf, entry.seal, place)
            for place, (trace, entry) in enumerate(
                zip(traces, entries, strict=True), growth.start.size
            )
            if type(trace) is kind
        ]
        if own:
            actions.append(action)
            values += zip(*own, strict=True)
    return await _won(fetch, _appending(tuple(actions)), values)


def _row(trace: Trace) -> Iterator[Any]:
    return (_checks(one) if isinstance(one, list) else one for one in trace)


def _checks(checks: list[dict[str, str]]) -> str:
    return checks.written if isinstance(checks, KeptChecks) else orjson.dumps(checks).decode()


@cache
def _appending(actions: Sequence[Action]) -> str:
    statement, number = _TURN, _NEXT
    for action in actions:
        columns = TABLES[action].__table__.columns
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        kinds = [columns[name].type.compile(dialect) for name in COLUMNS[action]]
        kinds += ["bytea", "bytea", "bigint"]
        arrays = ", ".join(f"${at}::{kind}[]" for at, kind in enumerate(kinds, number))
        number += len(kinds)
        names, table = ", ".join(COLUMNS[action]), TABLES[action].__tablename__
        statement += _APPEND.format(action=action, arrays=arrays, columns=names, table=table)
    return statement + _WON


async def append_many(
    session: AsyncSession, growth: Growth, traces: Sequence[Trace], entries: Sequence[Entry]
) -> None:
    """The same by COPY, in a transaction that holds the checkpoint."""
    await _copy_traces(session, traces)
    start = growth.start.size
    await session.execute(delete(LedgerEntry).where(LedgerEntry.position >= start))
    placed = [(*entry, place) for place, entry in enumerate(entries, start)]
    await copy_records(session, LedgerEntry, (*Entry._fields, "position"), placed)
    await _won(Within(session).fetch, _TURN + _WON, growth.values())


async def leave_waiting(
    session: AsyncSession, traces: Sequence[Trace], entries: Sequence[Entry]
) -> None:
    """Traces, and entries that get their places later."""
    await _copy_traces(session, traces)
    await enter(session, entries)


async def enter(session: AsyncSession, entries: Sequence[Entry]) -> None:
    """Entries that wait for their places; their traces are there."""
    await copy_records(session, LedgerEntry, Entry._fields, entries)


async def _copy_traces(session: AsyncSession, traces: Iterable[Trace]) -> None:
    for action, kind in TRACES.items():
        own = [one for one in traces if type(one) is kind]
        await copy_records(session, TABLES[action], kind._fields, own)


async def add_batch(session: AsyncSession, batch: VerificationBatch) -> None:
    """One receipt, of the traces that are written beside it."""
    session.add(batch)
    await session.flush()


async def give_places(session: AsyncSession, growth: Growth, trace_ids: Sequence[UUID]) -> None:
    """Places for entries that have waited, in that order."""
    await _won(Within(session).fetch, _TURN + _GIVE + _WON, [*growth.values(), trace_ids])


async def _won(fetch: Fetch, statement: str, values: Sequence[Any]) -> bool:
    return bool((await fetch(statement, *values))[0][0])
