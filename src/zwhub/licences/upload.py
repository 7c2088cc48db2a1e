"""An upload (上传): a file that is too large for a request, kept encrypted until it is verified.

It belongs to an organisation. A ticket, of which only a digest is kept, lets its content be brought
once; whatever is missing, expired, used, or somebody else's looks the same.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.digests import keyed_digest
from zwhub.kernel.crypto.sealing import CannotOpen
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import store_uploads
from zwhub.licences.vault import Vault, about_upload
from zwhub.platform.database import Database

TO_BRING = timedelta(minutes=10)
TO_USE = timedelta(hours=1)
PIECE = 1_000_000  # bytes


def ticket_digest(vault: Vault, ticket: str) -> bytes:
    """What is kept of a ticket."""
    return keyed_digest(vault.index_secret, "upload-ticket", ticket)


@dataclass
class Delivery:
    """The content of one upload on its way in: never in the open for longer than a piece."""

    db: Database = field(repr=False)
    vault: Vault = field(repr=False)
    id: UUID
    size: int
    _pieces: list[bytes] = field(default_factory=list, repr=False)
    _open: bytearray = field(default_factory=bytearray, repr=False)

    def add(self, octets: bytes) -> None:
        """The next bytes, however many."""
        self._open += octets
        while len(self._open) >= PIECE:
            self._seal(PIECE)

    async def keep(self, now: datetime) -> datetime:
        """Record the whole content at once; until when it can be used.

        Raises `Refused` (WRONG_STATE) when another delivery was faster.
        """
        if self._open:
            self._seal(len(self._open))
        until = now + TO_USE
        async with self.db.write() as session:
            kept = await store_uploads.receive(session, self.id, self._pieces, now, until)
        if not kept:
            raise _brought_before()
        return until

    def _seal(self, size: int) -> None:
        about = about_upload(self.id, len(self._pieces))
        self._pieces.append(self.vault.conceal(about, bytes(self._open[:size])))
        del self._open[:size]


@dataclass(frozen=True, slots=True)
class Uploads:
    """Where the front door takes contents to."""

    db: Database
    vault: Vault

    async def delivery(self, ticket: str, actor: Actor, now: datetime) -> Delivery:
        """The delivery that this ticket allows this caller.

        Raises `Refused` (UNKNOWN_UPLOAD, or WRONG_STATE when it was brought before).
        """
        async with self.db.read() as session:
            upload = await store_uploads.by_ticket(session, ticket_digest(self.vault, ticket))
        if upload is None or upload.organisation != actor.organisation or upload.expires_at <= now:
            raise unknown_upload()
        if upload.received_at is not None:
            raise _brought_before()
        return Delivery(self.db, self.vault, upload.id, upload.size)


async def content_of(
    db: Database, vault: Vault, upload_id: UUID, actor: Actor, now: datetime
) -> bytes:
    """The content of an upload of the caller's organisation.

    Raises `Refused`: UNKNOWN_UPLOAD, or WRONG_STATE while nothing was brought yet.
    """
    async with db.read() as session:
        upload = await store_uploads.by_id(session, upload_id)
        if upload is None or upload.organisation != actor.organisation or upload.expires_at <= now:
            raise unknown_upload()
        if upload.received_at is None:
            raise _not_brought()
        opened = [octets async for octets in _opened(session, vault, upload_id, upload.size)]
    return b"".join(opened)


async def use_up(session: AsyncSession, upload_id: UUID) -> None:
    """One use: nobody needs the content once its verification is recorded.

    Raises `Refused` (UNKNOWN_UPLOAD) when another verification was faster.
    """
    if not await store_uploads.remove(session, upload_id):
        raise unknown_upload()


async def _opened(
    session: AsyncSession, vault: Vault, upload_id: UUID, size: int
) -> AsyncIterator[bytes]:
    """Piece by piece, for a file in the open and sealed at once would be twice its size."""
    for number in range(-(-size // PIECE)):
        sealed = await store_uploads.piece(session, upload_id, number)
        if sealed is None:  # used up meanwhile
            raise unknown_upload()
        try:
            yield vault.reveal(about_upload(upload_id, number), sealed)
        except CannotOpen:
            raise _unreadable() from None


def unknown_upload() -> Refused:
    """The one answer to whatever is not there for this caller."""
    words = Words(
        "没有此上传，或已过期、已用过。", "There is no such upload, or it expired or was used."
    )
    return Refused(Reason.UNKNOWN_UPLOAD, words, ("input", "upload"))


def _not_brought() -> Refused:
    words = Words(
        "内容尚未上传：请先 PUT /uploads/{ticket}。",
        "Its content was not brought yet: PUT /uploads/{ticket} first.",
    )
    return Refused(Reason.WRONG_STATE, words, ("input", "upload"))


def _brought_before() -> Refused:
    words = Words("该凭据下已有内容。", "Content was brought under this ticket already.")
    return Refused(Reason.WRONG_STATE, words)


def _unreadable() -> Refused:
    words = Words(
        "上传的内容已无法解密，请重新上传。",
        "The content can no longer be decrypted; upload it again.",
    )
    return Refused(Reason.WRONG_STATE, words, ("input", "upload"))
