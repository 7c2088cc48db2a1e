"""The ledger grows (台账延伸): no acknowledged trace without its entry, no entry without a place."""

import asyncio
import hashlib
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledgers import SECRET, Book, a_reading, a_verification
from zwhub.kernel.crypto.checkpoints import LogKey
from zwhub.kernel.merkle import EMPTY_ROOT, Frontier
from zwhub.kernel.merkle_proofs import includes, inclusion_proof
from zwhub.licences import store_growth as growing
from zwhub.licences import store_ledger as store
from zwhub.licences.entry import Action, Trace, VerificationTrace, entries_of, leaf_of
from zwhub.licences.ledger import LedgerBroken
from zwhub.licences.model import LicenceReading, Verification, VerificationBatch
from zwhub.platform.database import Database, copy_records
from zwhub.platform.private_files import read_private
from zwhub.platform.rounds import Rounds

SHORT_TURN = """SELECT size, root, note,
    set_config('idle_in_transaction_session_timeout', '300ms', true)
    FROM ledger_checkpoint WHERE id = 1 FOR UPDATE"""
ENTRIES = "SELECT trace_id, action, licence_id, at, leaf, position FROM ledger_entries"


@pytest.fixture
def book(empty_database: Database, tmp_path: Path) -> Book:
    return Book(empty_database, tmp_path / "ledger")


async def test_an_entry_stands_beside_its_trace_and_has_its_place(book: Book) -> None:
    await book.sequence()
    verification, reading = a_verification(), a_reading()
    await book.record(verification, reading)
    rows = {row.trace_id: row for row in await book.rows(ENTRIES)}
    for action, trace in ((Action.VERIFICATION, verification), (Action.READING, reading)):
        row = rows[trace.id]
        assert (row.action, row.licence_id, row.at) == (action, 7, trace.at)
        assert row.leaf == leaf_of(action, trace)
    assert sorted(row.position for row in rows.values()) == [0, 1]
    assert await book.audit() == []


async def test_a_rollback_leaves_no_entry(book: Book) -> None:
    async def refused() -> None:
        async with book.db.write() as session:
            await ledger.record(session, [a_verification()])
            raise ZeroDivisionError

    await book.sequence()
    ledger = book.ledger()
    with pytest.raises(ZeroDivisionError):
        await refused()
    assert await book.rows(ENTRIES) == []
    assert ledger.kept.known() == await book.checkpoint()  # not what was rolled back
    await book.record(a_verification(), ledger=ledger)
    assert await book.audit(await book.checkpoint()) == []


async def test_an_empty_ledger_has_a_checkpoint_too(book: Book) -> None:
    await book.sequence()
    newest = await book.checkpoint()
    assert (newest.size, newest.root) == (0, EMPTY_ROOT)
    assert await book.audit() == []


async def test_each_entry_has_a_proof_in_the_checkpoint(book: Book) -> None:
    await book.record(*(a_verification(case_number=f"BJ-{n}") for n in range(21)))
    await book.sequence()
    newest = await book.checkpoint()
    nodes = {(r.level, r.position): r.hash for r in await book.rows("SELECT * FROM ledger_nodes")}
    for row in await book.rows(ENTRIES):
        proof = inclusion_proof(row.position, newest.size, lambda *at: nodes[at])
        assert includes(newest.root, newest.size, row.position, row.leaf, proof)
        assert not includes(newest.root, newest.size, row.position, bytes(32), proof)


async def test_the_newest_checkpoint_is_kept_outside_the_database(book: Book) -> None:
    await book.record(a_verification())
    await book.sequence()
    kept = book.folder / "checkpoint"
    assert book.key.read(read_private(kept)) == await book.checkpoint()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


async def test_traces_older_than_the_ledger_are_entered_when_it_begins(book: Book) -> None:
    async with book.db.write() as session:
        looked = a_reading()
        traces = [a_verification() for _ in range(3)]
        await copy_records(session, Verification, VerificationTrace._fields, traces)
        await copy_records(session, LicenceReading, looked._fields, [looked])
    assert await book.sequence() == 4
    assert await book.audit() == []


