"""The directory in SQL (目录存取)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete, func, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.directory.model import (
    BusinessMatter,
    CalendarDay,
    CalendarYear,
    City,
    ClaimedCount,
    LicenceType,
    Organisation,
    Region,
)
from zwhub.kernel.working_days import Calendar
from zwhub.platform.database import Base


async def matters(session: AsyncSession) -> Sequence[BusinessMatter]:
    return (await session.scalars(select(BusinessMatter).order_by(BusinessMatter.code))).all()


async def claimed_counts(session: AsyncSession) -> Sequence[ClaimedCount]:
    order = (ClaimedCount.dimension, ClaimedCount.key)
    return (await session.scalars(select(ClaimedCount).order_by(*order))).all()


async def organisations(session: AsyncSession, kind: str | None) -> Sequence[Organisation]:
    query = select(Organisation).order_by(Organisation.code)
    if kind is not None:
        query = query.where(Organisation.kind == kind)
    return (await session.scalars(query)).all()


async def organisations_by_code(
    session: AsyncSession, codes: Collection[str]
) -> Mapping[str, Organisation]:
    query = select(Organisation).where(Organisation.code.in_(set(codes)))
    return {row.code: row for row in await session.scalars(query)}


async def regions(session: AsyncSession) -> Sequence[Region]:
    return (await session.scalars(select(Region).order_by(Region.code))).all()


async def licence_types(session: AsyncSession) -> Sequence[LicenceType]:
    return (await session.scalars(select(LicenceType).order_by(LicenceType.code))).all()


async def licence_types_by_code(
    session: AsyncSession, codes: Collection[str]
) -> Mapping[str, LicenceType]:
    query = select(LicenceType).where(LicenceType.code.in_(set(codes)))
    return {row.code: row for row in await session.scalars(query)}


async def calendar(session: AsyncSession) -> Calendar:
    """The published calendar, whole: a few hundred days."""
    days = {row.day: row.working for row in await session.scalars(select(CalendarDay))}
    years = frozenset(await session.scalars(select(CalendarYear.year)))
    return Calendar(days, years)


async def calendar_notes(session: AsyncSession, first: date, last: date) -> Mapping[date, str]:
    query = select(CalendarDay).where(CalendarDay.day.between(first, last))
    return {row.day: row.note for row in await session.scalars(query)}


async def one_load_at_a_time(session: AsyncSession) -> None:
    """Until the transaction ends, no other load compares itself with the library."""
    await session.execute(select(func.pg_advisory_xact_lock(_LOAD)))


_LOAD = 0x7A77_0002  # any constant, as long as nothing else locks it


async def edition(session: AsyncSession) -> str:
    """Another text after each load of a profile; empty before the first.

    A load replaces the city's row, and PostgreSQL marks a row with the transaction that wrote it.
    """
    return str(await session.scalar(select(literal_column("xmin::text")).select_from(City)) or "")


async def city(session: AsyncSession) -> City | None:
    return await session.scalar(select(City))


async def replace(
    session: AsyncSession, table: type[Base], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Put `rows` in the place of all that the table held."""
    await session.execute(delete(table))
    if rows:
        await session.execute(insert(table), list(rows))
