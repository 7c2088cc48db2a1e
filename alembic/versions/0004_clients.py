"""Department systems' clients (客户端) and the assertions they have used.

Revision ID: 0004_clients
Revises: 0003_licences
Create Date: 2026-11-22 20:27:53.497785
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_clients"
down_revision = "0003_licences"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("jwks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_oauth_clients")),
    )
    op.create_table(
        "oauth_used_assertions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oauth_used_assertions")),
    )
    op.create_index(
        "ix_oauth_used_assertions_expires", "oauth_used_assertions", ["expires"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_oauth_used_assertions_expires", table_name="oauth_used_assertions")
    op.drop_table("oauth_used_assertions")
    op.drop_table("oauth_clients")
