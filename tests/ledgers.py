"""A ledger under test (测试台账): traces made from nothing, a sequencer by hand, an auditor."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.kernel.uuid7 import uuid7
from zwhub.licences import store_growth as growing
from zwhub.licences import store_ledger as store
from zwhub.licences.audit import Audit, Flaw
from zwhub.licences.entry import ReadingTrace, Trace, VerificationTrace, entries_of
from zwhub.licences.kept_checkpoint import KeptCheckpoint
from zwhub.licences.ledger import Ledger
from zwhub.licences.model import VerificationBatch
from zwhub.licences.sequencer import Sequencer
from zwhub.platform.database import Database

SECRET = bytes(range(32))


def a_verification(**said: Any) -> VerificationTrace:
    """The trace of a verification; every column can be said."""
    now = datetime.now(UTC)
    columns: dict[str, Any] = {
        "id": uuid7(now),
        "batch_id": None,
        "at": now,
        "actor": "a-system",
        "organisation": "1199000000000049X7",
        "purpose": "窗口核对",
        "case_number": "BJ-1",
        "asked_by": "NUMBER",
        "asked_key": b"k" * 16,
        "licence_id": 7,
        "as_of": now,
        "verdict": "NOT_GENUINE",
        "reason": "REVOKED",
        "checks": [{"name": "RECORD", "outcome": "PASS", "zh": "在库", "en": "held"}],
        "trust_list_version": "3",
        "status_version": "2",
        "receipt": "a.b.c",
    }
    return VerificationTrace(**{**columns, **said})


def a_reading(**said: Any) -> ReadingTrace:
    """The trace of a look."""
    now = datetime.now(UTC)
    columns = {"id": uuid7(now), "licence_id": 7, "at": now, "actor": "a", "organisation": None}
    return ReadingTrace(**{**columns, **said})


def covered(trace: Trace, batch: VerificationBatch) -> Trace:
    """The trace as one of the batch."""
    if isinstance(trace, ReadingTrace):
        return trace
    digest = sha256(batch.receipt.encode()).digest()
    return trace._replace(at=batch.at, batch_id=batch.id, batch_sha256=digest)


@dataclass
class Book:
    """The ledger of one database: its key, its file, and what a test does with them."""

    db: Database
    folder: Path
    key: LogKey = field(default_factory=LogKey.new)

    def ledger(self) -> Ledger:
        """A new one, as after a start."""
        return Ledger(self.key, SECRET, KeptCheckpoint(self.folder / "checkpoint", self.key))

    def sequencer(self, ledger: Ledger | None = None) -> Sequencer:
        """A new one, as after a start."""
        return Sequencer(self.db, ledger or self.ledger())

    async def record(
        self,
        *traces: Trace,
        batch: VerificationBatch | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """As a hub does; by a new one, unless it is told which."""
        ledger = ledger or self.ledger()
        if batch is None:
            await ledger.append(self.db, traces)
            return
        async with self.db.write() as session:
            await ledger.record(session, [covered(one, batch) for one in traces], batch)

    async def leave_waiting(self, *traces: Trace, secret: bytes = SECRET) -> None:
        """Traces and entries without a place, as where the ledger cannot be continued."""
        async with self.db.write() as session:
            await growing.leave_waiting(session, traces, entries_of(traces, secret))

    async def sequence(self) -> int:
        """Pass after pass until nothing waits; how many entries got a place."""
        sequencer, placed = self.sequencer(), 0
        while (grown := await sequencer.extend()).full:
            placed += grown.placed
        return placed + grown.placed

    async def checkpoint(self) -> Checkpoint:
        async with self.db.read() as session:
            row = await store.newest_checkpoint(session)
        assert row is not None
        return self.key.read(row.note)

    async def tampered(
        self, *statements: str, saved: Sequence[Checkpoint] = (), **values: Any
    ) -> list[str]:
        """The flaws that tampering leaves; undone afterwards."""
        async with self.db._writers() as session, session.begin() as transaction:
            await tamper(session, *statements, **values)
            flaws = await _flaws(self, session, saved)
            await transaction.rollback()
        return flaws

    async def audit(self, *saved: Checkpoint) -> list[str]:
        """Each flaw as one line."""
        async with self.db.snapshot() as session:
            return await _flaws(self, session, saved)

    async def tamper(self, *statements: str, **values: Any) -> None:
        """Straight in the database, with everything there to lift the constraints first."""
        async with self.db.write() as session:
            await tamper(session, *statements, **values)

    async def rows(self, query: str) -> Sequence[Any]:
        async with self.db.read() as session:
            return (await session.execute(text(query))).all()


async def tamper(session: AsyncSession, *statements: str, **values: Any) -> None:
    """Run each statement with those of the values that it names."""
    for statement in statements:
        named = {name: values[name] for name in values if re.search(rf":{name}\b", statement)}
        await session.execute(text(statement), named)


async def _flaws(book: Book, session: AsyncSession, saved: Sequence[Checkpoint]) -> list[str]:
    audit = Audit(session, book.key, SECRET, lambda done, total: None)
    return [_line(flaw) async for flaw in audit.flaws(saved)]


def _line(flaw: Flaw) -> str:
    return f"{flaw.about}: {flaw.words.en}"
