"""Licences in SQL (证照存取)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    SmallInteger,
    Uuid,
    any_,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.paging import COUNT_CAP, Page, Slice
from zwhub.licences.held import Held
from zwhub.licences.model import (
    Licence,
    LicenceHolder,
    LicenceName,
    LicenceStatus,
    QuarantinedRecord,
    TrustRoot,
    Verification,
    VerificationBatch,
)
from zwhub.licences.status import CODE_OF, CODES, Standing, beginning
from zwhub.licences.vault import Kept, RowOf, Slot, Vault
from zwhub.platform.database import copy_rows
from zwhub.platform.reading import Reads, Within


async def newest_named(reads: Reads, keys: Collection[UUID]) -> Mapping[UUID, RowOf]:
    """By name (证照编号), the newest version of the licence that carries it."""
    statement = (
        "SELECT DISTINCT ON (key) key, version, licence_id FROM licence_names "
        "WHERE key = ANY($1::uuid[]) ORDER BY key, version DESC"
    )
    found = await reads.fetch(statement, list(keys))
    return {key: RowOf(Slot(key, version), row_id) for key, version, row_id in found}


async def rows_of(reads: Reads, slots: Collection[Slot]) -> Mapping[Slot, RowOf]:
    """By identifier (证照标识), the very version that carries it."""
    statement = (
        "SELECT key, version, licence_id FROM licence_names "
        "JOIN unnest($1::uuid[], $2::smallint[]) AS asked (key, version) USING (key, version)"
    )
    keys, versions = zip(*slots, strict=True) if slots else ((), ())
    found = await reads.fetch(statement, list(keys), list(versions))
    return {(slot := Slot(key, version)): RowOf(slot, row_id) for key, version, row_id in found}


async def versions_of(session: AsyncSession, slots: Collection[Slot]) -> Mapping[Slot, Kept]:
    """By identifier, the rows that the registry holds; one statement."""
    asked = _asked(slots)
    query = (
        select(*_KEPT)
        .select_from(LicenceName)
        .join(asked, (LicenceName.key == asked.c.key) & (LicenceName.version == asked.c.version))
        .join(Licence, Licence.id == LicenceName.licence_id)
    )
    found = [Kept(*row) for row in await session.execute(query)]
    return {Slot(kept.series, kept.version): kept for kept in found}


async def by_id(session: AsyncSession, licence_id: int) -> Kept | None:
    query = select(*_KEPT).where(Licence.id == licence_id)
    return await _one(session, query)


async def _one(
    session: AsyncSession, query: Select[int, UUID, int, bytes, datetime]
) -> Kept | None:
    row = (await session.execute(query)).first()
    return None if row is None else Kept(*row)


def _asked(slots: Collection[Slot]) -> Any:
    keys, versions = zip(*slots, strict=True) if slots else ((), ())
    columns = literal(list(keys), ARRAY(Uuid())), literal(list(versions), ARRAY(SmallInteger()))
    return func.unnest(*columns).table_valued("key", "version", name="asked").render_derived()


def _held_by(key: UUID) -> Select[int, UUID, int, bytes, datetime]:
    held = select(*_KEPT).join(LicenceHolder, LicenceHolder.licence_id == Licence.id)
    return held.where(LicenceHolder.holder_key == key)


async def held_by(session: AsyncSession, key: UUID, page: Page) -> Slice[Kept]:
    """One page of a holder's licences, in the order in which they were collected."""
    query = _held_by(key).order_by(LicenceHolder.licence_id).limit(page.first + 1)
    if page.after is not None:
        query = query.where(LicenceHolder.licence_id > int(page.after[0]))
    return Slice.of(page, [Kept(*row) for row in await session.execute(query)])


async def all_held_by(session: AsyncSession, key: UUID, types: Collection[str]) -> list[Kept]:
    """All of a holder's licences of the given types."""
    query = _held_by(key).where(Licence.type_code.in_(types)).order_by(Licence.id)
    return [Kept(*row) for row in await session.execute(query)]


async def count_held_by(session: AsyncSession, key: UUID) -> int:
    """Counted up to the cap, plus one when there are more."""
    held = select(LicenceHolder.licence_id).where(LicenceHolder.holder_key == key)
    capped = held.limit(COUNT_CAP + 1).subquery()
    return int(await session.scalar(select(func.count()).select_from(capped)) or 0)


async def histories(
    session: AsyncSession, licence_ids: Collection[int]
) -> Mapping[int, list[Standing]]:
    """Every entry of each licence's standing, oldest first; two statements."""
    changes = await changes_of(Within(session), licence_ids)
    query = select(Licence.id, Licence.issued_on, Licence.signed_at, Licence.collected_at).where(
        Licence.id == any_(literal(list(licence_ids), ARRAY(BigInteger())))
    )
    return {
        row_id: [beginning(issued, signed, collected), *changes.get(row_id, ())]
        for row_id, issued, signed, collected in await session.execute(query)
    }