async def test_many_at_once_and_two_hubs_make_one_tree(book: Book) -> None:
    await book.sequence()
    stop, hubs = asyncio.Event(), [book.ledger(), book.ledger()]
    sequencers = [asyncio.create_task(book.sequencer(hub).run(stop)) for hub in hubs]
    traces = [a_verification() for _ in range(60)]
    more = [a_verification(receipt="", at=traces[0].at) for _ in range(100)]
    batch = VerificationBatch(id=traces[0].id, at=traces[0].at, receipt="a.b.c")
    await asyncio.gather(
        *(book.record(trace, ledger=hubs[n % 2]) for n, trace in enumerate(traces)),
        book.record(*more, batch=batch, ledger=hubs[1]),
    )
    stop.set()
    await asyncio.gather(*sequencers)
    rows = await book.rows(ENTRIES)
    assert {row.trace_id for row in rows} == {one.id for one in [*traces, *more]}
    assert sorted(row.position for row in rows) == list(range(160))
    assert (await book.checkpoint()).size == 160
    assert await book.audit() == []


async def test_a_hub_alone_at_the_ledger_needs_no_turn(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book.sequence()
    ledger, other = book.ledger(), book.ledger()
    for _ in range(2):  # where the tree ends, and that nobody else was there since
        await book.record(a_verification(), ledger=ledger)
    with monkeypatch.context() as patched:
        patched.setattr(store, "_LOCK", text("SELECT 1/0"))
        await book.record(a_reading(), a_verification(), a_reading(), ledger=ledger)
        assert ledger.kept.known() == await book.checkpoint()
    await book.record(a_verification(), ledger=other)
    for _ in range(4):  # the first one comes too late, and takes its turn
        await book.record(a_verification(), ledger=ledger)
    rows = await book.rows(f"{ENTRIES} ORDER BY position")
    assert [row.position for row in rows] == list(range(10))
    assert await book.audit(await book.checkpoint()) == []


async def test_a_trace_that_cannot_be_kept_spoils_no_other(book: Book) -> None:
    await book.sequence()
    ledger = book.ledger()
    for _ in range(2):
        await book.record(a_verification(), ledger=ledger)

    async def record(traces: Sequence[Trace]) -> Sequence[None]:
        await ledger.append(book.db, traces)
        return [None] * len(traces)

    rounds = Rounds(record, at_once=1)
    traces: list[Trace] = [a_verification(), a_verification(actor="a\0b"), a_reading()]
    told = await asyncio.gather(*map(rounds.ask, traces), return_exceptions=True)
    assert [one is None for one in told] == [True, False, True]
    assert (await book.checkpoint()).size == 4
    assert await book.audit() == []


async def test_who_comes_too_late_leaves_nothing(book: Book) -> None:
    await book.sequence()
    ledger = book.ledger()
    for _ in range(2):
        await book.record(a_verification(), ledger=ledger)
    assert ledger._edge is not None
    traces: list[Trace] = [a_verification(), a_reading()]
    entries = entries_of(traces, SECRET)
    growth = ledger._growth(ledger._edge, [one.leaf for one in entries])
    for change in (
        {"note": "another"},
        {"start": Frontier()},
        {"start": replace(growth.start, peaks=(bytes(32),))},
    ):
        late = replace(growth, **change)
        assert not await growing.append(book.db.reads.change, late, traces, entries)
    assert [row.trace_id for row in await book.rows(ENTRIES) if row.trace_id == traces[0].id] == []
    assert await book.audit(await book.checkpoint()) == []
    assert await growing.append(book.db.reads.change, growth, traces, entries)
    assert await book.audit(await book.checkpoint()) == []


async def test_nothing_is_acknowledged_before_it_has_its_place(book: Book) -> None:
    await book.sequence()
    async with book.db.write() as session:  # somebody holds up the ledger
        assert await store.locked_checkpoint(session) is not None
        recording = asyncio.create_task(book.record(a_verification()))
        await asyncio.sleep(0.2)
        assert not recording.done()
        assert await book.rows(ENTRIES) == []
    await recording
    assert [row.position for row in await book.rows(ENTRIES)] == [0]


async def test_a_hub_frozen_in_its_turn_loses_it(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book.sequence()
    frozen = book.db._writers()
    with monkeypatch.context() as patched:
        patched.setattr(store, "_LOCK", text(SHORT_TURN))
        await store.locked_checkpoint(frozen)
    await asyncio.wait_for(book.record(a_verification()), 60)
    with pytest.raises(DBAPIError):
        await frozen.commit()
    await frozen.close()
    assert [row.position for row in await book.rows(ENTRIES)] == [0]


async def test_what_cannot_be_placed_is_recorded_and_said_once(book: Book) -> None:
    await book.record(a_verification())
    await book.sequence()
    ledger = book.ledger()
    note = (await book.rows("SELECT note FROM ledger_checkpoint"))[0].note
    await book.tamper("UPDATE ledger_checkpoint SET note = ''")
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            await book.record(a_verification(), ledger=ledger)
    assert [one["event"] for one in said] == ["ledger not continued"]
    assert sorted(str(row.position) for row in await book.rows(ENTRIES)) == ["0", *["None"] * 3]
    assert await book.audit() == ["checkpoint: this is not a signed note"]
    await book.tamper("UPDATE ledger_checkpoint SET note = :note", note=note)
    await book.record(a_verification(), ledger=ledger)  # mended
    assert await book.sequence() == 3
    assert await book.audit() == []
    assert (await book.checkpoint()).size == 5


async def test_what_dies_within_a_pass_leaves_no_half(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    await book.sequence()
    await book.record(*(a_verification() for _ in range(5)))
    before, waiting = await book.checkpoint(), [a_verification() for _ in range(5)]
    await book.leave_waiting(*waiting)
    with monkeypatch.context() as patched:
        patched.setattr("zwhub.licences.ledger.once_committed", None)  # all is written by then
        for dying in (book.sequence(), book.record(a_verification())):
            with pytest.raises(TypeError):
                await dying
    assert await book.checkpoint() == before
    assert await book.audit() == []
    assert await book.sequence() == 5
    assert await book.audit() == []


DYING = """
import asyncio, os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from ledgers import Book, a_verification
from zwhub.kernel.crypto.checkpoints import LogKey
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.platform.database import Database

async def main():
    book = Book(Database({url!r}, pool_size=4), Path({folder!r}), LogKey(PrivateKey.from_pem({key!r})))
    ledger = book.ledger()
    async def one(number):
        trace = a_verification()
        await book.record(trace, ledger=ledger)
        os.write(1, f"{{trace.id}}\\n".encode())  # acknowledged
        if number == 30:
            os.kill(os.getpid(), signal.SIGKILL)
    await asyncio.gather(*map(one, range(60)))

asyncio.run(main())
"""


async def test_a_hub_killed_after_its_answers_loses_none(book: Book) -> None:
    await book.sequence()
    script = DYING.format(
        tests=str(Path(__file__).parents[1]),
        url=book.db.engine.url.render_as_string(hide_password=False),
        folder=str(book.folder),
        key=book.key.private.pem(),
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    acknowledged = set(done.stdout.split())
    assert len(acknowledged) > 20
    placed = {str(row.trace_id) for row in await book.rows(ENTRIES) if row.position is not None}
    assert acknowledged <= placed
    assert await book.audit() == []


KILLED = """
import asyncio, os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from ledgers import Book, a_verification
from zwhub.kernel.crypto.checkpoints import LogKey
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.licences import store_growth, store_ledger
from zwhub.licences.kept_checkpoint import KeptCheckpoint
from zwhub.licences.model import VerificationBatch
from zwhub.platform.database import Database

step, left = {step!r}, 5 if {step!r} == "append_many" else 25

def dying(act):
    async def counted(*given):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return await act(*given)
    return counted

def dying_when_committed(act):
    def counted(*given):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return act(*given)
    return counted

if step == "committed":
    KeptCheckpoint.keep = dying_when_committed(KeptCheckpoint.keep)
elif step:
    module = store_ledger if hasattr(store_ledger, step) else store_growth
    setattr(module, step, dying(getattr(module, step)))

async def main():
    key = LogKey(PrivateKey.from_pem({key!r}))
    book = Book(Database({url!r}, pool_size=4), Path({folder!r}), key)
    ledger = book.ledger()
    async def one(number):
        traces = [a_verification() for _ in range(number % 5 + 1)]
        batch = None
        if number % 7 == 0:
            traces += [a_verification() for _ in range(100)]
            batch = VerificationBatch(id=traces[0].id, at=traces[0].at, receipt=str(number))
        await book.record(*traces, batch=batch, ledger=ledger)
        os.write(1, "".join(f"{{trace.id}}\\n" for trace in traces).encode())  # acknowledged
    for start in range(0, 60, 4):
        await asyncio.gather(*map(one, range(start, start + 4)))

asyncio.run(main())
"""


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1, word by word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    halves = naive_root(leaves[:split]) + naive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + halves).digest()


async def test_hubs_that_record_together_and_die_at_any_step_lose_nothing(book: Book) -> None:
    await book.sequence()
    said = {
        "tests": str(Path(__file__).parents[1]),
        "url": book.db.engine.url.render_as_string(hide_password=False),
        "folder": str(book.folder),
        "key": book.key.private.pem(),
    }
    steps = ("", "locked_checkpoint", "append", "append_many", "committed")
    hubs = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", KILLED.format(step=step, **said)),
            stdout=asyncio.subprocess.PIPE,
        )
        for step in steps
    ]
    saved = []
    ended = asyncio.gather(*(hub.communicate() for hub in hubs))
    while not ended.done():
        saved.append(await book.checkpoint())
        await asyncio.sleep(0.05)
    told = [out.decode().split() for out, _ in await ended]
    assert [hub.returncode for hub in hubs] == [0, -9, -9, -9, -9]
    acknowledged = {one for out in told for one in out}
    assert len(told[0]) == sum(number % 5 + 1 for number in range(60)) + 9 * 100
    assert len(acknowledged) > len(told[0]) + 4 * 20
    rows = await book.rows(f"{ENTRIES} ORDER BY position")
    assert [row.position for row in rows] == list(range(len(rows)))  # no gap, none twice
    assert acknowledged <= {str(row.trace_id) for row in rows}
    assert await book.audit(*saved) == []
    leaves = [row.leaf for row in rows]
    grown = {one.size: one for one in [*saved, await book.checkpoint()]}
    assert len(grown) > 3
    for size, one in grown.items():  # each tree is the beginning of the last
        assert naive_root(leaves[:size]) == one.root
    kept = book.key.read(read_private(book.folder / "checkpoint"))
    assert naive_root(leaves[: kept.size]) == kept.root


async def test_an_entry_that_the_hub_did_not_write_gets_no_place(book: Book) -> None:
    forged = a_verification(verdict="GENUINE")
    # The right leaf, but nobody else has the secret.
    await book.leave_waiting(forged, secret=b"another secret, of somebody else")
    assert await book.sequence() == 0
    await book.leave_waiting(a_verification())
    assert await book.sequence() == 1
    assert await book.audit() == [
        f"entry waiting (verification {forged.id}): has been changed or inserted"
    ]


async def test_nothing_is_signed_over_an_older_state_put_back(book: Book) -> None:
    await book.sequence()
    await book.record(a_verification())
    old = (await book.rows("SELECT size, root, note FROM ledger_checkpoint"))[0]._asdict()
    running = book.ledger()
    await book.record(a_verification(), ledger=running)
    back = "UPDATE ledger_checkpoint SET size = :size, root = :root, note = :note"
    await book.tamper(
        "DELETE FROM verifications WHERE id = (SELECT trace_id FROM ledger_entries "
        "WHERE position = 1)",
        "DELETE FROM ledger_entries WHERE position = 1",
        "DELETE FROM ledger_nodes WHERE level = 1 OR position = 1",
        back,
        **old,
    )
    for ledger in (running, book.ledger()):  # also after a start: the file remembers
        await book.record(a_verification(), ledger=ledger)
        with pytest.raises(LedgerBroken):
            await book.sequencer(ledger).extend()
    assert {row.position for row in await book.rows(ENTRIES)} == {0, None}
    assert (await book.checkpoint()).size == 1


async def test_what_stands_in_the_way_gives_way(book: Book) -> None:
    await book.sequence()
    await book.record(*(a_verification() for _ in range(3)))
    await book.tamper(
        "INSERT INTO ledger_nodes VALUES (0, 3, ''), (1, 1, ''), (0, 4, '')",
        "INSERT INTO ledger_entries VALUES (gen_random_uuid(), 'X', 7, 'infinity', '', '', 4)",
    )
    await book.record(*(a_verification() for _ in range(3)))
    await book.tamper("INSERT INTO ledger_nodes VALUES (0, 6, '')")
    await book.leave_waiting(a_verification())
    assert await book.sequence() == 1
    assert await book.audit() == []
    assert (await book.checkpoint()).size == 7


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_nodes SET hash = '\\x00' || substr(hash, 2) WHERE level = 1",
        "DELETE FROM ledger_nodes WHERE level = 0 AND position = 2",
        "UPDATE ledger_checkpoint SET size = 2",
        "UPDATE ledger_checkpoint SET note = replace(note, E'\\n3\\n', E'\\n2\\n')",
        "DELETE FROM ledger_checkpoint",
    ],
)
async def test_nothing_is_signed_over_a_changed_tree(book: Book, change: str) -> None:
    await book.sequence()
    await book.record(*(a_verification() for _ in range(3)))
    await book.tamper(change)
    await book.record(a_verification())
    with pytest.raises(LedgerBroken):
        await book.sequence()


