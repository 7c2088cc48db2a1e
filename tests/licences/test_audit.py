"""The audit (台账审计) names every change, insertion and removal made straight in the database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledgers import SECRET, Book, a_reading, a_verification
from servers import FreshDatabase
from zwhub.kernel.merkle import Frontier
from zwhub.licences import store_ledger as store
from zwhub.licences.entry import (
    COLUMNS,
    TABLES,
    Action,
    VerificationTrace,
    entry_of,
    leaf_of,
    seal,
    written,
)
from zwhub.platform.database import Database

VERIFICATION, READING = 5, 9  # positions of the two entries that are tampered with
SIZE = 13

# What changes a column of each kind into another value.
CHANGED = {
    "id": "gen_random_uuid()",
    "batch_id": "gen_random_uuid()",
    "at": "at + interval '1 microsecond'",
    "as_of": "as_of - interval '1 microsecond'",
    "licence_id": "8",
    "asked_key": "'\\x00'",
    "batch_sha256": "'\\x00'",
    "checks": """'[{"name": "RECORD", "outcome": "FAIL", "zh": "在库", "en": "held"}]'""",
}


@pytest.fixture(scope="module")
async def book(
    fresh_database: FreshDatabase, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Book]:
    """A ledger of thirteen entries that holds; what a test does to it is undone."""
    async with fresh_database(template=migrated) as url:
        db = Database(url, pool_size=4)
        one = Book(db, tmp_path_factory.mktemp("ledger"))
        await one.sequence()
        for number in range(SIZE):
            trace = a_reading() if number == READING else a_verification(case_number=f"BJ-{number}")
            await one.record(trace)
        assert await one.audit() == []
        yield one
        assert await one.audit() == []
        await db.close()


async def at(book: Book, position: int) -> Any:
    query = "SELECT trace_id, leaf, action FROM ledger_entries WHERE position = "
    (row,) = await book.rows(f"{query}{position}")
    return row


async def name(book: Book, position: int) -> str:
    row = await at(book, position)
    return f"entry {position} ({row.action.lower()} {row.trace_id})"


def test_every_column_of_a_trace_is_vouched_for() -> None:
    for action, table in TABLES.items():
        assert set(COLUMNS[action]) == {column.name for column in table.__table__.columns}


@given(st.sampled_from(["purpose", "case_number", "actor", "receipt"]), st.text(), st.text())
def test_traces_that_differ_have_other_leaves(column: str, one: str, other: str) -> None:
    left = a_verification()
    right = a_verification(id=left.id, at=left.at, as_of=left.as_of)
    leaves = []
    for trace, said in ((left, one), (right, other)):
        change: dict[str, Any] = {column: said}
        leaves.append(leaf_of(Action.VERIFICATION, trace._replace(**change)))
    assert (leaves[0] == leaves[1]) == (one == other)


def test_an_empty_column_is_not_an_empty_text() -> None:
    trace = a_verification(case_number=None)
    before = written(Action.VERIFICATION, trace)
    assert written(Action.VERIFICATION, trace._replace(case_number="")) != before


@pytest.mark.parametrize(
    ("action", "column"),
    [(action, column) for action in Action for column in COLUMNS[action] if column != "id"],
)
async def test_each_column_of_a_trace(book: Book, action: Action, column: str) -> None:
    position = VERIFICATION if action is Action.VERIFICATION else READING
    table, value = TABLES[action].__tablename__, CHANGED.get(column, "'GENUINE'")
    key = (await at(book, position)).trace_id
    change = f"UPDATE {table} SET {column} = {value} WHERE id = :key"  # noqa: S608
    flaws = await book.tampered(change, key=key)
    assert flaws == [f"{await name(book, position)}: its trace has been changed"]


@pytest.mark.parametrize("position", [VERIFICATION, READING])
async def test_a_trace_removed(book: Book, position: int) -> None:
    key = (await at(book, position)).trace_id
    flaws = await book.tampered(
        "DELETE FROM verifications WHERE id = :key",
        "DELETE FROM licence_readings WHERE id = :key",
        key=key,
    )
    assert flaws == [f"{await name(book, position)}: its trace has been removed"]


@pytest.mark.parametrize(
    ("table", "kind"), [("verifications", "verification"), ("licence_readings", "reading")]
)
async def test_a_trace_inserted(book: Book, table: str, kind: str) -> None:
    """A copy of another under a new id."""
    columns = ", ".join(one for one in COLUMNS[Action(kind.upper())] if one != "id")
    key = uuid4()
    flaws = await book.tampered(
        f"INSERT INTO {table} (id, {columns}) SELECT :key, {columns} FROM {table} LIMIT 1",  # noqa: S608
        key=key,
    )
    assert flaws == [f"{kind} {key}: has no entry: it was inserted, or its entry was removed"]


@pytest.mark.parametrize("position", [None, 13, 40, -1])
async def test_a_trace_inserted_with_its_entry(book: Book, position: int | None) -> None:
    """The leaf is right: what cannot be made is the hub's seal, or a checkpoint over it."""
    forged = a_verification(verdict="GENUINE", checks=[{"name": "RECORD"}])
    columns, checks = COLUMNS[Action.VERIFICATION], '[{"name": "RECORD"}]'
    entry = entry_of(forged, Action.VERIFICATION, bytes(16))
    row: dict[str, Any] = {**entry._asdict(), "position": position}
    flaws = await book.tampered(
        f"INSERT INTO verifications ({', '.join(columns)}) "  # noqa: S608
        f"VALUES ({', '.join(f':{one}' for one in columns)})",
        f"INSERT INTO ledger_entries ({', '.join(row)}) "  # noqa: S608
        f"VALUES ({', '.join(f':{one}' for one in row)})",
        **{one: getattr(forged, one) for one in columns if one != "checks"},
        **{name: value for name, value in row.items() if name not in ("licence_id", "at")},
        checks=checks,
    )
    place = "waiting" if position is None else position
    what = "changed or inserted" if position is None else "inserted: no checkpoint covers it"
    assert flaws == [f"entry {place} (verification {forged.id}): has been {what}"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("leaf = sha256('x')", "has been changed or inserted"),
        ("seal = '\\x00'", "has been changed or inserted"),
        ("licence_id = 8", "its columns have been changed"),
        ("licence_id = NULL", "its columns have been changed"),
        ("at = at - interval '1 year'", "its columns have been changed"),
    ],
)
async def test_an_entry_changed(book: Book, change: str, what: str) -> None:
    where = f"WHERE position = {VERIFICATION}"
    flaws = await book.tampered(f"UPDATE ledger_entries SET {change} {where}")  # noqa: S608
    assert flaws == [f"{await name(book, VERIFICATION)}: {what}"]


