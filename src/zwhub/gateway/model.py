"""Department systems' clients (客户端), and the assertions they have used up."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import LargeBinary, Text

from zwhub.platform.database import Base


class RegisteredClient(Base):
    """A department system that may ask for tokens; `jwks` holds its public keys alone."""

    __tablename__ = "oauth_clients"
    client_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    organisation: Mapped[str]
    level: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    jwks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    added_at: Mapped[datetime]


class UsedAssertion(Base):
    """A client assertion seen once (RFC 7523 §3: `jti`); kept until it expires."""

    __tablename__ = "oauth_used_assertions"
    __table_args__ = (Index("ix_oauth_used_assertions_expires", "expires"),)
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    expires: Mapped[datetime]