async def test_another_key_does_not_continue_the_ledger(book: Book) -> None:
    await book.sequence()
    stranger = Book(book.db, book.folder / "elsewhere", LogKey.new())
    with pytest.raises(LedgerBroken):
        await stranger.sequence()


async def test_a_sequencer_outlives_what_goes_wrong(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zwhub.licences.sequencer.PAUSE_SECONDS", 0.01)
    await book.tamper("ALTER TABLE ledger_entries RENAME TO elsewhere")
    stop = asyncio.Event()
    running = asyncio.create_task(book.sequencer().run(stop))
    await asyncio.sleep(0.1)
    await book.tamper("ALTER TABLE elsewhere RENAME TO ledger_entries")
    await book.record(a_verification())
    while not await book.rows(f"{ENTRIES} WHERE position = 0"):  # noqa: ASYNC110 - another task acts
        await asyncio.sleep(0.01)
    stop.set()
    await running


async def test_entries_hold_no_numbers_and_no_purpose(book: Book) -> None:
    number = "990101198805179982"
    await book.record(a_verification(purpose=number, case_number=number, actor=number))
    await book.sequence()
    tables = ("ledger_entries", "ledger_nodes", "ledger_checkpoint")
    kept = str([row for name in tables for row in await book.rows(f"SELECT * FROM {name}")])  # noqa: S608
    assert number not in kept


@pytest.mark.long
async def test_appending_is_no_bottleneck(book: Book) -> None:
    """20,000 verifications in batches of 1,000, then their places; the figures are printed."""
    at = {"entries": 0.0, "waiting": 0.0}
    for _ in range(20):
        traces = [a_verification() for _ in range(1_000)]
        start = time.process_time()
        entries = entries_of(traces, SECRET)
        at["entries"] += time.process_time() - start
        start = time.process_time()
        async with book.db.write() as session:
            await growing.leave_waiting(session, traces, entries)
        at["waiting"] += time.process_time() - start
    start = time.process_time()
    assert await book.sequence() == 20_000
    sequenced = time.process_time() - start
    start = time.process_time()
    assert await book.audit() == []
    audited = time.process_time() - start
    figures = {**at, "sequenced": sequenced, "audited": audited}
    print({name: f"{20_000 / seconds:,.0f}/s" for name, seconds in figures.items()})
    # Processor time of the hub: what a busy machine leaves of a second says nothing.
    assert 20_000 / at["entries"] > 3_000
    assert 20_000 / sequenced > 3_000
