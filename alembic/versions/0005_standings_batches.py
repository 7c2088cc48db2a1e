"""A change of standing (证照状态) names its basis and its maker; verifications come in batches.

Revision ID: 0005_standings_batches
Revises: 0004_clients
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_standings_batches"
down_revision = "0004_clients"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("basis", "actor"):
        column = sa.Column(name, sa.Text(), server_default="", nullable=False)
        op.add_column("licence_statuses", column)
    op.create_table(
        "verification_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_batches")),
    )
    op.add_column("verifications", sa.Column("batch_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("verifications", "batch_id")
    op.drop_table("verification_batches")
    for name in ("actor", "basis"):
        op.drop_column("licence_statuses", name)
