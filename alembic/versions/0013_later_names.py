"""Names that lead to a later version have an index of their own (延续、变更后的证照).

Revision ID: 0013_later_names
Revises: 0012_placed_at_once
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = "0013_later_names"
down_revision = "0012_placed_at_once"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_licence_names_later_versions",
        "licence_names",
        ["key"],
        postgresql_where=sa.text("version > 1"),
    )


def downgrade() -> None:
    op.drop_index("ix_licence_names_later_versions", "licence_names")
