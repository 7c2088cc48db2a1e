"""Licences in SQL (证照存取)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.clock import civil_date
from zwhub.kernel.paging import COUNT_CAP, Page, Slice
from zwhub.licences.held import Held, holder_key, series_of
from zwhub.licences.model import (
    Licence,
    LicenceHolder,
    LicenceStatus,
    QuarantinedRecord,
    TrustRoot,
    Verification,
    VerificationBatch,
)
from zwhub.licences.status import CODES, Standing
from zwhub.platform.database import copy_rows


class Row(NamedTuple):
    """A registry row as the database gives it: read it with `Held.read`."""

    id: int
    signed: bytes


async def newest_by_number(session: AsyncSession, number: str) -> Row | None:
    """The newest version of the licence that carries this number (证照编号)."""
    return await _one(session, Licence.number == number)


async def newest_by_numbers(session: AsyncSession, numbers: Collection[str]) -> Mapping[str, Row]:
    """By number, the newest version of the licence that carries it; one statement."""
    query = (
        select(Licence.number, Licence.id, Licence.signed)
        .where(Licence.number.in_(numbers))
        .order_by(Licence.number, Licence.version)
    )
    return {number: Row(row_id, signed) for number, row_id, signed in await session.execute(query)}


async def by_identifier(session: AsyncSession, identifier: str) -> Row | None:
    """The very version that carries this identifier (证照标识)."""
    return await _one(session, Licence.identifier == identifier)


async def by_id(session: AsyncSession, licence_id: int) -> Row | None:
    return await _one(session, Licence.id == licence_id)


async def _one(session: AsyncSession, condition: ColumnElement[bool]) -> Row | None:
    query = select(Licence.id, Licence.signed).where(condition)
    row = (await session.execute(query.order_by(Licence.version.desc()).limit(1))).first()
    return None if row is None else Row(*row)


def _held_by(key: bytes) -> Select[int, bytes]:
    held = select(Licence.id, Licence.signed).join(
        LicenceHolder, LicenceHolder.licence_id == Licence.id
    )
    return held.where(LicenceHolder.holder_key == key)


async def held_by(session: AsyncSession, key: bytes, page: Page) -> Slice[Row]:
    """One page of a holder's licences, in the order in which they were collected."""
    query = _held_by(key).order_by(Licence.id).limit(page.first + 1)
    if page.after is not None:
        query = query.where(Licence.id > int(page.after[0]))
    return Slice.of(page, [Row(*row) for row in await session.execute(query)])


async def all_held_by(session: AsyncSession, key: bytes, types: Collection[str]) -> list[Row]:
    """All of a holder's licences of the given types."""
    query = _held_by(key).where(Licence.type_code.in_(types)).order_by(Licence.id)
    return [Row(*row) for row in await session.execute(query)]


async def count_held_by(session: AsyncSession, key: bytes) -> int:
    """Counted up to the cap, plus one when there are more."""
    capped = _held_by(key).limit(COUNT_CAP + 1).subquery()
    return int(await session.scalar(select(func.count()).select_from(capped)) or 0)


async def histories(
    session: AsyncSession, licence_ids: Iterable[int]
) -> Mapping[int, list[Standing]]:
    """Every entry of each licence's standing, oldest first; one statement."""
    query = (
        select(LicenceStatus)
        .where(LicenceStatus.licence_id.in_(set(licence_ids)))
        .order_by(LicenceStatus.recorded_at, LicenceStatus.id)
    )
    found: dict[int, list[Standing]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.licence_id].append(
            Standing(
                CODES[row.code], row.since, row.recorded_at, row.reason, row.from_the_beginning
            )
        )
    return found


async def successors(
    session: AsyncSession, held: Sequence[Held], as_of: datetime
) -> list[str | None]:
    """For each record, the identifier of the version that had replaced it by `as_of`."""
    query = (
        select(Licence.series, Licence.version, Licence.identifier)
        .where(Licence.series.in_({series_of(one.body) for one in held}))
        .where(Licence.issued_on <= civil_date(as_of))
        .ext(distinct_on(Licence.series))
        .order_by(Licence.series, Licence.version.desc())
    )
    newest = {series: (version, name) for series, version, name in await session.execute(query)}
    found = [(one, newest.get(series_of(one.body))) for one in held]
    return [
        new[1] if new is not None and new[0] > int(one.body.version) else None for one, new in found
    ]


async def one_collection_at_a_time(session: AsyncSession) -> None:
    """Until the transaction ends, no other delivery compares itself with the registry."""
    await session.execute(select(func.pg_advisory_xact_lock(_COLLECTION)))


_COLLECTION = 0x7A77_0001  # any constant, as long as nothing else locks it


async def registered(session: AsyncSession, identifiers: Collection[str]) -> Mapping[str, Row]:
    """By identifier, the rows that the registry already holds."""
    query = select(Licence.identifier, Licence.id, Licence.signed).where(
        Licence.identifier.in_(identifiers)
    )
    return {name: Row(row_id, signed) for name, row_id, signed in await session.execute(query)}


async def series_of_numbers(session: AsyncSession, numbers: Collection[str]) -> Mapping[str, str]:
    """By number, the series that owns it."""
    query = select(Licence.number, Licence.series).where(Licence.number.in_(numbers))
    return dict((await session.execute(query)).all())


