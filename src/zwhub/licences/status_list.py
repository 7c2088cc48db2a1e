"""Keep the status lists (状态列表) in step with the registry: whole at first, then by its changes.

A licence's index is its row id minus one: ids are dense but for what was refused as a duplicate.
An id nobody was given stands at UNKNOWN. 暂扣 is SUSPENDED; every end (撤销 注销 失效 转出 吊销) and
being replaced by a newer version is INVALID. Dates are no matter of the list: whether a licence
has expired stands in its own signed record. VALID says nothing about its signature either.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.clock import civil_date
from zwhub.kernel.status_book import SIZE, StatusBook, lists_for
from zwhub.kernel.status_lists import INVALID, UNKNOWN, StatusArray
from zwhub.licences import status_store as store
from zwhub.licences.status_store import Mark
from zwhub.platform.database import Database

REFRESH_SECONDS = 1.0
MOST_CHANGES = 10_000  # rows that are taken one by one; beyond, all is read anew


@dataclass
class StatusLists:
    """Reads what has been committed, by whichever hub, into this process's book."""

    db: Database
    book: StatusBook
    _whole: bool = False  # all has been read once
    _ahead: dict[int, date] = field(default_factory=dict)  # by licence, the day it is issued on
    _newest: int = 0  # licences up to this row have all been seen
    _settled: int = 0  # rows of the history up to here have all been seen
    _unsettled: Mark | None = None

    async def refresh(self, now: datetime) -> None:
        """Bring the book up to `now`."""
        async with self.db.read() as session:
            mark = await store.mark(session)
            if self._whole:
                await self._read_changes(session, now)
            else:
                await self._read_all(session, now)
        self._settle(mark)
        self.book.read_at = now

    async def _read_all(self, session: AsyncSession, now: datetime) -> None:
        newest = await store.newest_licence(session)
        read = []
        for first in range(1, lists_for(newest) * SIZE, SIZE):
            last = min(first + SIZE - 1, newest)
            digits = await store.status_digits(session, first, last, now)
            read.append(StatusArray.of_digits(digits.ljust(SIZE, str(UNKNOWN))))
        replaced = await store.superseded(session, now)
        self._ahead = dict(await store.issued_ahead(session, now))
        self._newest = newest
        self.book.replace(read)
        for row_id in replaced:
            self.book.put(row_id, INVALID)
        self._whole = True

    async def _read_changes(self, session: AsyncSession, now: datetime) -> None:
        changed = await store.changed_after(session, self._settled, MOST_CHANGES + 1)
        if len(changed) > MOST_CHANGES:
            await self._read_all(session, now)
            return
        # A version that was issued ahead replaces the older one on its day.
        due = [one for one, day in self._ahead.items() if day <= civil_date(now)]
        if changed or due:
            await self._read_some(session, {*changed, *due}, now)
        while collected := await store.collected_between(session, self._newest, MOST_CHANGES):
            await self._read_some(session, collected, now)
            self._newest = collected[-1]

    async def _read_some(
        self, session: AsyncSession, changed: Collection[int], now: datetime
    ) -> None:
        concerned = await store.same_series(session, changed)
        statuses = await store.statuses(session, concerned, now)
        replaced = await store.superseded(session, now, concerned)
        for row_id in concerned:
            self._ahead.pop(row_id, None)
        self._ahead.update(await store.issued_ahead(session, now, concerned))
        for row_id, status in {**statuses, **dict.fromkeys(replaced, INVALID)}.items():
            self.book.put(row_id, status)

    def _settle(self, mark: Mark) -> None:
        """Row ids are given out before their transactions commit, so a lower one can come later.

        Rows up to a mark can only be added by transactions that ran at that mark (a writer has
        locked or inserted a licence before it writes a standing, so it has its transaction id).
        Once all of them have ended, and what they left has been read, they are settled.
        """
        if self._unsettled is not None and mark.oldest >= self._unsettled.next:
            self._settled, self._unsettled = self._unsettled.newest, None
        if mark.oldest == mark.next:  # nobody was writing
            self._settled, self._unsettled = mark.newest, None
        elif self._unsettled is None:
            self._unsettled = mark
