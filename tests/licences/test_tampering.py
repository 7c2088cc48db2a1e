"""Tampering (篡改): each column of each table of the ledger, also with values that nobody can read."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ledgers import Book, a_reading, a_verification
from servers import FreshDatabase
from zwhub.kernel.uuid7 import uuid7
from zwhub.licences.model import VerificationBatch
from zwhub.licences.store_audit import TABLES
from zwhub.platform.database import Database

TRACE, READING, IN_BATCH, OTHER = 2, 5, 7, 1  # positions
SIZE = 10
AT = "SELECT trace_id FROM ledger_entries WHERE position ="

# By type, what somebody could write there: values that the driver or Python cannot read, or that
# cannot be hashed again, among others.
VALUES = {
    "DATETIME": ("'20000-01-01'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'2001-01-01'"),
    "JSONB": (
        *("'[1e400]'", "'null'", "'123456789012345678901234567890'", "'\"\\u001f\"'"),
        *("(repeat('[', 300) || repeat(']', 300))::jsonb",),
        *("(repeat('[', 3000) || repeat(']', 3000))::jsonb",),
    ),
    "TEXT": ("''", "E'\\x01'", "repeat('字', 800)", "'1e400'"),
    "BIG_INTEGER": ("9223372036854775807", "-9223372036854775808", "4711"),
    "SMALL_INTEGER": ("32767", "-32768"),
    "LARGE_BINARY": ("''", "'\\x00'", "decode(repeat('00', 100000), 'hex')"),
    "UUID": ("gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"),
}
# The row of each table that is tampered with.
ROWS = {
    "verifications": f"id = ({AT} {TRACE})",
    "licence_readings": "true",
    "verification_batches": "true",
    "ledger_entries": f"position = {TRACE}",
    "ledger_nodes": f"level = 0 AND position = {TRACE}",
    "ledger_checkpoint": "true",
}
COLUMNS = [(table.__table__, column) for table in TABLES for column in table.__table__.columns]
ELSEWHERE = f"UPDATE verifications SET verdict = 'GENUINE' WHERE id = ({AT} {OTHER})"  # noqa: S608


@pytest.fixture(scope="module")
async def book(
    fresh_database: FreshDatabase, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Book]:
    """A ledger that holds, with a batch of three and a look; what a test does to it is undone."""
    async with fresh_database(template=migrated) as url:
        db = Database(url, pool_size=4)
        one = Book(db, tmp_path_factory.mktemp("ledger"))
        await one.sequence()
        for number in range(SIZE - 3):
            await one.record(a_reading() if number == READING else a_verification())
        traces = [a_verification(receipt="") for _ in range(3)]
        batch = VerificationBatch(id=uuid7(traces[0].at), at=traces[0].at, receipt="a.b.c")
        await one.record(*traces, batch=batch)
        assert await one.audit() == []
        yield one
        assert await one.audit() == []
        await db.close()


async def marks(book: Book) -> dict[str, Sequence[str]]:
    """By table, what a flaw about its row is known by."""
    ids = {
        row.position: str(row.trace_id)
        for row in await book.rows("SELECT position, trace_id FROM ledger_entries")
    }
    (batch,) = await book.rows("SELECT id FROM verification_batches")
    return {
        "verifications": [ids[TRACE]],
        "licence_readings": [ids[READING]],
        "verification_batches": [str(batch.id)],
        "ledger_entries": [ids[TRACE], f"entry {TRACE}"],
        "ledger_nodes": [f"node 0/{TRACE}"],
        "ledger_checkpoint": ["checkpoint"],
        "elsewhere": [ids[OTHER]],
    }


def named(flaws: Sequence[str], wanted: Sequence[str]) -> bool:
    return any(mark in flaw for flaw in flaws for mark in wanted)


@pytest.mark.parametrize(
    ("table", "column"), [pytest.param(*one, id=f"{one[0].name}.{one[1].name}") for one in COLUMNS]
)
async def test_any_value_in_any_column_is_named_and_hides_nothing(
    book: Book, table: Any, column: Any
) -> None:
    known = await marks(book)
    lift = "ALTER TABLE ledger_checkpoint DROP CONSTRAINT ck_ledger_checkpoint_one"
    for value in VALUES[column.type.__visit_name__.upper()]:
        change = f"UPDATE {table.name} SET {column.name} = {value} WHERE {ROWS[table.name]}"  # noqa: S608
        flaws = await book.tampered(lift, ELSEWHERE, change)
        assert named(flaws, known[table.name]), (value, flaws)
        assert named(flaws, known["elsewhere"]), (value, flaws)


@pytest.mark.parametrize("table", ROWS)
async def test_a_row_removed_is_named(book: Book, table: str) -> None:
    flaws = await book.tampered(f"DELETE FROM {table} WHERE {ROWS[table]}")  # noqa: S608
    assert named(flaws, (await marks(book))[table]), flaws


@pytest.mark.parametrize(
    ("insert", "mark"),
    [
        ("INSERT INTO verification_batches VALUES (:key, '20000-01-01', 'x')", "batch {}"),
        ("INSERT INTO licence_readings VALUES (7, 'infinity', 'a', NULL, :key)", "reading {}"),
        (
            "INSERT INTO ledger_entries VALUES (:key, 'X', 7, '20000-01-01', '', '', NULL)",
            "entry waiting (x {})",
        ),
        (
            "INSERT INTO ledger_entries VALUES (:key, 'X', 7, 'infinity', '', '', "
            "9223372036854775807)",
            "entry 9223372036854775807 (x {})",
        ),
        ("INSERT INTO ledger_nodes VALUES (-32768, -9223372036854775808, '')", "node -32768/"),
        ("INSERT INTO ledger_checkpoint VALUES (0, 1, '', '')", "checkpoint: there is more than"),
    ],
)
async def test_a_row_inserted_is_named(book: Book, insert: str, mark: str) -> None:
    key = uuid7(a_reading().at)
    lift = "ALTER TABLE ledger_checkpoint DROP CONSTRAINT ck_ledger_checkpoint_one"
    flaws = await book.tampered(lift, ELSEWHERE, insert, key=key)
    assert named(flaws, [mark.format(key)]), flaws
    assert named(flaws, (await marks(book))["elsewhere"])


async def test_a_position_beyond_all_without_a_checkpoint_does_not_keep_the_audit(
    book: Book,
) -> None:
    flaws = await book.tampered(
        "DELETE FROM ledger_checkpoint",
        f"UPDATE ledger_entries SET position = 9223372036854775807 WHERE position = {TRACE}",  # noqa: S608
    )
    assert "checkpoint: it is missing" in flaws
    assert f"entry {TRACE}: it has been removed" in flaws


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("ALTER TABLE verifications ALTER checks TYPE text", "verifications.checks"),
        ("ALTER TABLE verifications DROP COLUMN as_of", "verifications.as_of"),
        ("ALTER TABLE verification_batches DROP CONSTRAINT pk_verification_batches", ".id"),
        ("ALTER TABLE ledger_entries ALTER leaf DROP NOT NULL", "ledger_entries.leaf"),
        ("ALTER TABLE licence_readings RENAME TO elsewhere", "licence_readings.actor"),
    ],
)
async def test_a_table_altered_is_named(book: Book, change: str, column: str) -> None:
    flaws = await book.tampered(change)
    assert named(flaws, [f"{column}: its type, its key, or whether it may be empty"]), flaws


async def test_a_batch_is_vouched_for_by_its_verifications(book: Book) -> None:
    (batch,) = await book.rows("SELECT id FROM verification_batches")
    changed, removed = f"batch {batch.id}: has been changed", f"batch {batch.id}: has been removed"
    assert await book.tampered("UPDATE verification_batches SET receipt = 'forged'") == [changed]
    assert await book.tampered("UPDATE verification_batches SET at = '2001-01-01'") == [changed]
    assert await book.tampered("DELETE FROM verification_batches") == [removed]


async def test_a_batch_from_before_the_digest_is_known_by_its_time(
    fresh_database: FreshDatabase, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with fresh_database(template=migrated) as url:
        old = Book(Database(url, pool_size=4), tmp_path_factory.mktemp("ledger"))
        await old.sequence()
        trace = a_verification(receipt="", batch_id=uuid7(a_reading().at))
        async with old.db.write() as session:
            session.add(VerificationBatch(id=trace.batch_id, at=trace.at, receipt="a.b.c"))
        await old.record(trace)
        assert await old.audit() == []
        flaw = f"batch {trace.batch_id}: has been"
        assert await old.tampered("DELETE FROM verification_batches") == [f"{flaw} removed"]
        change = "UPDATE verification_batches SET at = '2001-01-01'"
        assert await old.tampered(change) == [f"{flaw} changed"]
        await old.db.close()
