"""Keys of the trust list can be retired, and be authorised for certain days.

Revision ID: 0009_retired_keys
Revises: 0008_deliveries
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_retired_keys"
down_revision = "0008_deliveries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    days = postgresql.JSONB(astext_type=sa.Text())
    op.add_column("issuer_keys", sa.Column("terms", days, server_default="{}", nullable=False))
    retired = sa.Column("retired_from", sa.DateTime(timezone=True), nullable=True)
    op.add_column("issuer_keys", retired)


def downgrade() -> None:
    op.drop_column("issuer_keys", "retired_from")
    op.drop_column("issuer_keys", "terms")
