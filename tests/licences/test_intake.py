"""Intake (入库准备): many rows at once give what each gives alone, and COPY reads what they give."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec
import pytest
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
from zwhub.platform.database import AlreadyThere, Database

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


def comparable(found: Judged, rows: Sequence[Row]) -> list[list[Any]]:
    """What is judged, with each sealed record opened: sealing the same twice never looks the same."""
    texts = {row.number: row.record for row in rows}
    ready = []
    named = copied(found.sound.names, copying.OF_NAMES)
    held = copied(found.sound.holders, copying.OF_HOLDERS)
    for one in (found.sound[place] for place in range(len(found.sound.rows))):
        kept = Kept(0, UUID(bytes=one.series), one.version, one.sealed, NOW)
        assert VAULT.signed(kept).decode() == texts[one.row]
        assert {row[6:22] for row in named[one.place]} == {one.series, one.number}
        holders = {row[6:22] for row in held[one.place]}
        ready.append((one.row, one.series, one.version, one.number, holders, one.change))
    for refused in found.bad:
        record = VAULT.reveal(about_refused(refused.digest), refused.record)
        assert record.decode() == (texts[refused.row] or "")
    bad = [(one.row, one.digest, one.problems) for one in found.bad]
    return [ready, bad, found.warnings]


def copied(rows: bytes, kind: copying.Rows) -> dict[int, list[bytes]]:
    """The rows by the ids in them."""
    found: dict[int, list[bytes]] = {}
    for at in range(0, len(rows), kind.width):
        row = rows[at : at + kind.width]
        found.setdefault(int.from_bytes(row[kind.id_at : kind.id_at + 8]), []).append(row)
    return found


def test_many_at_once_are_judged_like_each_alone() -> None:
    issuer = an_issuer()
    rows = delivered(issuer)
    whole = judged(issuer, rows)
    alone = [comparable(judged(issuer, [row]), rows) for row in rows]
    assert comparable(whole, rows) == [list(chain(*parts)) for parts in zip(*alone, strict=True)]
    codes = {problem.code for one in whole.bad for problem in one.problems}
    assert codes >= {
        *("MALFORMED", "SIGNATURE_INVALID", "CHECK_CHARACTER_WRONG", "HOLDER_NUMBER_INVALID"),
        *("SIGNED_IN_FUTURE", "STATUS_INVALID", "ROW_UNREADABLE"),
    }
    assert whole.warnings == ["USCC_CHECK_WARNING"]
    # Between processes nothing is lost, and what is void from the beginning says since when.
    packed = msgspec.msgpack.encode(whole)
    assert comparable(msgspec.msgpack.decode(packed, type=Judged), rows) == comparable(whole, rows)
    assert {change.since for change in whole.sound.changes.values()} == {SIGNED}
    (later,) = whole.sound.odd
    assert whole.sound[later].version == 2


def test_what_shares_a_name_in_its_chunk_is_odd() -> None:
    issuer = an_issuer()
    first, second = issuer.a_licence(number="同"), issuer.a_licence(number="同")
    records = [issuer.a_licence(), first, issuer.a_licence(), second, first]
    sound = judged(issuer, [Row(n, one) for n, one in enumerate(records)]).sound
    assert sound.odd == [1, 3, 4]


@given(st.data())
def test_rows_that_are_left_out_leave_no_gap(data: st.DataObject) -> None:
    """What COPY reads of the others is what it would read if they had been alone."""
    count = data.draw(st.integers(1, 12))
    keys = data.draw(st.lists(st.binary(min_size=16, max_size=16), min_size=count, max_size=count))
    left = data.draw(st.sets(st.integers(0, count - 1)))
    first = data.draw(st.integers(0, 2**40))

    def names(keys: Sequence[bytes], first: int) -> bytes:
        return copying.names((key, 1, place, 7) for place, key in enumerate(keys, first))

    numbers = {place: n for n, place in enumerate(sorted(set(range(count)) - left))}
    kept = [keys[place] for place in numbers]
    rest = copying.renumbered(names(keys, 0), copying.OF_NAMES, numbers)
    assert rest == names(kept, 0)
    begin, end = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
    assert copying.counted_from(first, rest, copying.OF_NAMES) == begin + names(kept, first) + end


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
    first = copying.day_number(ends[0][0])
    names = copying.names([(key, 1, place, first) for place, key in enumerate(keys)])
    holders = copying.holders([(key, 5) for key in keys])
    tables = (
        copying.counted_from(2**40, names, copying.OF_NAMES),
        copying.licences(7, made),
        copying.counted_from(0, holders, copying.OF_HOLDERS),
    )
    async with empty_database.write() as session:
        await store_deliveries.copy_in(session, *tables, [])
        await store_deliveries.take_ids(session, 9)
    async with empty_database.write() as session:
        assert await store_deliveries.next_id(session) == 10
        with pytest.raises(AlreadyThere):
            await store_deliveries.copy_in(session, *tables, [])
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
        assert [(one.version, one.licence_id, one.issued_on) for one in named] == [
            (1, 2**40 + place, date(1, 1, 1)) for place in (1, 2, 0)
        ]
        held = (await session.scalars(select(LicenceHolder))).all()
        assert {(one.holder_key.bytes, one.licence_id) for one in held} == {(k, 5) for k in keys}
        asked = b"".join([*keys, bytes(16)])
        assert await store_deliveries.taken_names(session, asked) == set(keys)
        assert await store_deliveries.later_names(session, asked) == set()


@given(st.lists(st.tuples(st.binary(max_size=300), st.binary(max_size=40)), max_size=8))
def test_sealed_together_each_opens_in_its_own_place(values: list[tuple[bytes, bytes]]) -> None:
    sealed = VAULT.sealer.seal_all(values)
    assert len(set(sealed)) == len(values)
    for one, (plain, about) in zip(sealed, values, strict=True):
        assert VAULT.sealer.open(one, about) == plain
