"""The sequencer (台账定序): beside the requests, what had to wait for its place gets one."""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog

from zwhub.licences import store_ledger as store
from zwhub.licences.ledger import Grown, Ledger, LedgerBroken
from zwhub.platform.database import Database
from zwhub.platform.private_files import NotPrivate

PAUSE_SECONDS = 1.0
BROKEN_PAUSE_SECONDS = 10.0
log = structlog.get_logger("zwhub.ledger")


@dataclass
class Sequencer:
    """Begins the ledger, and places what was recorded while it could not be continued."""

    db: Database
    ledger: Ledger
    _begun: bool = False
    _refused: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is not placed by then waits in the database."""
        while not stop.is_set():
            pause = await self.attend()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def attend(self) -> float:
        """One pass, whatever happens; the seconds until the next."""
        try:
            grown = await self.extend()
            await asyncio.to_thread(self.ledger.kept.settle)
        except (LedgerBroken, NotPrivate) as broken:
            self.ledger.complain(str(broken))
            return BROKEN_PAUSE_SECONDS
        except Exception as error:  # the database is away: entries wait there
            log.warning("ledger not extended", error=type(error).__name__)
            return PAUSE_SECONDS
        return 0.0 if grown.full else PAUSE_SECONDS

    async def extend(self) -> Grown:
        """One pass. Raises `LedgerBroken` as `Ledger.extend` does."""
        if self._begun and not await self._waits():
            return Grown()
        async with self.db.write() as session:
            grown = await self.ledger.extend(session)
        self._begun = True
        if grown.refused and grown.refused != self._refused:
            log.error("ledger entries that the hub did not write", count=grown.refused)
        self._refused = grown.refused
        return grown

    async def _waits(self) -> bool:
        """Most passes end here: one statement, no transaction."""
        async with self.db.read() as session:
            return bool(await store.waiting(session, 1))
