"""Create an upload (申请上传): a ticket under which one file can be put."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.uuid7 import uuid7
from zwhub.kernel.words import Words
from zwhub.licences import store_uploads
from zwhub.licences.files.examine import LARGEST_FILE
from zwhub.licences.upload import TO_BRING, ticket_digest
from zwhub.licences.vault import Vault

MOST_OPEN = 20  # uploads of one organisation
_TICKET_BYTES = 32
_GRACE = timedelta(minutes=10)  # a delivery that began in time may end


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What was announced; the ticket is said here and never again."""

    id: UUID
    ticket: str = field(repr=False)
    size: int
    expires_at: datetime


async def create_upload(
    session: AsyncSession, vault: Vault, size: int, actor: Actor, now: datetime
) -> NewUpload:
    """Announce a file of `size` bytes.

    Raises `Refused`: INVALID_INPUT, TOO_LONG for the size, TOO_MANY for the organisation's uploads.
    """
    _require_size(size)
    organisation = actor.organisation or ""
    await store_uploads.sweep(session, now - _GRACE)
    await store_uploads.one_announcement_at_a_time(session, organisation)
    if await store_uploads.count_open(session, organisation, now) >= MOST_OPEN:
        raise _too_many()
    new = NewUpload(uuid7(now), secrets.token_urlsafe(_TICKET_BYTES), size, now + TO_BRING)
    row = {
        "id": new.id,
        "ticket_digest": ticket_digest(vault, new.ticket),
        "organisation": organisation,
        "size": size,
        "expires_at": new.expires_at,
        "received_at": None,
    }
    await store_uploads.announce(session, row)
    return new


def _require_size(size: int) -> None:
    if size < 1:
        words = Words("文件至少须有 1 个字节。", "The file must have at least one byte.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "size"))
    if size > LARGEST_FILE:
        words = Words(
            f"文件不得超过 20 MB（{LARGEST_FILE} 字节）。",
            f"The file may have at most 20 MB ({LARGEST_FILE} bytes).",
        )
        raise Refused(Reason.TOO_LONG, words, ("input", "size"))


def _too_many() -> Refused:
    words = Words(
        f"本单位未用完的上传已达 {MOST_OPEN} 个：请先核验，或待其过期。",
        f"Your organisation has {MOST_OPEN} open uploads: verify them, or wait until they expire.",
    )
    return Refused(Reason.TOO_MANY, words)