async def changes_of(reads: Reads, licence_ids: Collection[int]) -> Mapping[int, list[Standing]]:
    """By licence, what changed in its standing since it was collected, oldest first.

    A row that is gone has no entry; that it is there is told by its index alone.
    """
    statement = (
        "SELECT l.id, s.code, s.since, s.recorded_at, s.reason, s.from_the_beginning "
        "FROM licences l LEFT JOIN licence_statuses s ON s.licence_id = l.id "
        "WHERE l.id = ANY($1::bigint[]) ORDER BY s.recorded_at, s.id"
    )
    found: dict[int, list[Standing]] = {}
    for row_id, code, *said in await reads.fetch(statement, list(licence_ids)):
        changes = found.setdefault(row_id, [])
        if code is not None:
            changes.append(Standing(CODES[code], *said))
    return found


async def by_ids(reads: Reads, licence_ids: Collection[int]) -> list[Kept]:
    statement = (
        "SELECT id, series_key, version, sealed, collected_at FROM licences "
        "WHERE id = ANY($1::bigint[])"
    )
    return [Kept(*row) for row in await reads.fetch(statement, list(licence_ids))]


async def one_collection_at_a_time(session: AsyncSession) -> None:
    """Until the transaction ends, no other delivery compares itself with the registry.

    Ids are given out under this lock, so licences appear in the order of their ids.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_COLLECTION)))


_COLLECTION = 0x7A77_0001  # any constant, as long as nothing else locks it


async def series_of_numbers(
    session: AsyncSession, numbers: Collection[UUID]
) -> Mapping[UUID, UUID]:
    """By number, the series that owns it."""
    query = (
        select(LicenceName.key, Licence.series_key)
        .join(Licence, Licence.id == LicenceName.licence_id)
        .where(LicenceName.key == any_(literal(list(numbers), ARRAY(Uuid()))))
    )
    return dict((await session.execute(query)).all())


async def reserve_ids(session: AsyncSession, count: int) -> int:
    """The first of `count` ids that nobody else will be given; hold the lock of collections."""
    sequence = "pg_get_serial_sequence('licences', 'id')"
    reserve = f"SELECT setval({sequence}, nextval({sequence}) + :count - 1) - :count + 1"
    return int(await session.scalar(text(reserve), {"count": count}) or 0)


async def add(
    session: AsyncSession,
    vault: Vault,
    taken: Sequence[tuple[Held, Sequence[Standing]]],
    at: datetime,
) -> None:
    """COPY records under ids reserved for them, with their names, holders and later standings."""
    licences = [_licence(vault, one, at) for one, _ in taken]
    names = [row for one, _ in taken for row in _names(vault, one)]
    holders = [row for one, _ in taken for row in _holders(vault, one)]
    standings = [_standing(one.id, entry) for one, history in taken for entry in history]
    for table, rows in (
        (Licence, licences),
        (LicenceName, names),
        (LicenceHolder, holders),
        (LicenceStatus, standings),
    ):
        await copy_rows(session, table, rows)


def _licence(vault: Vault, held: Held, at: datetime) -> dict[str, Any]:
    body, slot = held.body, vault.slot(held.body.identifier)
    return {
        "id": held.id,
        "series_key": slot.series,
        "version": slot.version,
        "type_code": body.type_code,
        "issued_on": body.issued_on,
        "signed_at": body.signed_at,
        "collected_at": at,
        "sealed": vault.seal(slot, held.jws),
    }


def _names(vault: Vault, held: Held) -> list[dict[str, Any]]:
    body = held.body
    row = {"version": int(body.version), "licence_id": held.id, "issued_on": body.issued_on}
    keys = vault.series_key(body.identifier), vault.number_key(body.number)
    return [{"key": key, **row} for key in keys]


def _holders(vault: Vault, held: Held) -> list[dict[str, Any]]:
    keys = dict.fromkeys(vault.holder_key(one.code) for one in held.body.holders)
    return [{"holder_key": key, "licence_id": held.id} for key in keys]


def _standing(licence_id: int, standing: Standing) -> dict[str, Any]:
    return {
        "licence_id": licence_id,
        "code": CODE_OF[standing.state],
        "since": standing.since,
        "recorded_at": standing.recorded_at,
        "reason": standing.reason,
        "from_the_beginning": standing.from_the_beginning,
    }


async def lock_licence(session: AsyncSession, licence_id: int) -> None:
    """Until the transaction ends, nobody else changes this licence's standing."""
    await session.execute(select(Licence.id).where(Licence.id == licence_id).with_for_update())


async def append_standing(
    session: AsyncSession, licence_id: int, standing: Standing, basis: str, actor: str
) -> None:
    """One more entry of a licence's history."""
    session.add(LicenceStatus(**_standing(licence_id, standing), basis=basis, actor=actor))
    await session.flush()


async def quarantine(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep refused records with their reasons; the same record is kept once."""
    statement = upsert(QuarantinedRecord)
    names = ("problems", "actor", "at", "delivery", "row_number")
    newest = {name: statement.excluded[name] for name in names if name in rows[0]}
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
_NEWEST = LicenceName.version.desc()
_KEPT = (Licence.id, Licence.series_key, Licence.version, Licence.sealed, Licence.collected_at)
