"""A licence (证照): the record as it was signed, its holders, its standing, its traces."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import SmallInteger, Text

from zwhub.platform.database import Base


class Licence(Base):
    """A collected licence. `sealed` is the issuer's JWS, packed and encrypted (`vault.py`).

    Rows are appended in the order in which they are collected; whatever finds them stands in
    `licence_names` and `licence_holders` (`docs/scale.md` says why). Its standing begins as
    有效 on the day of issue, or at `signed_at` if that was before, known to the hub since
    `collected_at`; what changes stands in `licence_statuses`.
    """

    __tablename__ = "licences"
    __table_args__ = (
        Index("ix_licences_later_versions", "id", postgresql_where=text("version > 1")),
        Index("ix_licences_issued_on", "issued_on", postgresql_using="brin"),
    )
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    series_key: Mapped[UUID]
    version: Mapped[int] = mapped_column(SmallInteger)
    type_code: Mapped[str]
    issued_on: Mapped[date]
    signed_at: Mapped[datetime]
    collected_at: Mapped[datetime]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class LicenceName(Base):
    """A name of a licence (证照编号, 证照标识), as a keyed digest, and the version it leads to.

    Two rows a licence: one for its number, one for its series (the identifier without version
    and check character, which all versions share). A version of a name exists once: whoever loads
    relies on that, and looks for later versions alone, of which there are few.
    """

    __tablename__ = "licence_names"
    __table_args__ = (
        Index("ix_licence_names_later_versions", "key", postgresql_where=text("version > 1")),
    )
    key: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    licence_id: Mapped[int]
    issued_on: Mapped[date]


class LicenceHolder(Base):
    """Who holds a licence, found by a keyed digest: a plain hash of 18 digits can be searched."""

    __tablename__ = "licence_holders"
    holder_key: Mapped[UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class LicenceStatus(Base):
    """One change of a licence's standing after it was collected; appended, never altered.

    `code` as in the national exchange practice (01 有效, 02 暂扣, 03 撤销 …); `since` when it
    takes effect in the world, `recorded_at` when the hub learned of it.
    """

    __tablename__ = "licence_statuses"
    __table_args__ = (Index("ix_licence_statuses_licence_id", "licence_id", "recorded_at"),)
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    licence_id: Mapped[int] = mapped_column(ForeignKey("licences.id"))
    code: Mapped[str]
    since: Mapped[datetime]
    recorded_at: Mapped[datetime]
    reason: Mapped[str]
    basis: Mapped[str] = mapped_column(server_default="")
    actor: Mapped[str] = mapped_column(server_default="")
    from_the_beginning: Mapped[bool] = mapped_column(server_default=text("false"))


class IssuerKey(Base):
    """A key of the trust list (信任列表): who signs with it, and which licence types.

    `terms`: by type, the first and the last day of the right to issue it, where it has any.
    """

    __tablename__ = "issuer_keys"
    kid: Mapped[str] = mapped_column(primary_key=True)
    issuer: Mapped[str]
    certificate: Mapped[str]
    types: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    terms: Mapped[dict[str, list[str | None]]] = mapped_column(JSONB, server_default="{}")
    retired_from: Mapped[datetime | None]
    withdrawn_since: Mapped[datetime | None]


class TrustRoot(Base):
    """A root certificate (根证书) under which issuers' certificates must stand.

    `sandbox`: made by the hub for its sample city; nobody else should believe it.
    """

    __tablename__ = "trust_roots"
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    certificate: Mapped[str]
    sandbox: Mapped[bool]


class TrustListVersion(Base):
    """Each change of the trust list makes a version; verifications name the one they used."""

    __tablename__ = "trust_list_versions"
    number: Mapped[int] = mapped_column(Identity(), primary_key=True)
    digest: Mapped[str]
    made_at: Mapped[datetime]


class VerificationBatch(Base):
    """Verifications asked for together (批量核验), under one receipt."""

    __tablename__ = "verification_batches"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    receipt: Mapped[str]


class Verification(Base):
    """The trace of one verification (核验记录): who asked, why, and what the hub found.

    One of a batch has no receipt of its own: its batch's covers it, whose SHA-256 (32 bytes) it
    keeps, so that the ledger vouches for that one too.
    """

    __tablename__ = "verifications"
    __table_args__ = (
        Index("ix_verifications_licence_id", "licence_id", "at"),
        Index("ix_verifications_organisation", "organisation", "at"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID | None]
    at: Mapped[datetime]
    actor: Mapped[str]
    organisation: Mapped[str | None]
    purpose: Mapped[str]
    case_number: Mapped[str | None]
    asked_by: Mapped[str]
    asked_key: Mapped[bytes] = mapped_column(LargeBinary)
    licence_id: Mapped[int | None]
    as_of: Mapped[datetime]
    verdict: Mapped[str]
    reason: Mapped[str]
    checks: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    trust_list_version: Mapped[str]
    status_version: Mapped[str]
    receipt: Mapped[str]
    batch_sha256: Mapped[bytes | None] = mapped_column(LargeBinary)


class LicenceReading(Base):
    """The trace of one look at a person's licence by somebody else (证照调阅)."""

    __tablename__ = "licence_readings"
    __table_args__ = (Index("ix_licence_readings_licence_id", "licence_id", "at"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    licence_id: Mapped[int]
    at: Mapped[datetime]
    actor: Mapped[str]
    organisation: Mapped[str | None]


class LedgerEntry(Base):
    """One entry of the ledger (台账条目): the hash of a trace, and its place in the tree.

    `leaf` is the leaf hash over the trace (`entry.written`), 32 bytes; `seal` is the hub's own
    mark on it, without which it gets no place later. `position` is null where none could be given
    at once. The other columns repeat the trace, so that a person's entries can be found; no number
    is kept.
    """

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("position"),
        Index("ix_ledger_entries_licence_id", "licence_id", "at", "trace_id"),
    )
    trace_id: Mapped[UUID] = mapped_column(primary_key=True)
    action: Mapped[str]
    licence_id: Mapped[int | None]
    at: Mapped[datetime]
    leaf: Mapped[bytes] = mapped_column(LargeBinary)
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    position: Mapped[int | None]


class LedgerNode(Base):
    """A complete subtree of the ledger's tree (台账节点), level 0 being the leaves."""

    __tablename__ = "ledger_nodes"
    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class LedgerCheckpoint(Base):
    """The newest signed checkpoint (台账检查点), one row: `note` vouches for `size` and `root`."""

    __tablename__ = "ledger_checkpoint"
    __table_args__ = (CheckConstraint("id = 1", name="one"),)
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    size: Mapped[int]
    root: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str]


