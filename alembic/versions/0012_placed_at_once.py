"""Traces of a batch vouch for its receipt (批量回执入台账); a checkpoint's time is in no signature.

Revision ID: 0012_placed_at_once
Revises: 0011_secret_marks
Create Date: 2026-11-28
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_placed_at_once"
down_revision = "0011_secret_marks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verifications", sa.Column("batch_sha256", sa.LargeBinary(), nullable=True))
    op.drop_column("ledger_checkpoint", "at")


def downgrade() -> None:
    at = sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())
    op.add_column("ledger_checkpoint", at)
    op.alter_column("ledger_checkpoint", "at", server_default=None)
    op.drop_column("verifications", "batch_sha256")
