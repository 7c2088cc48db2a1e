"""Licences (证照), their holders, standings and traces, and the trust list.

Revision ID: 0003_licences
Revises: 0002_items
Create Date: 2026-11-22 20:25:42.073292
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_licences"
down_revision = "0002_items"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "issuer_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("withdrawn_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_issuer_keys")),
    )
    op.create_table(
        "licence_readings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("licence_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_readings")),
    )
    op.create_index(
        "ix_licence_readings_licence_id", "licence_readings", ["licence_id", "at"], unique=False
    )
    op.create_table(
        "licences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("issuer_code", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("identifier", name=op.f("uq_licences_identifier")),
        sa.UniqueConstraint("series", "version", name=op.f("uq_licences_series_version")),
    )
    op.create_index("ix_licences_number", "licences", ["number"], unique=False)
    op.create_table(
        "quarantined_records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_digest", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("problems", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined_records")),
        sa.UniqueConstraint("record_digest", name=op.f("uq_quarantined_records_record_digest")),
    )
    op.create_table(
        "trust_list_versions",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_trust_list_versions")),
    )
    op.create_table(
        "trust_roots",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("sandbox", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_trust_roots")),
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_key", sa.LargeBinary(), nullable=False),
        sa.Column("licence_id", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("checks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("trust_list_version", sa.Text(), nullable=False),
        sa.Column("status_version", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index(
        "ix_verifications_licence_id", "verifications", ["licence_id", "at"], unique=False
    )
    op.create_index(
        "ix_verifications_organisation", "verifications", ["organisation", "at"], unique=False
    )
    op.create_table(
        "licence_holders",
        sa.Column("licence_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("holder_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licences.id"],
            name=op.f("fk_licence_holders_licence_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("licence_id", "position", name=op.f("pk_licence_holders")),
    )
    op.create_index(
        "ix_licence_holders_holder_key",
        "licence_holders",
        ["holder_key", "licence_id"],
        unique=False,
    )
    op.create_table(
        "licence_statuses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("licence_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "from_the_beginning", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["licence_id"],
            ["licences.id"],
            name=op.f("fk_licence_statuses_licence_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licence_statuses")),
    )
    op.create_index(
        "ix_licence_statuses_licence_id",
        "licence_statuses",
        ["licence_id", "recorded_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index("ix_licence_statuses_licence_id", table_name="licence_statuses")
    op.drop_table("licence_statuses")
    op.drop_index("ix_licence_holders_holder_key", table_name="licence_holders")
    op.drop_table("licence_holders")
    op.drop_index("ix_verifications_organisation", table_name="verifications")
    op.drop_index("ix_verifications_licence_id", table_name="verifications")
    op.drop_table("verifications")
    op.drop_table("trust_roots")
    op.drop_table("trust_list_versions")
    op.drop_table("quarantined_records")
    op.drop_index("ix_licences_number", table_name="licences")
    op.drop_table("licences")
    op.drop_index("ix_licence_readings_licence_id", table_name="licence_readings")
    op.drop_table("licence_readings")
    op.drop_table("issuer_keys")
