"""The trust list in the database (信任列表): each change makes a new version."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.trust import Term, TrustBook, TrustedKey, TrustList
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.model import IssuerKey, TrustListVersion, TrustRoot
from zwhub.platform.database import Database
from zwhub.platform.reading import Reads, Within

NO_VERSION = "0"


async def trust_list(session: AsyncSession, book: TrustBook) -> TrustList:
    """The newest version; read again only when the database holds a newer one."""
    version, made_at = await _newest(Within(session))
    if book.current is None or book.current.version != version:
        book.current = await _read(session, version, made_at)
    return book.current


async def present_trust_list(db: Database, book: TrustBook) -> TrustList:
    """The same, for those who have no session: nearly always the version alone is read."""
    return await trust_list_of(db, book, (await _newest(db.reads))[0])


async def trust_list_of(db: Database, book: TrustBook, version: str) -> TrustList:
    """That version, which has just been read to be the newest, or one that came since."""
    if book.current is not None and book.current.version == version:
        return book.current
    async with db.read() as session:
        return await trust_list(session, book)


async def _newest(reads: Reads) -> tuple[str, datetime | None]:
    rows = await reads.fetch(
        "SELECT number, digest, made_at FROM trust_list_versions ORDER BY number DESC LIMIT 1"
    )
    return (f"{rows[0][0]}-{rows[0][1][:12]}", rows[0][2]) if rows else (NO_VERSION, None)


async def listed_key(session: AsyncSession, kid: str) -> TrustedKey:
    """The key of that name on the newest list, to be changed. Raises `Refused` (INVALID_INPUT)."""
    await one_change_at_a_time(session)
    key = (await trust_list(session, TrustBook())).keys.get(kid)
    if key is None:
        words = Words("信任列表中没有此 kid", "the trust list has no such kid")
        raise Refused(Reason.INVALID_INPUT, words, ("kid",))
    return key


async def _read(session: AsyncSession, version: str, made_at: datetime | None) -> TrustList:
    roots = [
        Certificate.from_pem(root.certificate) for root in await session.scalars(select(TrustRoot))
    ]
    keys = {row.kid: _key(row) for row in await session.scalars(select(IssuerKey))}
    return TrustList(version=version, keys=keys, roots=tuple(roots), made_at=made_at)


def _key(row: IssuerKey) -> TrustedKey:
    return TrustedKey(
        kid=row.kid,
        issuer=row.issuer,
        certificate=Certificate.from_pem(row.certificate),
        may_sign=frozenset(row.types),
        withdrawn_since=row.withdrawn_since,
        retired_from=row.retired_from,
        terms={code: Term(*map(_day, days)) for code, days in row.terms.items()},
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _days(term: Term) -> list[str | None]:
    return [None if day is None else day.isoformat() for day in (term.first, term.last)]


async def trust(
    session: AsyncSession,
    roots: Sequence[Certificate],
    keys: Sequence[TrustedKey],
    at: datetime,
    *,
    sandbox: bool = False,
) -> None:
    """Put roots and keys on the list and make its next version; a known `kid` is replaced."""
    await one_change_at_a_time(session)
    for root in roots:
        row = {"fingerprint": root.fingerprint, "certificate": root.pem(), "sandbox": sandbox}
        await session.execute(upsert(TrustRoot).values(row).on_conflict_do_nothing())
    for key in keys:
        values = {
            "kid": key.kid,
            "issuer": key.issuer,
            "certificate": key.certificate.pem(),
            "types": sorted(key.may_sign),
            "withdrawn_since": key.withdrawn_since,
            "retired_from": key.retired_from,
            "terms": {code: _days(term) for code, term in key.terms.items()},
        }
        statement = upsert(IssuerKey).values(values)
        await session.execute(statement.on_conflict_do_update(index_elements=["kid"], set_=values))
    digest = await _digest(session)
    await session.execute(insert(TrustListVersion).values(digest=digest, made_at=at))


async def one_change_at_a_time(session: AsyncSession) -> None:
    """Until the transaction ends, nobody else changes the list; before it is read to be changed.

    A version must not appear after a higher one, either: nobody would look at it.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_TRUST)))


_TRUST = 0x7A77_0005  # any constant, as long as nothing else locks it


async def _digest(session: AsyncSession) -> str:
    rows = await session.scalars(select(IssuerKey).order_by(IssuerKey.kid))
    said = [
        f"{r.kid} {r.issuer} {r.types} {sorted(r.terms.items())}"
        f" {r.retired_from} {r.withdrawn_since} {r.certificate}"
        for r in rows
    ]
    roots = await session.scalars(select(TrustRoot.fingerprint).order_by(TrustRoot.fingerprint))
    return sha256_hex("\n".join([*said, *roots]).encode())
