"""Clients and used assertions in SQL (客户端存取)."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.gateway.model import RegisteredClient, UsedAssertion
from zwhub.gateway.oauth import OAuthClient
from zwhub.kernel.actor import Scope
from zwhub.platform.database import Database


class DatabaseClients:
    """The registered department systems, and the sandbox's own where there is one."""

    def __init__(self, db: Database, sandbox: Any = None) -> None:
        self._db, self._sandbox = db, sandbox

    async def client(self, client_id: str) -> OAuthClient | None:
        """The client of this name, or None."""
        async with self._db.read() as session:
            row = await session.get(RegisteredClient, client_id)
        if row is not None:
            return _client(row)
        found: OAuthClient | None = None
        if self._sandbox is not None:
            found = await self._sandbox.client(client_id)
        return found


def _client(row: RegisteredClient) -> OAuthClient:
    return OAuthClient(
        client_id=row.client_id,
        name=row.name,
        organisation=row.organisation,
        level=row.level,
        scopes=frozenset(Scope(one) for one in row.scopes),
        jwks=tuple(row.jwks),
    )


class DatabaseReplays:
    """Used assertions, known to every process of the hub."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def replay(self, jti: str, expires: datetime) -> bool:
        """Whether `jti` was used before; it is used from now on."""
        row = {"digest": sha256(jti.encode()).digest(), "expires": expires}
        statement = upsert(UsedAssertion).values(row).on_conflict_do_nothing()
        async with self._db.write() as session:
            past = UsedAssertion.expires < datetime.now(UTC)
            await session.execute(delete(UsedAssertion).where(past))
            used = await session.execute(statement.returning(UsedAssertion.digest))
            return used.first() is None


async def register_client(session: AsyncSession, row: Mapping[str, Any]) -> None:
    """Add a client, or replace the one of the same name."""
    statement = upsert(RegisteredClient).values(row)
    newest = {name: value for name, value in row.items() if name != "client_id"}
    await session.execute(
        statement.on_conflict_do_update(index_elements=["client_id"], set_=newest)
    )


async def remove_client(session: AsyncSession, client_id: str) -> bool:
    """Whether there was a client of this name; it gets no more tokens."""
    known = RegisteredClient.client_id == client_id
    removed = await session.execute(
        delete(RegisteredClient).where(known).returning(RegisteredClient.client_id)
    )
    return removed.first() is not None


async def clients(session: AsyncSession) -> Sequence[RegisteredClient]:
    order = RegisteredClient.client_id
    return (await session.scalars(select(RegisteredClient).order_by(order))).all()