def columns(held: Held, at: datetime) -> dict[str, Any]:
    """The row of a record, but for its id."""
    body = held.body
    return {
        "identifier": str(body.identifier),
        "series": series_of(body),
        "version": int(body.version),
        "number": body.number,
        "name": body.name,
        "type_code": body.type_code,
        "issuer_code": body.issuer_code,
        "issued_on": body.issued_on,
        "valid_from": body.valid_from,
        "valid_until": body.valid_until,
        "signed": held.signed,
        "collected_at": at,
    }


async def add(
    session: AsyncSession, held: Sequence[Held], index_secret: bytes, at: datetime
) -> Mapping[str, int]:
    """Insert records, their holders and their first standing; by identifier, the new ids.

    A record that the registry holds already is left as it is and not returned.
    """
    statement = upsert(Licence).on_conflict_do_nothing().returning(Licence.identifier, Licence.id)
    rows = await session.execute(statement.values([columns(one, at) for one in held]))
    ids = dict(rows.all())
    new = [(ids[name], one.body) for one in held if (name := str(one.body.identifier)) in ids]
    if new:
        keys = [holders_of(row_id, body, index_secret) for row_id, body in new]
        await session.execute(insert(LicenceHolder), [row for rows in keys for row in rows])
        standings = [first_standing(row_id, body.signed_at, at) for row_id, body in new]
        await session.execute(insert(LicenceStatus), standings)
    return ids


async def reserve_ids(session: AsyncSession, count: int) -> int:
    """The first of `count` ids that nobody else will be given."""
    sequence = "pg_get_serial_sequence('licences', 'id')"
    reserve = f"SELECT setval({sequence}, nextval({sequence}) + :count) - :count"
    return int(await session.scalar(text(reserve), {"count": count}) or 0)


async def copy_in(
    session: AsyncSession,
    taken: Sequence[tuple[Held, Sequence[Standing]]],
    index_secret: bytes,
    at: datetime,
) -> None:
    """COPY records under ids reserved for them, with their holders and standings."""
    names = {state: code for code, state in CODES.items()}
    licences = [{"id": one.id, **columns(one, at)} for one, _ in taken]
    holders = [row for one, _ in taken for row in holders_of(one.id, one.body, index_secret)]
    standings = [
        {
            "licence_id": one.id,
            "code": names[entry.state],
            "since": entry.since,
            "recorded_at": entry.recorded_at,
            "reason": entry.reason,
            "from_the_beginning": entry.from_the_beginning,
        }
        for one, history in taken
        for entry in history
    ]
    for table, rows in ((Licence, licences), (LicenceHolder, holders), (LicenceStatus, standings)):
        await copy_rows(session, table, rows)


def holders_of(licence_id: int, body: Any, index_secret: bytes) -> list[dict[str, Any]]:
    return [
        {
            "licence_id": licence_id,
            "position": position,
            "holder_key": holder_key(index_secret, one.code),
        }
        for position, one in enumerate(body.holders)
    ]


def first_standing(licence_id: int, since: datetime, at: datetime) -> dict[str, Any]:
    return {
        "licence_id": licence_id,
        "code": "01",
        "since": since,
        "recorded_at": at,
        "reason": "归集",
    }


async def lock_licence(session: AsyncSession, licence_id: int) -> None:
    """Until the transaction ends, nobody else changes this licence's standing."""
    await session.execute(select(Licence.id).where(Licence.id == licence_id).with_for_update())


async def append_standing(
    session: AsyncSession, licence_id: int, standing: Standing, basis: str, actor: str
) -> None:
    """One more entry of a licence's history."""
    names = {state: code for code, state in CODES.items()}
    session.add(
        LicenceStatus(
            licence_id=licence_id,
            code=names[standing.state],
            since=standing.since,
            recorded_at=standing.recorded_at,
            reason=standing.reason,
            basis=basis,
            actor=actor,
            from_the_beginning=standing.from_the_beginning,
        )
    )
    await session.flush()


async def quarantine(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep refused records with their reasons; the same record is kept once."""
    statement = upsert(QuarantinedRecord)
    newest = {name: statement.excluded[name] for name in ("problems", "actor", "at")}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["record_digest"], set_=newest), rows
    )


async def batch_receipt(session: AsyncSession, batch_id: UUID) -> str:
    """The receipt that covers a batch's verifications."""
    receipt = select(VerificationBatch.receipt).where(VerificationBatch.id == batch_id)
    return str(await session.scalar(receipt))


async def verification(session: AsyncSession, verification_id: UUID) -> Verification | None:
    return await session.get(Verification, verification_id)


async def count_licences(session: AsyncSession) -> tuple[int, bool]:
    """How many licences the registry holds, and whether that is exact or the planner's estimate."""
    few = select(Licence.id).limit(COUNTED_EXACTLY + 1).subquery()
    counted = int(await session.scalar(select(func.count()).select_from(few)) or 0)
    if counted <= COUNTED_EXACTLY:
        return counted, True
    estimate = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'licences'::regclass")
    return max(int(await session.scalar(estimate) or 0), counted), False


async def trusts_sandbox(session: AsyncSession) -> bool:
    """Whether a root that a sandbox made is on the trust list."""
    return await session.scalar(select(TrustRoot.fingerprint).where(TrustRoot.sandbox)) is not None


COUNTED_EXACTLY = 100_000
