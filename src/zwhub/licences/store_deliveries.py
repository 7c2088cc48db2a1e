"""Deliveries in SQL (归集文件存取): which names are taken, rows by COPY, how far a file has come."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    literal_column,
    select,
    text,
    update,
)
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
    names: bytes,
    licences: bytes,
    holders: bytes,
    standings: Sequence[tuple[Any, ...]],
) -> None:
    """COPY rows: three tables as `copying` writes them, the last in the columns named above.

    Raises `AlreadyThere` for a name whose version the registry holds.
    """
    await copy_binary(session, LicenceName, copying.NAMES, names)
    await copy_binary(session, Licence, copying.LICENCES, licences)
    await copy_binary(session, LicenceHolder, copying.HOLDERS, holders)
    await copy_records(session, LicenceStatus, STANDINGS, standings)


async def next_id(session: AsyncSession) -> int:
    """The id that the next licence will have; hold the lock of collections."""
    return int(
        await session.scalar(text(f"SELECT coalesce(pg_sequence_last_value({_IDS}), 0) + 1"))
    )


async def take_ids(session: AsyncSession, last: int) -> None:
    """Nobody else will be given an id up to this one."""
    await session.execute(text(f"SELECT setval({_IDS}, :last)"), {"last": last})


_IDS = "pg_get_serial_sequence('licences', 'id')::regclass"


async def taken_names(session: AsyncSession, keys: bytes) -> set[bytes]:
    """Those of the names, 16 bytes each, that any licence carries; one statement."""
    return await _found(session, _TAKEN, keys)


async def later_names(session: AsyncSession, keys: bytes) -> set[bytes]:
    """The same of the names that lead to a second or later version: of few, in an index of theirs."""
    return await _found(session, _LATER, keys)


async def _found(session: AsyncSession, query: Select[UUID], keys: bytes) -> set[bytes]:
    """They are asked for as one text: a list would be looked at element by element on its way."""
    if not keys:
        return set()
    found = await session.scalars(query, {"asked": "{" + keys.hex(",", 16) + "}"})
    return {key.bytes for key in found}


_TAKEN = select(LicenceName.key).where(
    LicenceName.key == any_(cast(bindparam("asked", type_=Text()), ARRAY(Uuid())))
)
_LATER = _TAKEN.where(LicenceName.version > literal_column("1"))  # as in the index


async def commit_lazily(session: AsyncSession) -> None:
    """This transaction's commit does not wait for the disk.

    A crash of the server may then undo the last of them, each whole and with the place in its
    file, never an earlier one alone; the next commit that waits has all of them on disk before.
    """
    await session.execute(text("SET LOCAL synchronous_commit = off"))


async def begin(session: AsyncSession, new: Delivery) -> Delivery:
    """The file as it stands, begun now where it was not."""
    values = {name: getattr(new, name) for name in ("sha256", "name", "size", "begun_at")}
    statement = upsert(Delivery).values(**values, resume="", counts={})
    await session.execute(statement.on_conflict_do_nothing())
    return await session.get_one(Delivery, new.sha256)


async def advance(session: AsyncSession, sha256: str, here: str, there: str) -> bool:
    """From one place of the file to the next; False when somebody else has moved it since."""
    still = update(Delivery).where(Delivery.sha256 == sha256, Delivery.resume == here)
    return (await session.scalar(still.values(resume=there).returning(Delivery.sha256))) is not None


async def note(
    session: AsyncSession,
    sha256: str,
    counts: Mapping[str, int],
    finished_at: datetime | None = None,
) -> None:
    """What became of the rows up to that place, and when it was the file's end."""
    this = update(Delivery).where(Delivery.sha256 == sha256)
    await session.execute(this.values(counts=dict(counts), finished_at=finished_at))
