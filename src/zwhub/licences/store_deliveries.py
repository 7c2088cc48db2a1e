"""Deliveries in SQL (归集文件存取): which names are taken, rows by COPY, how far a file has come."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, cast, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.licences import copying
from zwhub.licences.model import Delivery, Licence, LicenceHolder, LicenceName, LicenceStatus
from zwhub.platform.database import copy_binary, copy_records

STANDINGS = (
    *("licence_id", "code", "since", "recorded_at"),
    *("reason", "basis", "actor", "from_the_beginning"),
)


async def copy_in(
    session: AsyncSession,
    licences: bytes,
    names: bytes,
    holders: bytes,
    standings: Sequence[tuple[Any, ...]],
) -> None:
    """COPY rows: three tables as `copying` writes them, the last in the columns named above."""
    await copy_binary(session, Licence, copying.LICENCES, licences)
    await copy_binary(session, LicenceName, copying.NAMES, names)
    await copy_binary(session, LicenceHolder, copying.HOLDERS, holders)
    await copy_records(session, LicenceStatus, STANDINGS, standings)


async def taken_names(session: AsyncSession, keys: Iterable[bytes]) -> set[bytes]:
    """Those of the names that any licence carries; one statement.

    They are asked for as one text: a list would be looked at element by element on its way.
    """
    asked = "{" + ",".join([key.hex() for key in keys]) + "}"
    found = await session.scalars(_TAKEN, {"asked": asked})
    return {key.bytes for key in found}


_TAKEN = select(LicenceName.key).where(
    LicenceName.key == any_(cast(bindparam("asked", type_=Text()), ARRAY(Uuid())))
)


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
