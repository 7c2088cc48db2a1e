"""Records lie packed and encrypted; names and holders are found by keyed digests (密库).

A migration has no keys, so it cannot encrypt what an unreleased hub collected in the open: that is
collected again.

Revision ID: 0007_vault
Revises: 0006_ledger
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_vault"
down_revision = "0006_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _require_nothing_collected()
    _drop_old()
    op.create_table(
        "licences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("series_key", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
    )
    later = sa.text("version > 1")
    op.create_index("ix_licences_later_versions", "licences", ["id"], postgresql_where=later)
    op.create_index("ix_licences_issued_on", "licences", ["issued_on"], postgresql_using="brin")
    op.create_table(
        "licence_names",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("licence_id", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_licence_names")),
    )
    op.create_table(
        "licence_holders",
        sa.Column("holder_key", sa.Uuid(), nullable=False),
        sa.Column("licence_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("holder_key", "licence_id", name=op.f("pk_licence_holders")),
    )
    _refer_to_licences(ondelete=None)


def downgrade() -> None:
    _require_nothing_collected()
    _drop_old()
    op.drop_table("licence_names")
    op.create_table(
        "licences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("identifier", "series")),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("number", "name", "type_code", "issuer_code")
        ),
        *(sa.Column(name, sa.Date(), nullable=False) for name in ("issued_on", "valid_from")),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("signed", sa.LargeBinary(), nullable=False),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_licences")),
        sa.UniqueConstraint("identifier", name=op.f("uq_licences_identifier")),
        sa.UniqueConstraint("series", "version", name=op.f("uq_licences_series_version")),
    )
    op.create_index("ix_licences_number", "licences", ["number"])
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
        "ix_licence_holders_holder_key", "licence_holders", ["holder_key", "licence_id"]
    )
    _refer_to_licences(ondelete="CASCADE")


def _require_nothing_collected() -> None:
    for table in ("licences", "quarantined_records"):
        if op.get_bind().scalar(sa.text(f"SELECT 1 FROM {table} LIMIT 1")):  # noqa: S608
            raise SystemExit(
                "此库由更早的开发版建立，证照未加密：请用新的数据目录（或空库）重新归集。\n"
                "An earlier development version collected these licences unencrypted: "
                "collect them again into a new data folder (or an empty database)."
            )


def _drop_old() -> None:
    op.drop_constraint("fk_licence_statuses_licence_id", "licence_statuses")
    op.drop_table("licence_holders")
    op.drop_table("licences")


def _refer_to_licences(ondelete: str | None) -> None:
    op.create_foreign_key(
        op.f("fk_licence_statuses_licence_id"),
        "licence_statuses",
        "licences",
        ["licence_id"],
        ["id"],
        ondelete=ondelete,
    )
