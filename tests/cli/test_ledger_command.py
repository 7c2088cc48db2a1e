"""`zwhub ledger` (台账): exit code 0 only if all holds, beside a hub that runs."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from builders import Issuer
from commands import Command, Done, beside, zwhub
from samplecity import SampleHub
from zwhub.app import existing_ledger_key
from zwhub.kernel.crypto.checkpoints import LogKey, read_checkpoint
from zwhub.kernel.crypto.notes import NoteKey
from zwhub.licences.kept_checkpoint import KEPT

WAITING = text("SELECT count(*) FROM ledger_entries WHERE position IS NULL")
SIZE = text("SELECT size FROM ledger_checkpoint")


async def run(command: Command, *words: str | Path) -> Done:
    """The command on a thread: it makes an event loop of its own."""
    return await asyncio.to_thread(command, *words)


@pytest.fixture
async def size(hub: SampleHub, issuer: Issuer) -> int:
    """How many entries the ledger has, some of them of this moment, none waiting."""
    record = issuer.a_licence()
    await hub.collect(record)
    await asyncio.gather(*(hub.verify(jws=record, purpose=f"第{n}次") for n in range(12)))
    while True:
        async with hub.db.read() as session:
            if not await session.scalar(WAITING):
                return int(await session.scalar(SIZE) or 0)
        await asyncio.sleep(0.05)


async def test_a_ledger_that_holds(hub: SampleHub, size: int, tmp_path: Path) -> None:
    command = beside(hub)
    printed = await run(command, "ledger", "checkpoint")
    key = NoteKey.parse((await run(command, "ledger", "key")).out.strip())
    vouched = read_checkpoint(printed.out, key.name, [key])
    assert (printed.code, vouched.size) == (0, size)
    saved = tmp_path / "saved"
    saved.write_text(printed.out)
    await hub.verify(number="A-LATER-ONE")
    done = await run(command, "ledger", "verify", "--checkpoint", saved)
    assert (done.code, done.out) == (0, ""), done.err
    assert done.err.splitlines()[-1].startswith("The ledger holds: ")


async def test_a_trace_changed_is_named(hub: SampleHub, size: int) -> None:
    first = "id = (SELECT trace_id FROM ledger_entries WHERE position = 3)"
    change = text(f"UPDATE verifications SET reason = :reason WHERE {first}")  # noqa: S608
    async with hub.db.write() as session:
        trace = await session.scalar(text(f"SELECT id FROM verifications WHERE {first}"))  # noqa: S608
        was = await session.scalar(text(f"SELECT reason FROM verifications WHERE {first}"))  # noqa: S608
        await session.execute(change, {"reason": "NONE"})
    done = await run(beside(hub), "ledger", "verify")
    assert (done.code, done.out) == (
        1,
        f"entry 3 (verification {trace}): its trace has been changed\n",
    )
    assert done.err.splitlines()[-1] == "The ledger does not hold: 1 flaws."
    async with hub.db.write() as session:
        await session.execute(change, {"reason": was})
    assert (await run(beside(hub), "ledger", "verify")).code == 0
    assert size > 3


async def test_a_row_that_nobody_can_read_is_named_like_any_other(
    hub: SampleHub, size: int
) -> None:
    first = "id = (SELECT trace_id FROM ledger_entries WHERE position = 3)"
    change = "UPDATE verifications SET as_of = as_of {} interval '20000 years' WHERE " + first  # noqa: S608
    async with hub.db.write() as session:
        await session.execute(text(change.format("+")))
        trace = await session.scalar(text(f"SELECT id FROM verifications WHERE {first}"))  # noqa: S608
    done = await run(beside(hub), "ledger", "verify")
    async with hub.db.write() as session:
        await session.execute(text(change.format("-")))
    assert size > 3
    assert (done.code, done.out) == (
        1,
        f"entry 3 (verification {trace}): its trace has been changed\n",
    )


async def test_the_file_in_the_data_folder_remembers(hub: SampleHub, size: int) -> None:
    """What it vouches for must still be there, though the database may say otherwise."""
    path = hub.city.data_dir / KEPT
    key = existing_ledger_key(hub.city.data_dir / "secrets")
    assert key is not None
    before, ahead = path.read_text(), key.sign(size + 1_000, bytes(32))
    for _ in range(10):  # the hub beside us writes the file too, whenever its tree grows
        path.write_text(ahead)
        done = await run(beside(hub), "ledger", "verify")
        undisturbed = path.read_text() == ahead
        path.write_text(before)
        if undisturbed:
            break
    assert undisturbed
    assert done.code == 1
    assert done.out == f"saved checkpoint of {size + 1_000}: entries it covers have been removed\n"


@pytest.mark.parametrize("what", ["nothing", "no note", "another log's"])
async def test_a_checkpoint_that_is_none(
    hub: SampleHub, size: int, tmp_path: Path, what: str
) -> None:
    saved = tmp_path / "saved"
    if what != "nothing":
        saved.write_text("text" if what == "no note" else LogKey.new().sign(size, bytes(32)))
    done = await run(beside(hub), "ledger", "verify", "--checkpoint", saved)
    assert (done.code, done.out) == (1, "")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["verify", "checkpoint", "key"])
def test_a_folder_without_a_key_is_refused_and_gets_none(tmp_path: Path, command: str) -> None:
    done = zwhub("ledger", command, "--data-dir", tmp_path, environment={})
    assert done.code == 1
    assert "no ledger key" in done.err
    assert list(tmp_path.rglob("ledger.pem")) == []
