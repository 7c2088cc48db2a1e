"""Present standings in SQL (当前状态存取): what the status lists are read from."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    String,
    any_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import ColumnElement

from zwhub.kernel.clock import civil_date
from zwhub.kernel.status_lists import INVALID, SUSPENDED, UNKNOWN, VALID
from zwhub.licences.model import Licence, LicenceName, LicenceStatus
from zwhub.licences.status import CODES, LicenceState

# What a list says of each state. 其他 is no answer to rely on: UNKNOWN.
_SAID = {
    LicenceState.VALID: VALID,
    LicenceState.SUSPENDED: SUSPENDED,
    LicenceState.OTHER: UNKNOWN,
}
STATUS_OF_CODE = {code: _SAID.get(state, INVALID) for code, state in CODES.items()}


class Mark(NamedTuple):
    """How far the history has been written: its newest row, and which transactions still run.

    Transactions below `oldest` have ended; those from `next` on had not begun.
    """

    newest: int
    oldest: int
    next: int


async def mark(session: AsyncSession) -> Mark:
    """The history's newest row, and the running transactions, in one moment."""
    query = text(
        "SELECT coalesce((SELECT max(id) FROM licence_statuses), 0),"
        " pg_snapshot_xmin(now)::text::bigint, pg_snapshot_xmax(now)::text::bigint"
        " FROM pg_current_snapshot() AS now"
    )
    return Mark(*(await session.execute(query)).one())


async def newest_licence(session: AsyncSession) -> int:
    """The newest licence's row id; 0 when there is none."""
    return int(await session.scalar(select(func.max(Licence.id))) or 0)


async def changed_after(session: AsyncSession, row_id: int, most: int) -> Sequence[int]:
    """The licence named by each row of the history after `row_id`, of at most `most` rows."""
    rows = select(LicenceStatus.licence_id).where(LicenceStatus.id > row_id).limit(most)
    return (await session.scalars(rows)).all()


async def same_series(session: AsyncSession, licence_ids: Collection[int]) -> Sequence[int]:
    """These licences and all other versions of them."""
    theirs = select(Licence.series_key).where(Licence.id == _any(licence_ids))
    query = select(LicenceName.licence_id).where(LicenceName.key.in_(theirs))
    return (await session.scalars(query)).all()


async def statuses(
    session: AsyncSession, licence_ids: Collection[int], now: datetime
) -> Mapping[int, int]:
    """By licence, its status by its standing alone: valid, unless a change says otherwise.

    A licence was signed before it was collected, so its standing has always begun.
    """
    query = _standings(LicenceStatus.licence_id == _any(licence_ids), now)
    rows = {row_id: STATUS_OF_CODE[code] for row_id, code in await session.execute(query)}
    return {one: rows.get(one, VALID) for one in licence_ids}


async def status_digits(session: AsyncSession, first: int, last: int, now: datetime) -> str:
    """A digit for each row id from `first` to `last`: 0, 1, 2 by its standing, 3 = no licence.

    The database writes them into one text, so that a million statuses are one row to receive.
    """
    standing = _standings(LicenceStatus.licence_id.between(first, last), now).subquery()
    digits = {code: str(status) for code, status in STATUS_OF_CODE.items()}
    changed = case(digits, value=standing.c.code, else_=str(VALID))
    digit = case((Licence.id.is_(None), str(UNKNOWN)), else_=changed)
    ids = (
        func.generate_series(literal(first, BigInteger), literal(last, BigInteger))
        .table_valued("id")
        .render_derived()
    )
    query = select(
        func.string_agg(cast(digit, String), aggregate_order_by(literal(""), ids.c.id))
    ).select_from(
        ids.outerjoin(Licence, Licence.id == ids.c.id).outerjoin(
            standing, standing.c.licence_id == ids.c.id
        )
    )
    return str(await session.scalar(query) or "")


async def superseded(
    session: AsyncSession, now: datetime, licence_ids: Collection[int] | None = None
) -> Sequence[int]:
    """Licences that a newer version, issued by that day, has replaced; of all or of these."""
    newer, older = aliased(Licence), aliased(LicenceName)
    query = (
        select(older.licence_id)
        .join(newer, newer.series_key == older.key)
        .where(newer.version > 1, newer.version > older.version)
        .where(newer.issued_on <= civil_date(now))
    )
    if licence_ids is not None:
        query = query.where(older.licence_id == _any(licence_ids), newer.id == _any(licence_ids))
    return (await session.scalars(query)).all()


async def collected_between(session: AsyncSession, after: int, most: int) -> Sequence[int]:
    """The licences collected after that one, at most so many; they appear in their ids' order."""
    query = select(Licence.id).where(Licence.id > after).order_by(Licence.id).limit(most)
    return (await session.scalars(query)).all()


async def issued_ahead(
    session: AsyncSession, now: datetime, licence_ids: Collection[int] | None = None
) -> Sequence[tuple[int, date]]:
    """Licences whose day of issue is still to come, and that day; of all or of these."""
    query = select(Licence.id, Licence.issued_on).where(Licence.issued_on > civil_date(now))
    if licence_ids is not None:
        query = query.where(Licence.id == _any(licence_ids))
    return [(row_id, day) for row_id, day in await session.execute(query)]


def _any(ids: Collection[int]) -> Any:
    """One parameter, however many they are: the protocol counts up to 32,767."""
    return any_(literal(list(ids), ARRAY(BigInteger)))


def _standings(of: ColumnElement[bool], now: datetime) -> Select[int, str]:
    """As `status.standing_at` decides of the present: the entry recorded last among those in effect.

    A change is read once: what the clock that recorded it took for the present must not be the
    future here.
    """
    present = func.greatest(LicenceStatus.recorded_at, now)
    in_effect = or_(LicenceStatus.from_the_beginning, LicenceStatus.since <= present)
    return (
        select(LicenceStatus.licence_id, LicenceStatus.code)
        .where(of, in_effect)
        .ext(distinct_on(LicenceStatus.licence_id))
        .order_by(
            LicenceStatus.licence_id, LicenceStatus.recorded_at.desc(), LicenceStatus.id.desc()
        )
    )
