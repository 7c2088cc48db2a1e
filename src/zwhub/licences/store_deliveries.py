"""Deliveries in SQL (归集文件存取): which names are taken, rows by COPY, how far a file has come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Uuid, any_, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.licences.model import Delivery, Licence, LicenceHolder, LicenceName, LicenceStatus
from zwhub.platform.database import copy_records

# The columns that bulk rows come in; keys are 32 hexadecimal characters.
LICENCES = (
    *("id", "series_key", "version", "type_code"),
    *("issued_on", "signed_at", "collected_at", "sealed"),
)
NAMES = ("key", "version", "licence_id", "issued_on")
HOLDERS = ("holder_key", "licence_id")
STANDINGS = (
    *("licence_id", "code", "since", "recorded_at"),
    *("reason", "basis", "actor", "from_the_beginning"),
)
Records = Sequence[tuple[Any, ...]]


async def copy_in(
    session: AsyncSession, licences: Records, names: Records, holders: Records, standings: Records
) -> None:
    """COPY rows in the columns named above."""
    await copy_records(session, Licence, LICENCES, licences)
    await copy_records(session, LicenceName, NAMES, names)
    await copy_records(session, LicenceHolder, HOLDERS, holders)
    await copy_records(session, LicenceStatus, STANDINGS, standings)


async def taken_names(session: AsyncSession, keys: Collection[str]) -> set[str]:
    """Those of the names that any licence carries; one statement."""
    asked = literal(list(keys), ARRAY(Uuid(as_uuid=False)))
    found = await session.scalars(select(LicenceName.key).where(LicenceName.key == any_(asked)))
    return {key.hex for key in found}


async def begin(session: AsyncSession, new: Delivery) -> Delivery:
    """The file as it stands, begun now where it was not."""
    values = {name: getattr(new, name) for name in ("sha256", "name", "size", "begun_at")}
    statement = upsert(Delivery).values(**values, resume="", counts={})
    await session.execute(statement.on_conflict_do_nothing())
    return await session.get_one(Delivery, new.sha256)


async def advance(
    session: AsyncSession,
    sha256: str,
    steps: tuple[str, str],
    counts: dict[str, int],
    finished_at: datetime | None = None,
) -> bool:
    """From one place of the file to the next; False when somebody else has moved it since."""
    here, there = steps
    statement = (
        update(Delivery)
        .where(Delivery.sha256 == sha256, Delivery.resume == here)
        .values(resume=there, counts=counts, finished_at=finished_at)
        .returning(Delivery.sha256)
    )
    return (await session.scalar(statement)) is not None
