"""An item (事项), its versions, and the materials (材料) it asks for."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from zwhub.platform.database import Base

Texts = ARRAY(Text())


class Item(Base):
    """One published version of an item; it never changes but for the day it is replaced.

    `code` 基本编码 (12), `implementation_code` 实施编码 (31); limits are amounts with a unit,
    None = 无期限. `search_text` and its `grams` are what a search looks at.
    """

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("implementation_code", "version"),
        Index("ix_items_grams", "grams", postgresql_using="gin"),
        Index(
            "uq_items_current",
            "implementation_code",
            unique=True,
            postgresql_where=text("effective_until IS NULL"),
        ),
        Index("ix_items_code", "code"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    implementation_code: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    organisation: Mapped[str]
    level: Mapped[str]
    served: Mapped[list[str]] = mapped_column(Texts)
    case_kind: Mapped[str]
    statutory_limit: Mapped[int | None]
    statutory_unit: Mapped[str]
    promised_limit: Mapped[int | None]
    promised_unit: Mapped[str]
    legal_basis: Mapped[str]
    conditions: Mapped[str]
    fee: Mapped[str]
    fee_basis: Mapped[str]
    visits: Mapped[int]
    online_depth: Mapped[int]
    topics: Mapped[list[str]] = mapped_column(Texts)
    results: Mapped[list[str]] = mapped_column(Texts)
    contact: Mapped[str]
    complaint: Mapped[str]
    status: Mapped[str]
    effective_from: Mapped[datetime]
    effective_until: Mapped[datetime | None]
    content_digest: Mapped[str]
    search_text: Mapped[str]
    grams: Mapped[list[str]] = mapped_column(Texts)


class Material(Base):
    """A paper that an item asks for.

    `evidence` holds the alternatives (OR) of licences that stand in for it together (AND):
    `[[{"type": code, "attributes": [照面信息…]}, …], …]`; empty = nothing stands in.
    """

    __tablename__ = "materials"
    __table_args__ = (UniqueConstraint("item_id", "code"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    position: Mapped[int]
    code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    form: Mapped[str]
    necessity: Mapped[str]
    source: Mapped[str]
    evidence: Mapped[list[list[dict[str, object]]]] = mapped_column(JSONB)