@pytest.mark.parametrize("action", ["READING", "NONE"])
async def test_an_entry_of_another_action(book: Book, action: str) -> None:
    row = await at(book, VERIFICATION)
    change = "UPDATE ledger_entries SET action = :action WHERE position = 5"
    assert await book.tampered(change, action=action) == [
        f"entry 5 ({action.lower()} {row.trace_id}): its trace has been removed",
        f"verification {row.trace_id}: has no entry: it was inserted, or its entry was removed",
    ]


async def test_an_entry_put_back_to_wait(book: Book) -> None:
    change = "UPDATE ledger_entries SET position = NULL WHERE position = 5"
    assert await book.tampered(change) == ["entry 5: it has been removed"]


async def test_an_entry_removed_with_and_without_its_trace(book: Book) -> None:
    key = (await at(book, VERIFICATION)).trace_id
    entry = "DELETE FROM ledger_entries WHERE position = 5"
    trace = "DELETE FROM verifications WHERE id = :key"
    leaf = "DELETE FROM ledger_nodes WHERE level = 0 AND position = 5"
    assert await book.tampered(entry) == [
        "entry 5: it has been removed",
        f"verification {key}: has no entry: it was inserted, or its entry was removed",
    ]
    assert await book.tampered(entry, trace, key=key) == ["entry 5: it has been removed"]
    flaws = await book.tampered(entry, trace, leaf, key=key)
    assert flaws[:2] == [
        "entry 5: it has been removed",
        "node 0/5 (leaf of entry 5): has been removed",
    ]
    assert flaws[-1] == "checkpoint: the entries do not make up its root"


