"""Intake (入库准备): many rows at once give what each gives alone, and COPY reads what they give."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from builders import Issuer, a_holder, altered, an_issuer, with_wrong_check
from zwhub.kernel.crypto.sealing import DataKeys, Sealer
from zwhub.kernel.crypto.trust import TrustList
from zwhub.licences import copying, store_deliveries
from zwhub.licences.deliveries.rows import Change, Row, broken
from zwhub.licences.intake import Judged, prepare
from zwhub.licences.judging import Standards
from zwhub.licences.model import Licence, LicenceHolder, LicenceName
from zwhub.licences.vault import Kept, Vault, about_refused
from zwhub.platform.database import Database

RING = DataKeys.new()
VAULT = Vault(bytes(32), Sealer(lambda: RING))
NOW = datetime(2026, 11, 28, 3, 4, 5, 678_901, tzinfo=UTC)
SIGNED = datetime(2024, 5, 1, 2, tzinfo=UTC)
REVOKED = Change("03", None, "骗取", "决定", True)


def delivered(issuer: Issuer) -> list[Row]:
    wrong = {**issuer.a_body(), "identifier": with_wrong_check(issuer.a_body()["identifier"])}
    forged = altered(issuer.a_licence(), validUntil="2099-12-31")
    records = [
        *("rubbish", "a.b.c", "x" * 70_000, forged, issuer.signed(wrong)),
        issuer.a_licence(holders=[a_holder(code="110101199001011234")]),
        issuer.a_licence(holders=[a_holder(code="91510100MA61R4K94X", code_type="001")]),
        issuer.a_licence(holders=[a_holder(), a_holder("另"), a_holder("又")], version="002"),
        issuer.a_licence(signed_at="2099-01-01T00:00:00Z"),
        *(issuer.a_licence() for _ in range(20)),
    ]
    rows = [Row(number, record) for number, record in enumerate(records, start=1)]
    told = [Row(91, issuer.a_licence(), REVOKED)]
    late = [Row(92, issuer.a_licence(), REVOKED._replace(since=NOW + timedelta(1)))]
    rows += [*told, *late, broken(93, "ROW_UNREADABLE", "坏", "bad")]
    random.Random(7).shuffle(rows)
    return rows


def judged(issuer: Issuer, rows: Sequence[Row]) -> Judged:
    trust = TrustList("1", {issuer.kid: issuer.trusted()}, (issuer.root.certificate,))
    return prepare(rows, Standards(trust, frozenset(issuer.trusted().may_sign), NOW), VAULT)


def comparable(found: Judged, rows: Sequence[Row]) -> list[object]:
    """What is judged, with each sealed record opened: sealing the same twice never looks the same."""
    texts = {row.number: row.record for row in rows}
    ready = []
    for one in found.ready:
        kept = Kept(0, UUID(bytes=one.series), one.version, one.sealed, NOW)
        assert VAULT.signed(kept).decode() == texts[one.row]
        ready.append((one.row, one.series, one.version, one.number, one.holders, one.change))
    for refused in found.bad:
        record = VAULT.reveal(about_refused(refused.digest), refused.record)
        assert record.decode() == (texts[refused.row] or "")
    bad = [(one.row, one.digest, one.problems) for one in found.bad]
    return [ready, bad, found.warnings]


def test_many_at_once_are_judged_like_each_alone() -> None:
    issuer = an_issuer()
    rows = delivered(issuer)
    whole = judged(issuer, rows)
    alone = [judged(issuer, [row]) for row in rows]
    parts = zip(*((one.ready, one.bad, one.warnings) for one in alone), strict=True)
    ready, bad, warnings = ([one for part in parts_of for one in part] for parts_of in parts)
    assert comparable(whole, rows) == comparable(Judged(ready, bad, warnings), rows)
    codes = {problem.code for one in whole.bad for problem in one.problems}
    assert codes >= {
        *("MALFORMED", "SIGNATURE_INVALID", "CHECK_CHARACTER_WRONG", "HOLDER_NUMBER_INVALID"),
        *("SIGNED_IN_FUTURE", "STATUS_INVALID", "ROW_UNREADABLE"),
    }
    assert whole.warnings == ["USCC_CHECK_WARNING"]
    # Between processes nothing is lost, and what is void from the beginning says since when.
    packed = msgspec.msgpack.encode(whole)
    assert comparable(msgspec.msgpack.decode(packed, type=Judged), rows) == comparable(whole, rows)
    assert {one.change.since for one in whole.ready if one.change} == {SIGNED}


async def test_copy_reads_what_is_made_for_it(empty_database: Database) -> None:
    """Every column, at the ends of what it holds."""
    east, last = timezone(timedelta(hours=8)), datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC)
    ends = [
        (date(1, 1, 1), datetime(1, 1, 2, tzinfo=east), datetime(1969, 12, 31, 23, 59, tzinfo=UTC)),
        (date(9999, 12, 31), last, NOW),
        (date(2000, 1, 1), datetime(2000, 1, 1, 8, tzinfo=east), NOW),
    ]
    keys = [bytes([n]) * 16 for n in (9, 3, 6)]
    made = [
        copying.licence_values(
            (key, 999),
            "类" * 7,
            copying.day_number(day),
            (copying.moment_number(signed), copying.moment_number(collected)),
            key * n,
        )
        for n, (key, (day, signed, collected)) in enumerate(zip(keys, ends, strict=True))
    ]
    names = [(key, 1, 2**40, copying.day_number(ends[0][0])) for key in keys]
    tables = copying.licences(7, made), copying.names(names)
    async with empty_database.write() as session:
        holders = copying.holders([(key, 5) for key in keys])
        await store_deliveries.copy_in(session, *tables, holders, [])
    async with empty_database.read() as session:
        stored = (await session.scalars(select(Licence).order_by(Licence.id))).all()
        for n, (row, key, (day, signed, collected)) in enumerate(
            zip(stored, keys, ends, strict=True)
        ):
            assert (row.id, row.series_key.bytes, row.version) == (7 + n, key, 999)
            assert (row.type_code, row.sealed) == ("类" * 7, key * n)
            assert (row.issued_on, row.signed_at, row.collected_at) == (day, signed, collected)
        named = (await session.scalars(select(LicenceName).order_by(LicenceName.key))).all()
        assert [one.key.bytes for one in named] == sorted(keys)
        assert {(one.version, one.licence_id, one.issued_on) for one in named} == {
            (1, 2**40, date(1, 1, 1))
        }
        held = (await session.scalars(select(LicenceHolder))).all()
        assert {(one.holder_key.bytes, one.licence_id) for one in held} == {(k, 5) for k in keys}
        asked = [*keys, bytes(16)]
        assert await store_deliveries.taken_names(session, asked) == set(keys)


@given(st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=40)), max_size=8))
def test_sealed_together_each_opens_in_its_own_place(values: list[tuple[bytes, bytes]]) -> None:
    sealed = VAULT.sealer.seal_all(values)
    assert len(set(sealed)) == len(values)
    for one, (plain, about) in zip(sealed, values, strict=True):
        assert VAULT.sealer.open(one, about) == plain
