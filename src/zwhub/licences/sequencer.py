"""The sequencer (台账定序): beside the requests, a few times a second, one process at a time."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.licences import store_ledger as store
from zwhub.licences.ledger import Grown, LedgerBroken, extend_ledger, vouched_for
from zwhub.platform.database import Database
from zwhub.platform.private_files import NotPrivate, read_private, write_private

PAUSE_SECONDS = 0.3
BROKEN_PAUSE_SECONDS = 60.0
KEPT = Path("ledger") / "checkpoint"  # in the data folder
log = structlog.get_logger("zwhub.ledger")


@dataclass
class Sequencer:
    """Extends the ledger, and keeps its newest checkpoint in a file, out of the database's reach.

    Whoever can write into the database alone can put an older state of it back, with the
    checkpoint that was true then: the file remembers that there was more.
    """

    db: Database
    key: LogKey = field(repr=False)
    secret: bytes = field(repr=False)
    kept: Path
    _known: Checkpoint | None = None
    _refused: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is not placed by then waits in the database."""
        while not stop.is_set():
            pause = await self._pass()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _pass(self) -> float:
        """One pass, whatever happens; the seconds until the next."""
        try:
            grown = await self.extend()
        except (LedgerBroken, NotPrivate) as broken:
            log.error("ledger not continued", reason=str(broken))
            return BROKEN_PAUSE_SECONDS
        except Exception as error:  # the database is away: entries wait there
            log.warning("ledger not extended", error=type(error).__name__)
            return PAUSE_SECONDS
        return 0.0 if grown.full else PAUSE_SECONDS

    async def extend(self) -> Grown:
        """One pass. Raises `LedgerBroken` as `extend_ledger` does."""
        if self._known is None:
            self._known = await asyncio.to_thread(self._remembered)
        if self._known is not None and not await self._waits():
            return Grown()
        async with self.db.write() as session:
            now = datetime.now(UTC)
            grown = await extend_ledger(session, self.key, self.secret, self._known, now)
        if grown.note is not None:
            await self._remember(grown.note)
        if grown.refused and grown.refused != self._refused:
            log.error("ledger entries that the hub did not write", count=grown.refused)
        self._refused = grown.refused
        return grown

    async def _waits(self) -> bool:
        """Most passes end here: one statement, no transaction."""
        async with self.db.read() as session:
            return bool(await store.waiting(session, 1))

    def _remembered(self) -> Checkpoint | None:
        try:
            return vouched_for(read_private(self.kept), self.key)
        except FileNotFoundError:
            return None

    async def _remember(self, note: str) -> None:
        newest = vouched_for(note, self.key)
        if newest != self._known:
            await asyncio.to_thread(write_private, self.kept, note.encode())
            self._known = newest
