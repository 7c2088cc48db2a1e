"""The ledger (台账): entries beside the traces, the tree's nodes, the newest checkpoint.

Readings get the same kind of id as verifications: made in the hub, before they are stored. Traces
that stand already are entered by the first hub that runs.

Revision ID: 0006_ledger
Revises: 0005_standings_batches
Create Date: 2026-11-22
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_ledger"
down_revision = "0005_standings_batches"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _reading_id(sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid()))
    op.alter_column("licence_readings", "id", server_default=None)
    op.create_table(
        "ledger_entries",
        sa.Column("trace_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("licence_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("trace_id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("position", name=op.f("uq_ledger_entries_position")),
    )
    op.create_index(
        "ix_ledger_entries_licence_id", "ledger_entries", ["licence_id", "at", "trace_id"]
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_ledger_nodes")),
    )
    op.create_table(
        "ledger_checkpoint",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_checkpoint_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checkpoint")),
    )


def downgrade() -> None:
    op.drop_table("ledger_checkpoint")
    op.drop_table("ledger_nodes")
    op.drop_index("ix_ledger_entries_licence_id", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    _reading_id(sa.Column("id", sa.BigInteger(), sa.Identity(always=False)))


def _reading_id(column: sa.Column) -> None:
    """Another key in the place of the one that the readings have."""
    op.drop_column("licence_readings", "id")
    op.add_column("licence_readings", column)
    op.create_primary_key(op.f("pk_licence_readings"), "licence_readings", ["id"])