async def test_two_entries_exchanged(book: Book) -> None:
    flaws = await book.tampered(
        "UPDATE ledger_entries SET position = -1 WHERE position = 4",
        "UPDATE ledger_entries SET position = 4 WHERE position = 5",
        "UPDATE ledger_entries SET position = 5 WHERE position = -1",
    )
    assert "node 0/4 (leaf of entry 4): has been changed" in flaws
    assert "node 0/5 (leaf of entry 5): has been changed" in flaws
    assert flaws[-1] == "checkpoint: the entries do not make up its root"


@pytest.mark.parametrize(("level", "position"), [(0, 5), (1, 2), (2, 1), (3, 0)])
@pytest.mark.parametrize("how", ["changed", "removed"])
async def test_a_node(book: Book, level: int, position: int, how: str) -> None:
    where = f"WHERE level = {level} AND position = {position}"
    change = f"UPDATE ledger_nodes SET hash = sha256('x') {where}"  # noqa: S608
    removal = f"DELETE FROM ledger_nodes {where}"  # noqa: S608
    flaws = await book.tampered(change if how == "changed" else removal)
    leaf = f" (leaf of entry {position})" if level == 0 else ""
    assert flaws == [f"node {level}/{position}{leaf}: has been {how}"]


@pytest.mark.parametrize(("level", "position"), [(0, 13), (1, 6), (2, 3), (4, 0), (70, 0), (3, -1)])
async def test_a_node_inserted(book: Book, level: int, position: int) -> None:
    insert = "INSERT INTO ledger_nodes VALUES (:level, :position, sha256('x'))"
    flaws = await book.tampered(insert, level=level, position=position)
    leaf = f" (leaf of entry {position})" if level == 0 else ""
    assert flaws == [f"node {level}/{position}{leaf}: has been inserted"]


@pytest.mark.parametrize(
    ("change", "flaw"),
    [
        ("SET size = 12", "its columns differ from its note"),
        ("SET root = sha256('x')", "its columns differ from its note"),
        (
            "SET note = replace(note, E'\\n13\\n', E'\\n12\\n')",
            "a signature of the note is not valid",
        ),
        ("SET note = ''", "this is not a signed note"),
    ],
)
async def test_the_checkpoint_changed(book: Book, change: str, flaw: str) -> None:
    flaws = await book.tampered(f"UPDATE ledger_checkpoint {change}")
    assert flaws == [f"checkpoint: {flaw}"]


async def test_the_checkpoint_removed(book: Book) -> None:
    flaws = await book.tampered("DELETE FROM ledger_checkpoint")
    assert flaws == ["checkpoint: it is missing"]


