"""A database remembers the secrets it was filled with, by their fingerprints (密钥印记).

Revision ID: 0011_secret_marks
Revises: 0010_uploads
Create Date: 2026-11-23
"""

import sqlalchemy as sa
from alembic import op

revision = "0011_secret_marks"
down_revision = "0010_uploads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secret_marks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secret_marks")),
    )


def downgrade() -> None:
    op.drop_table("secret_marks")
