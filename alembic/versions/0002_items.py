"""Items (事项), their versions and materials.

Revision ID: 0002_items
Revises: 0001_directory
Create Date: 2026-11-22 20:25:30.205675
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_items"
down_revision = "0001_directory"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("implementation_code", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("served", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("case_kind", sa.Text(), nullable=False),
        sa.Column("statutory_limit", sa.BigInteger(), nullable=True),
        sa.Column("statutory_unit", sa.Text(), nullable=False),
        sa.Column("promised_limit", sa.BigInteger(), nullable=True),
        sa.Column("promised_unit", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("conditions", sa.Text(), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("fee_basis", sa.Text(), nullable=False),
        sa.Column("visits", sa.BigInteger(), nullable=False),
        sa.Column("online_depth", sa.BigInteger(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("results", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("complaint", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_digest", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("grams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint(
            "implementation_code", "version", name=op.f("uq_items_implementation_code_version")
        ),
    )
    op.create_index("ix_items_code", "items", ["code"], unique=False)
    op.create_index("ix_items_grams", "items", ["grams"], unique=False, postgresql_using="gin")
    op.create_index(
        "uq_items_current",
        "items",
        ["implementation_code"],
        unique=True,
        postgresql_where=sa.text("effective_until IS NULL"),
    )
    op.create_table(
        "materials",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("necessity", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_materials_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_materials")),
        sa.UniqueConstraint("item_id", "code", name=op.f("uq_materials_item_id_code")),
    )


def downgrade() -> None:
    op.drop_table("materials")
    op.drop_index(
        "uq_items_current", table_name="items", postgresql_where=sa.text("effective_until IS NULL")
    )
    op.drop_index("ix_items_grams", table_name="items", postgresql_using="gin")
    op.drop_index("ix_items_code", table_name="items")
    op.drop_table("items")
