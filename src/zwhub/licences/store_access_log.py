"""The access log in SQL (调阅记录存取): the ledger's entries about one holder's licences."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Subquery, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.paging import COUNT_CAP, Key, Page, Slice
from zwhub.licences.model import (
    LedgerEntry,
    Licence,
    LicenceHolder,
    LicenceReading,
    Verification,
)
from zwhub.licences.moments import moment


class Look(NamedTuple):
    """One look at a licence: the entry, the licence as kept, and what its trace says."""

    trace_id: UUID
    action: str
    at: datetime
    leaf: bytes
    position: int | None
    licence_id: int
    series: UUID
    version: int
    sealed: bytes
    collected_at: datetime
    organisation: str | None
    purpose: str | None
    case_number: str | None

    @property
    def kept(self) -> tuple[UUID, int, bytes, datetime]:
        """The licence's series, version, sealed record, and when it was collected."""
        return self.series, self.version, self.sealed, self.collected_at

    @property
    def key(self) -> Key:
        """Its keyset position."""
        return self.at.isoformat(), str(self.trace_id)


async def looks(session: AsyncSession, holder_key: UUID, page: Page) -> Slice[Look]:
    """One page of the looks at a holder's licences, newest first; one statement.

    Of each licence no more entries are read than the page has room for.
    """
    owned = _owned(holder_key)
    # A moment that Python has not was written by somebody else: the audit names it, and nobody's
    # own looks are kept from him by it.
    entries = select(*LedgerEntry.__table__.columns).where(
        LedgerEntry.licence_id == owned.c.licence_id, moment(LedgerEntry.at)
    )
    if page.after is not None:
        at, trace_id = (str(part) for part in page.after)
        after = tuple_(literal(datetime.fromisoformat(at)), literal(UUID(trace_id)))
        entries = entries.where(tuple_(LedgerEntry.at, LedgerEntry.trace_id) < after)
    order = (LedgerEntry.at.desc(), LedgerEntry.trace_id.desc())
    newest = entries.order_by(*order).limit(page.first + 1).lateral("newest")
    said = newest.c
    query = (
        select(
            *(said.trace_id, said.action, said.at, said.leaf, said.position),
            *(Licence.id, Licence.series_key, Licence.version),
            *(Licence.sealed, Licence.collected_at),
            func.coalesce(Verification.organisation, LicenceReading.organisation),
            *(Verification.purpose, Verification.case_number),
        )
        .select_from(owned)
        .join(newest, true())
        .join(Licence, Licence.id == said.licence_id)
        .outerjoin(Verification, Verification.id == said.trace_id)
        .outerjoin(LicenceReading, LicenceReading.id == said.trace_id)
        .order_by(said.at.desc(), said.trace_id.desc())
        .limit(page.first + 1)
    )
    return Slice.of(page, [Look(*row) for row in await session.execute(query)])


async def count_looks(session: AsyncSession, holder_key: UUID) -> int:
    """Counted up to the cap, plus one when there are more."""
    owned = _owned(holder_key)
    entries = select(LedgerEntry.trace_id).join(owned, LedgerEntry.licence_id == owned.c.licence_id)
    capped = entries.limit(COUNT_CAP + 1).subquery()
    return int(await session.scalar(select(func.count()).select_from(capped)) or 0)


def _owned(holder_key: UUID) -> Subquery:
    held = select(LicenceHolder.licence_id)
    return held.where(LicenceHolder.holder_key == holder_key).distinct().subquery("owned")
