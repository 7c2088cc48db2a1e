"""The vault in SQL (密库存取): whose secrets these tables need, and what lies under which key."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, LargeBinary, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from zwhub.licences.model import Licence, QuarantinedRecord, SecretMark, UploadPiece
from zwhub.licences.vault import about_licence, about_refused, about_upload
from zwhub.platform.database import Database

_TURNING = 0x7A77_0005  # any constant, as long as nothing else locks it


class Sealed(NamedTuple):
    """A sealed value and its place: the row's key, and what the value is bound to."""

    key: tuple[Any, ...]
    about: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values: the row's key, what a value is bound to, rows of one batch."""

    value: InstrumentedAttribute[bytes]
    key: tuple[InstrumentedAttribute[Any], ...]
    bound: tuple[InstrumentedAttribute[Any], ...]
    about: Callable[..., bytes]
    batch: int

    @property
    def name(self) -> str:
        return str(self.value.class_.__tablename__)

    @property
    def number(self) -> Any:
        """The number of the key; of a long value no more than its first byte is read."""
        first = func.substring(self.value, 1, 1, type_=LargeBinary())
        return func.get_byte(first, 0)


COLUMNS = (
    SealedColumn(
        Licence.sealed,
        (Licence.id,),
        (Licence.series_key, Licence.version),
        about_licence,
        2_000,
    ),
    SealedColumn(
        QuarantinedRecord.record,
        (QuarantinedRecord.id,),
        (QuarantinedRecord.record_digest,),
        lambda key: about_refused(key).encode(),
        200,
    ),
    SealedColumn(
        UploadPiece.sealed,
        (UploadPiece.upload_id, UploadPiece.number),
        (UploadPiece.upload_id, UploadPiece.number),
        lambda upload, number: about_upload(upload, number).encode(),
        8,
    ),
)


class Mark(NamedTuple):
    """A secret's fingerprint, and since when nothing lies under it any more."""

    fingerprint: bytes
    emptied_at: datetime | None


async def marks(session: AsyncSession) -> Mapping[str, Mark]:
    """By name, the secrets that this database has been used with."""
    query = select(SecretMark.name, SecretMark.fingerprint, SecretMark.emptied_at)
    return {row.name: Mark(row.fingerprint, row.emptied_at) for row in await session.execute(query)}


async def add_marks(session: AsyncSession, new: Mapping[str, bytes]) -> None:
    """Whoever comes first has its say; a mark that is there stays as it is."""
    rows = [{"name": name, "fingerprint": said} for name, said in new.items()]
    await session.execute(upsert(SecretMark).on_conflict_do_nothing(), rows)


async def note_emptied(
    session: AsyncSession, names: Collection[str], since: datetime | None
) -> None:
    """Say since when nothing lies under these keys; None: something does."""
    these = update(SecretMark).where(SecretMark.name.in_(names))
    await session.execute(these.values(emptied_at=since))


@asynccontextmanager
async def turning_alone(db: Database) -> AsyncIterator[bool]:
    """Whether no other process turns the keys over; the lock ends with its connection."""
    async with db.read() as session:
        alone = await session.scalar(select(func.pg_try_advisory_lock(_TURNING)))
        try:
            yield bool(alone)
        finally:
            if alone:
                await session.execute(select(func.pg_advisory_unlock(_TURNING)))


async def count_by_key(session: AsyncSession, column: SealedColumn) -> Mapping[int, int]:
    """By the number of the key, how many values lie under it."""
    each = select(column.number.label("number")).subquery().c.number
    query = select(each, func.count()).group_by(each)
    return dict((await session.execute(query)).all())


async def under(
    session: AsyncSession,
    column: SealedColumn,
    wanted: Callable[[Any], Any],
    after: tuple[Any, ...] | None,
) -> list[Sealed]:
    """The next batch of values whose key's number is `wanted`, in the order of the rows' keys."""
    query = select(*column.key, column.value, *column.bound).where(wanted(column.number))
    if after is not None:
        query = query.where(tuple_(*column.key) > tuple_(*after))
    width = len(column.key)
    rows = await session.execute(query.order_by(*column.key).limit(column.batch))
    return [Sealed(tuple(row[:width]), column.about(*row[width + 1 :]), row[width]) for row in rows]


async def replace(
    session: AsyncSession, column: SealedColumn, values: Sequence[tuple[tuple[Any, ...], bytes]]
) -> None:
    """Put values in the place of those in the rows of these keys; one statement.

    A row that is gone by now stays gone.
    """
    names = [one.name for one in column.key]
    keys = zip(*(key for key, _ in values), strict=True)
    lists = [
        literal(list(part), ARRAY(one.type)) for one, part in zip(column.key, keys, strict=True)
    ]
    fresh = literal([value for _, value in values], ARRAY(LargeBinary()))
    given = func.unnest(*lists, fresh).table_valued(*names, "fresh", name="given").render_derived()
    here = [one == given.c[one.name] for one in column.key]
    statement = update(column.value.class_).where(*here).values({column.value: given.c.fresh})
    await session.execute(statement.execution_options(synchronize_session=False))
