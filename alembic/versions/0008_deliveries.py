"""Delivered files and how far they have been loaded; which row a quarantined record came from.

Revision ID: 0008_deliveries
Revises: 0007_vault
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008_deliveries"
down_revision = "0007_vault"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("sha256", "name")),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("resume", sa.Text(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_deliveries")),
    )
    op.add_column("quarantined_records", sa.Column("delivery", sa.Text(), nullable=True))
    op.add_column("quarantined_records", sa.Column("row_number", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("quarantined_records", "row_number")
    op.drop_column("quarantined_records", "delivery")
    op.drop_table("deliveries")
