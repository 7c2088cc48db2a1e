"""Loading in hope (乐观入库): what is likely to be new is inserted; the outcome is that of asking."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from builders import Issuer, an_issuer
from zwhub.kernel.crypto.sealing import DataKeys, Sealer
from zwhub.kernel.crypto.trust import TrustList
from zwhub.kernel.refusal import Refused
from zwhub.licences import store_deliveries
from zwhub.licences.deliveries.rows import Change, Row
from zwhub.licences.intake import Judged, prepare
from zwhub.licences.judging import Standards
from zwhub.licences.load import Step, Stored, compare_chunk, store_chunk
from zwhub.licences.model import Delivery
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database

RING = DataKeys.new()
VAULT = Vault(bytes(32), Sealer(lambda: RING))
NOW = datetime(2026, 11, 28, 3, 4, 5, tzinfo=UTC)
SUSPENDED = Change("02", datetime(2026, 5, 1, tzinfo=UTC), "核查", "", False)


class Undone(Exception):
    """Leaves the database as it was."""


def judged(issuer: Issuer, rows: Sequence[Row]) -> Judged:
    trust = TrustList("1", {issuer.kid: issuer.trusted()}, (issuer.root.certificate,))
    return prepare(rows, Standards(trust, frozenset(issuer.trusted().may_sign), NOW), VAULT)


def a_record(issuer: Issuer, chance: random.Random) -> str:
    """One of few series in few versions, with one of few numbers: they often meet."""
    series, version = chance.randrange(6), chance.choice([1, 1, 1, 2, 3])
    number = series if chance.random() < 0.7 else chance.randrange(6)
    before: dict[str, Any] = {} if version == 1 else {"operation": "变更"}
    return issuer.a_licence(
        serial=f"S{series}",
        number=f"N{number}",
        version=f"{version:03}",
        name=chance.choice(["甲", "甲", "甲", "乙"]),
        **before,
    )


def chunks(issuer: Issuer, seed: int) -> list[Judged]:
    chance = random.Random(seed)
    known: list[str] = []
    made = []
    for first in range(0, 60, 10):
        records = [
            chance.choice(known) if known and chance.random() < 0.3 else a_record(issuer, chance)
            for _ in range(chance.randrange(1, 7))
        ]
        known += records
        rows = [
            Row(number, one, SUSPENDED if chance.random() < 0.2 else None)
            for number, one in enumerate(records, first)
        ]
        made.append(judged(issuer, rows))
    return made


async def outcome(db: Database, made: Sequence[Judged], hopes: Sequence[bool]) -> list[Any]:
    """What is told of each chunk, and what then lies in the tables."""
    try:
        async with db.write() as session:
            new = Delivery(sha256=str(uuid4()), name="a", size=1, begun_at=NOW)
            delivery = await store_deliveries.begin(session, new)
            first = await store_deliveries.next_id(session)
            told: list[Any] = []
            counts: dict[str, int] = {}
            for place, (one, hope) in enumerate(zip(made, hopes, strict=True)):
                step = Step(
                    delivery.sha256, "" if place == 0 else str(place), str(place + 1), counts
                )
                trial = await compare_chunk(session, step, one, VAULT, NOW)
                stored = await store_chunk(session, step, one, VAULT, NOW, hope)
                assert summary(trial) == summary(stored)
                told.append(summary(stored))
                counts = dict(stored.counts)
            for query in (
                "SELECT key, version, licence_id - :first, issued_on FROM licence_names ORDER BY 1, 2",
                "SELECT id - :first, series_key, version FROM licences ORDER BY 1",
                "SELECT holder_key, licence_id - :first FROM licence_holders ORDER BY 2, 1",
                "SELECT licence_id - :first, code, reason FROM licence_statuses ORDER BY id",
            ):
                found = await session.execute(text(query), {"first": first})
                told.append([tuple(row) for row in found])
            raise Undone
    except Undone:
        return told


def summary(stored: Stored) -> tuple[dict[str, int], list[tuple[int, list[str]]]]:
    bad = [(one.row, [problem.code for problem in one.problems]) for one in stored.bad]
    return {name: n for name, n in stored.counts.items() if n}, bad


async def test_hope_and_asking_come_to_the_same(empty_database: Database) -> None:
    issuer = an_issuer()
    seen: set[str] = set()
    for seed in range(25):
        made = chunks(issuer, seed)
        asked = await outcome(empty_database, made, [False] * 6)
        assert await outcome(empty_database, made, [True] * 6) == asked
        mixed = [place % 2 == seed % 2 for place in range(6)]
        assert await outcome(empty_database, made, mixed) == asked
        seen |= asked[5][0].keys()
    assert seen >= {
        *("accepted", "unchanged", "changed", "quarantined"),
        *("refused IDENTIFIER_TAKEN", "refused NUMBER_TAKEN"),
    }


def told_again(issuer: Issuer, seed: int) -> list[Row]:
    """Few records, each told of several times with changing standings."""
    chance = random.Random(seed)
    records = [issuer.a_licence(serial=f"S{n}", number=f"N{n}") for n in range(4)]
    changes = [
        *(None, SUSPENDED, SUSPENDED._replace(status="01"), SUSPENDED._replace(status="03")),
        *(SUSPENDED._replace(status=code) for code in ("04", "99")),
    ]
    return [Row(n, chance.choice(records), chance.choice(changes)) for n in range(20)]


async def test_where_a_file_is_cut_makes_no_difference(empty_database: Database) -> None:
    """A standing that follows its record in the same chunk, or another standing, is not lost."""
    issuer = an_issuer()
    codes: set[str] = set()
    for seed in range(25):
        rows = told_again(issuer, seed)
        whole = [judged(issuer, rows)]
        cut = [judged(issuer, rows[:7]), judged(issuer, rows[7:8]), judged(issuer, rows[8:])]
        single = [judged(issuer, [row]) for row in rows]
        answers = [
            await outcome(empty_database, made, [hope] * len(made))
            for made in (whole, cut, single)
            for hope in (True, False)
        ]
        refused = [sorted(row for told in one[:-4] for row in told[1]) for one in answers]
        assert refused == refused[:1] * 6
        totals = [one[-5][0] for one in answers]
        assert totals == totals[:1] * 6
        # By licence: entries of different licences may be written in another order.
        standings = [sorted(one[-1], key=lambda entry: entry[0]) for one in answers]
        assert standings == standings[:1] * 6
        codes |= {code for _, code, _ in standings[0]}
    assert codes >= {"01", "02", "03", "04", "99"}


async def test_a_number_that_a_later_version_alone_holds_is_taken(
    empty_database: Database,
) -> None:
    """No key is violated by inserting it: (number, 1) is free while (number, 2) is not."""
    issuer = an_issuer()
    later = issuer.a_licence(serial="A", number="N", version="002", operation="变更")
    made = [judged(issuer, [Row(1, later)]), judged(issuer, [Row(2, issuer.a_licence(number="N"))])]
    told = await outcome(empty_database, made, [True, True])
    assert told[1][1] == [(2, ["NUMBER_TAKEN"])]


async def test_who_comes_second_to_a_part_of_a_file_stores_nothing(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = an_issuer()
    one = judged(issuer, [Row(1, issuer.a_licence())])
    new = Delivery(sha256=str(uuid4()), name="a", size=1, begun_at=NOW)
    async with empty_database.write() as session:
        await store_deliveries.begin(session, new)
    monkeypatch.setattr(store_deliveries, "copy_in", None)  # whoever asks for it fails
    with pytest.raises(Refused, match="Another process"):
        async with empty_database.write() as session:
            await store_chunk(session, Step(new.sha256, "here", "there", {}), one, VAULT, NOW)
