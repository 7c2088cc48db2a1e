"""Uploads in SQL (上传存取): announced, received, read piece by piece, gone."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.licences.model import Upload, UploadPiece
from zwhub.platform.database import copy_rows

_MOST_SWEPT = 100  # at a time, so that nobody waits long for what others left


async def one_announcement_at_a_time(session: AsyncSession, organisation: str) -> None:
    """Until the transaction ends, nobody else counts this organisation's uploads."""
    key = func.hashtext(organisation)
    await session.execute(select(func.pg_advisory_xact_lock(_UPLOADS, key)))


_UPLOADS = 0x7A77_0004  # any constant, as long as nothing else locks it


async def count_open(session: AsyncSession, organisation: str, now: datetime) -> int:
    """How many uploads of this organisation can still be brought or used."""
    query = select(func.count()).select_from(Upload)
    theirs = query.where(Upload.organisation == organisation, Upload.expires_at > now)
    return int(await session.scalar(theirs) or 0)


async def announce(session: AsyncSession, row: Mapping[str, Any]) -> None:
    await session.execute(insert(Upload).values(row))


async def sweep(session: AsyncSession, before: datetime) -> None:
    """Forget what expired before that time; what somebody else is at is left alone."""
    expired = (
        select(Upload.id)
        .where(Upload.expires_at < before)
        .limit(_MOST_SWEPT)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(Upload).where(Upload.id.in_(expired)))


async def by_ticket(session: AsyncSession, digest: bytes) -> Upload | None:
    return await session.scalar(select(Upload).where(Upload.ticket_digest == digest))


async def by_id(session: AsyncSession, upload_id: UUID) -> Upload | None:
    return await session.get(Upload, upload_id)


async def receive(
    session: AsyncSession,
    upload_id: UUID,
    pieces: Sequence[bytes],
    received_at: datetime,
    expires_at: datetime,
) -> bool:
    """Keep the content, all of it or nothing; False when it was brought before."""
    mine = update(Upload).where(Upload.id == upload_id, Upload.received_at.is_(None))
    taken = mine.values(received_at=received_at, expires_at=expires_at).returning(Upload.id)
    if (await session.execute(taken)).first() is None:
        return False
    rows = [
        {"upload_id": upload_id, "number": number, "sealed": sealed}
        for number, sealed in enumerate(pieces)
    ]
    await copy_rows(session, UploadPiece, rows)
    return True


async def piece(session: AsyncSession, upload_id: UUID, number: int) -> bytes | None:
    """One piece, as it was sealed: whole uploads are never asked for at once."""
    query = select(UploadPiece.sealed).where(UploadPiece.upload_id == upload_id)
    return await session.scalar(query.where(UploadPiece.number == number))


async def remove(session: AsyncSession, upload_id: UUID) -> bool:
    """Whether it was there; its pieces go with it."""
    gone = delete(Upload).where(Upload.id == upload_id).returning(Upload.id)
    return (await session.execute(gone)).first() is not None
