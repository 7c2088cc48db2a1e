"""Names of licences whose numbers are close are close in the index (相邻名).

A migration has no keys, so it cannot name anew what an unreleased hub has collected: that is
collected again.

Revision ID: 0014_neighbours
Revises: 0013_later_names
Create Date: 2026-11-29
"""

import sqlalchemy as sa
from alembic import op

revision = "0014_neighbours"
down_revision = "0013_later_names"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _require_nothing_collected()


def downgrade() -> None:
    _require_nothing_collected()


def _require_nothing_collected() -> None:
    if op.get_bind().scalar(sa.text("SELECT 1 FROM licences LIMIT 1")):
        raise SystemExit(
            "此库由另一开发版归集，证照的索引名不同：请用新的数据目录（或空库）重新归集。\n"
            "Another development version collected these licences and finds them by other names: "
            "collect them again into a new data folder (or an empty database)."
        )