class Upload(Base):
    """A file announced by a department system (上传), and then here until it is verified.

    `ticket_digest` finds it for the one PUT that brings its content; `received_at` is null until
    then. Its organisation alone can use it, and nobody after `expires_at`.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("ticket_digest"),
        Index("ix_uploads_organisation", "organisation"),
        Index("ix_uploads_expires_at", "expires_at"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    ticket_digest: Mapped[bytes] = mapped_column(LargeBinary)
    organisation: Mapped[str]
    size: Mapped[int]
    expires_at: Mapped[datetime]
    received_at: Mapped[datetime | None]


class UploadPiece(Base):
    """A piece of an upload's content, encrypted for its place, numbered from 0."""

    __tablename__ = "upload_pieces"
    upload_id: Mapped[UUID] = mapped_column(
        ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class QuarantinedRecord(Base):
    """A record that could not be collected, kept with its reasons (隔离区).

    `record` is encrypted: it names its holders like any other.
    """

    __tablename__ = "quarantined_records"
    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    record_digest: Mapped[str] = mapped_column(unique=True)
    record: Mapped[bytes] = mapped_column(LargeBinary)
    problems: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    actor: Mapped[str]
    at: Mapped[datetime]
    delivery: Mapped[str | None]
    row_number: Mapped[int | None]


class Delivery(Base):
    """A delivered file (归集文件) and how far it has been loaded, kept with each chunk's records.

    `resume` leads to the first row that is not stored yet; `counts` says what became of the rest.
    """

    __tablename__ = "deliveries"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    size: Mapped[int]
    resume: Mapped[str]
    counts: Mapped[dict[str, int]] = mapped_column(JSONB)
    begun_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class SecretMark(Base):
    """A secret that this database was filled with (密钥印记): its name and its fingerprint.

    `emptied_at`, of a data key that no longer seals: since when no value lies under it.
    """

    __tablename__ = "secret_marks"
    name: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    emptied_at: Mapped[datetime | None]
