"""A change of standing (证照状态) names its basis and who made it.

Revision ID: 0005_status_basis
Revises: 0004_clients
Create Date: 2026-11-22
"""

import sqlalchemy as sa

from alembic import op

revision = "0005_status_basis"
down_revision = "0004_clients"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("basis", "actor"):
        op.add_column("licence_statuses", sa.Column(name, sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for name in ("actor", "basis"):
        op.drop_column("licence_statuses", name)