async def test_history_rewritten_without_the_key(book: Book) -> None:
    """Everything that can be computed is made to fit: the signature is what cannot."""
    key = (await at(book, VERIFICATION)).trace_id
    leaves = [(await at(book, one)).leaf for one in range(SIZE)]
    async with book.db.read() as session:
        (trace,) = (await store.traces(session, Action.VERIFICATION, [key])).values()
    assert isinstance(trace, VerificationTrace)
    changed = trace._replace(verdict="GENUINE")
    leaf = leaves[VERIFICATION] = leaf_of(Action.VERIFICATION, changed)
    frontier, nodes = Frontier().grown(leaves)
    flaws = await book.tampered(
        "UPDATE verifications SET verdict = 'GENUINE' WHERE id = :key",
        "UPDATE ledger_entries SET leaf = :leaf, seal = :seal WHERE position = 5",
        *(
            f"UPDATE ledger_nodes SET hash = '\\x{node.hash.hex()}' "  # noqa: S608
            f"WHERE level = {node.level} AND position = {node.position}"
            for node in nodes
        ),
        "UPDATE ledger_checkpoint SET root = :root",
        key=key,
        leaf=leaf,
        seal=seal(b"not the hub's own secret", leaf),
        root=frontier.root(),
    )
    assert flaws == [
        "checkpoint: its columns differ from its note",
        f"{await name(book, VERIFICATION)}: has been changed or inserted",
        "checkpoint: the entries do not make up its root",
    ]


async def test_an_older_state_put_back_contradicts_a_saved_checkpoint(book: Book) -> None:
    saved = await book.checkpoint()
    older = saved.size - 3
    frontier, _ = Frontier().grown([(await at(book, one)).leaf for one in range(older)])
    note = book.key.sign(older, frontier.root())  # once true, and copied then
    back = (
        "DELETE FROM verifications WHERE id IN "
        "(SELECT trace_id FROM ledger_entries WHERE position >= :size)",
        "DELETE FROM ledger_entries WHERE position >= :size",
        "DELETE FROM ledger_nodes WHERE position >= CAST(:size AS bigint) >> level",
        "UPDATE ledger_checkpoint SET size = :size, root = :root, note = :note",
    )
    values: dict[str, Any] = {"size": older, "root": frontier.root(), "note": note}
    assert await book.tampered(*back, **values) == []  # the database alone cannot tell
    assert await book.tampered(*back, saved=[saved], **values) == [
        "saved checkpoint of 13: entries it covers have been removed"
    ]


@pytest.mark.parametrize("size", [0, 1, 4, 7, 8, 12, 13])
async def test_history_rewritten_with_the_key_contradicts_a_saved_checkpoint(
    book: Book, size: int
) -> None:
    leaves = [(await at(book, one)).leaf for one in range(SIZE)]
    frontier, _ = Frontier().grown(leaves[:size])
    saved = book.key.read(book.key.sign(size, frontier.root()))
    assert await book.audit(saved) == []
    other, _ = Frontier().grown([bytes(32)] * size)
    strange = book.key.read(book.key.sign(size, other.root()))
    expected = f"saved checkpoint of {size}: the history before it has been rewritten"
    assert await book.audit(strange) == ([expected] if size else [])


async def test_a_long_ledger_is_read_in_stretches(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zwhub.licences.audit.CHUNK", 3)
    assert await book.audit(await book.checkpoint()) == []
    change = "UPDATE ledger_nodes SET hash = sha256('x') WHERE level = 3"
    assert await book.tampered(change) == ["node 3/0: has been changed"]
    flaws = await book.tampered("DELETE FROM ledger_entries")
    assert len(flaws) == SIZE + SIZE  # each entry is missing, each trace has none


async def test_what_waits_is_looked_at_too(empty_database: Database, tmp_path: Path) -> None:
    waiting = Book(empty_database, tmp_path / "ledger")
    await waiting.sequence()
    trace = a_verification()
    await waiting.leave_waiting(trace, *(a_verification() for _ in range(3)))
    assert await waiting.audit() == []
    change = "UPDATE verifications SET verdict = 'GENUINE' WHERE id = :key"
    flaw = f"entry waiting (verification {trace.id}): its trace has been"
    assert await waiting.tampered(change, key=trace.id) == [f"{flaw} changed"]
    removal = "DELETE FROM verifications WHERE id = :key"
    assert await waiting.tampered(removal, key=trace.id) == [f"{flaw} removed"]


def test_the_seal_is_the_secrets_own() -> None:
    assert seal(SECRET, bytes(32)) != seal(bytes(32), bytes(32))
