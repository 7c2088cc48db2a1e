"""Storing (入库): judged chunks go into the registry one by one, in their order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from zwhub.cli.load_file import DONE, File
from zwhub.licences import store_deliveries
from zwhub.licences.deliveries.read import Chunk
from zwhub.licences.intake import Bad, Judged
from zwhub.licences.load import Step, compare_chunk, store_chunk
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database


class Telling(Protocol):
    """Who is told how far the load has come."""

    def begun(self, file: File) -> None:
        """A file's first chunk is next, or the one behind what an earlier run has stored."""

    def stored(
        self, file: File, counts: Mapping[str, int], bad: Sequence[Bad], share: float
    ) -> None:
        """A chunk is in; that `share` of the file lies behind."""

    def done(self, file: File, counts: Mapping[str, int]) -> None:
        """All of the file is in, for good."""


class Storing:
    """One file on its way into the registry: how far it has come.

    The cache is left alone: whatever it says of a number is confirmed when it is asked.
    """

    def __init__(self, db: Database, vault: Vault, file: File, telling: Telling) -> None:
        self._db, self._vault, self._file, self._telling = db, vault, file, telling
        self._here, self._counts = file.resume, file.counts
        self._hopeful = True  # that what comes is new
        telling.begun(file)

    async def store(self, chunk: Chunk, judged: Judged) -> None:
        """One chunk, in a transaction. Raises `Unreadable` when it is not what was examined."""
        file = self._file
        file.require_unchanged()
        step = Step(file.delivered.sha256, self._here, chunk.resume, self._counts)
        async with self._db.write() as session:
            if file.dry:
                stored = await compare_chunk(session, step, judged, self._vault, file.at)
            else:
                await store_deliveries.commit_lazily(session)
                hope = self._hopeful
                stored = await store_chunk(session, step, judged, self._vault, file.at, hope)
        # Where some were held already, the next chunk is likely to hold more of them.
        self._hopeful = stored.counts["unchanged"] == self._counts.get("unchanged", 0)
        self._here, self._counts = chunk.resume, stored.counts
        self._telling.stored(file, self._counts, stored.bad, chunk.share)

    async def finish(self) -> None:
        """The file's end; once that is on disk, so are all chunks before."""
        file = self._file
        if not (file.dry or file.is_done):
            file.require_unchanged()
            sha256, now = file.delivered.sha256, datetime.now(UTC)
            async with self._db.write() as session:
                await store_deliveries.advance(session, sha256, self._here, DONE)
                await store_deliveries.note(session, sha256, self._counts, now)
        self._telling.done(file, self._counts)
