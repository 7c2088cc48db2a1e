"""`zwhub licences load` (批量入库): judged, stored once, resumable; in a process of its own."""

import asyncio
import hashlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from builders import (
    Issuer,
    a_citizen_number,
    a_holder,
    altered,
    an_issuer,
    body_of,
    trusting,
    with_wrong_check,
)
from commands import environment_beside
from delivered import KINDS, write
from samplecity import SampleHub
from zwhub.licences.batch import SUFFIX, Batch, DeliveredFile, sign_batch
from zwhub.licences.deliveries.rows import COLUMNS
from zwhub.licences.store import one_collection_at_a_time

HEADER = tuple(COLUMNS)
TABLES = ("licences", "licence_names", "licence_holders", "licence_statuses")


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


async def start(hub: SampleHub, *words: str | Path) -> asyncio.subprocess.Process:
    english = {"LC_ALL": "C.UTF-8", "COLUMNS": "200", "PATH": os.environ["PATH"]}
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    command = "from zwhub.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", command, "licences", "load", *map(str, words)),
        env={**english, **path, **environment_beside(hub)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def load(hub: SampleHub, *words: str | Path) -> Done:
    process = await start(hub, *words)
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


async def rows(hub: SampleHub) -> list[int]:
    async with hub.db.read() as session:
        return [await session.scalar(text(f"SELECT count(*) FROM {name}")) for name in TABLES]  # noqa: S608


def a_file(path: Path, records: Sequence[str | Mapping[str, Any]]) -> Path:
    cells = [{"record": one} if isinstance(one, str) else dict(one) for one in records]
    return write(path, cells, HEADER)


def counted(done: Done) -> dict[str, int]:
    """The counts that the command printed of its one file."""
    line, *reasons = done.out.strip().splitlines()
    said = {}
    for part in line.partition(": ")[2].split(" · "):
        name, _, number = part.rpartition(" ")
        said[name] = int(number.replace(",", ""))
    for reason in reasons:
        name, _, number = reason.strip().partition(": ")
        said[name] = int(number)
    return {name: number for name, number in said.items() if number}


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_file(hub: SampleHub, issuer: Issuer, tmp_path: Path, kind: str) -> None:
    holder = a_holder("李四", a_citizen_number())
    revoked = {"status": "03", "statusSince": "2025-05-01", "statusReason": "骗取"}
    several = issuer.a_licence(holders=[holder, a_holder("王五")])
    told = issuer.a_licence()
    file = a_file(tmp_path / f"a.{kind}", [several, {"record": told, **revoked}])
    done = await load(hub, file)
    assert (done.code, counted(done)) == (0, {"rows": 2, "accepted": 2}), done.err
    found = await hub.verify(number=body_of(several)["number"], holder={"code": holder["code"]})
    assert (found["verdict"], found["reason"]) == ("GENUINE", "OK")
    assert (await hub.verify(jws=told))["reason"] == "REVOKED"
    before = await hub.verify(jws=told, asOf="2025-04-30T12:00:00+08:00")
    assert before["verdict"] == "GENUINE"


async def test_a_second_time_changes_nothing(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    records = [issuer.a_licence() for _ in range(30)]
    await hub.collect(records[0])
    file = a_file(tmp_path / "a.jsonl", [*records, records[1]])
    done = await load(hub, file)
    assert counted(done) == {"rows": 31, "accepted": 29, "held already": 2}
    before = await rows(hub)
    assert counted(await load(hub, file)) == counted(done)  # known by its content: told again
    other = a_file(tmp_path / "b.csv", records)
    assert counted(await load(hub, other)) == {"rows": 30, "held already": 30}
    assert await rows(hub) == before


async def test_every_reason_is_told_and_the_good_are_taken(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    good, taken = issuer.a_licence(), issuer.a_licence(serial="TAKEN", number="N-TAKEN")
    await hub.collect(taken)
    wrong = issuer.a_body()
    wrong["identifier"] = with_wrong_check(wrong["identifier"])
    bad: dict[str, str | Mapping[str, Any]] = {
        "MALFORMED": "no record",
        "SIGNATURE_INVALID": altered(issuer.a_licence(), validUntil="2099-12-31"),
        "CHECK_CHARACTER_WRONG": issuer.signed(wrong),
        "HOLDER_NUMBER_INVALID": issuer.a_licence(holders=[a_holder(code="110101199001011234")]),
        "IDENTIFIER_TAKEN": issuer.a_licence(serial="TAKEN", name="另"),
        "NUMBER_TAKEN": issuer.a_licence(number="N-TAKEN"),
        "STATUS_INVALID": {"record": issuer.a_licence(), "status": "42"},
    }
    file = a_file(tmp_path / "a.jsonl", [*bad.values(), good])
    report = tmp_path / "report.jsonl"
    done = await load(hub, file, "--report", report)
    assert done.code == 3, done.err
    expected = {"rows": len(bad) + 1, "accepted": 1, "quarantined": len(bad)}
    assert counted(done) == expected | {f"refused {code}": 1 for code in bad}
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert {one["row"]: one["problems"][0]["code"] for one in lines} == dict(enumerate(bad, 1))
    assert "110101199001011234" not in report.read_text() + done.out + done.err
    async with hub.db.read() as session:
        query = text("SELECT count(*) FROM quarantined_records WHERE row_number IS NOT NULL")
        assert await session.scalar(query) == len(bad)
    assert (await hub.verify(jws=good))["verdict"] == "GENUINE"


async def test_a_dry_run_tells_the_same_and_stores_nothing(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    file = a_file(tmp_path / "a.jsonl", [issuer.a_licence(), "rubbish"])
    before = await rows(hub)
    trial = await load(hub, file, "--dry-run")
    assert await rows(hub) == before
    real = await load(hub, file)
    assert (trial.code, counted(trial)) == (real.code, counted(real)) == (3, counted(real))


async def test_a_status_told_of_a_licence_that_is_held(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    suspended = {"record": record, "status": "暂扣", "statusSince": "2025-05-01"}
    done = await load(hub, a_file(tmp_path / "a.csv", [suspended]))
    assert counted(done) == {"rows": 1, "held already": 1, "changed status": 1}
    assert (await hub.verify(jws=record))["reason"] == "SUSPENDED"
    again = {**suspended, "statusReason": "again"}
    assert "changed status" not in counted(await load(hub, a_file(tmp_path / "b.csv", [again])))
    cancelled = {"record": record, "status": "04", "statusSince": "2025-06-01"}
    assert counted(await load(hub, a_file(tmp_path / "c.csv", [cancelled])))["changed status"] == 1
    lapsed = {"record": record, "status": "05", "statusSince": "2025-07-01"}
    last = await load(hub, a_file(tmp_path / "d.csv", [lapsed]))
    assert counted(last)["refused STATUS_CANNOT_FOLLOW"] == 1
    assert (await hub.verify(jws=record))["reason"] == "CANCELLED"


async def test_killed_in_the_middle_it_goes_on(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    """Killed at once, and after its first chunk: each record is in once in the end."""
    large = {f"备注{n}": "x" * 1_000 for n in range(10)}  # so that a chunk holds some 1,200 rows
    records = [issuer.a_licence(surface=large) for _ in range(3_000)]
    file = a_file(tmp_path / "big.jsonl", [*records, "rubbish"])
    before = await rows(hub)
    for stored in (0, 1):
        process = await start(hub, file, "--workers", "1")
        while (await rows(hub))[0] - before[0] < stored:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    new = (await rows(hub))[0] - before[0]
    assert 0 < new < 3_000
    done = await load(hub, file)
    assert f"Going on after {new:,} rows" in done.err
    assert counted(done) == {
        "rows": 3_001,
        "accepted": 3_000,
        "quarantined": 1,
        "refused MALFORMED": 1,
    }
    after = [new - old for new, old in zip(await rows(hub), before, strict=True)]
    assert after == [3_000, 6_000, 3_000, 0]
    assert (await hub.verify(jws=records[2_345]))["verdict"] == "GENUINE"


def large(issuer: Issuer, path: Path) -> Path:
    """A file of several chunks, because its records are."""
    surface = {f"备注{n}": "x" * 1_500 for n in range(30)}
    return a_file(path, [issuer.a_licence(surface=surface) for _ in range(700)])


async def begun(hub: SampleHub, file: Path) -> asyncio.subprocess.Process:
    """A load of it, of which a part is stored."""
    before = await rows(hub)
    process = await start(hub, file, "--workers", "1")
    while (await rows(hub))[0] == before[0]:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    return process


async def test_a_file_that_is_changed_meanwhile_is_told(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    file = large(issuer, tmp_path / "a.jsonl")
    process = await begun(hub, file)
    with file.open("a") as more:
        more.write("{}\n")
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert b"was changed while it was being loaded" in err
    assert b"Traceback" not in err
    done = await load(hub, file)  # another file, then: what is in already stays so
    assert (done.code, counted(done)["rows"]) == (3, 701)
    assert counted(done)["refused RECORD_MISSING"] == 1


async def test_interrupted_it_says_so_and_goes_on_later(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    file = large(issuer, tmp_path / "a.jsonl")
    process = await begun(hub, file)
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert (process.returncode, out) == (130, b"")
    assert b"Interrupted" in err
    assert b"Traceback" not in err
    assert b"never retrieved" not in err
    done = await load(hub, file)
    assert counted(done) == {"rows": 700, "accepted": 700}


async def test_two_loads_of_one_file_store_it_once(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    file, before = large(issuer, tmp_path / "a.jsonl"), await rows(hub)
    both = await asyncio.gather(load(hub, file), load(hub, file))
    for done in both:
        assert "Traceback" not in done.err
        assert (done.code == 0) != ("Another process is loading the same file" in done.err)
    last = await load(hub, file)
    assert counted(last) == {"rows": 700, "accepted": 700}
    assert [new - old for new, old in zip(await rows(hub), before, strict=True)][:2] == [700, 1400]


async def test_files_follow_each_other_and_their_copies_change_nothing(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    """The same content, and the same record, in several files of one command; then one that fails."""
    shared, records = issuer.a_licence(), [issuer.a_licence() for _ in range(3)]
    first = a_file(tmp_path / "a.jsonl", [shared, *records])
    copy = a_file(tmp_path / "b.jsonl", [shared, *records])
    other = a_file(tmp_path / "c.csv", [shared, issuer.a_licence()])
    done = await load(hub, first, copy, other, tmp_path / "none", first)
    assert done.code == 1
    assert "none: the file cannot be opened" in done.err
    told = [line.split(": ")[0] + line[line.index("accepted") :] for line in done.out.splitlines()]
    assert [one[:17] for one in told] == [
        "a.jsonlaccepted 4",
        "b.jsonlaccepted 4",
        "c.csvaccepted 1 ·",
    ]


async def test_who_is_trusted_meanwhile_is_believed_in_the_next_file(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    """The workers are given anew what they judge by, between two files."""
    newcomer = an_issuer()
    first = large(issuer, tmp_path / "a.jsonl")
    second = a_file(tmp_path / "b.jsonl", [newcomer.a_licence()])
    async with hub.db.write() as session:
        await one_collection_at_a_time(session)  # the first chunk waits for this
        process = await start(hub, first, second, "--workers", "1")
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        while not await session.scalar(waiting):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        await trusting(hub.db, newcomer)
    out, err = await process.communicate()
    assert (process.returncode, err.decode()) == (0, "")
    assert out.decode().splitlines()[-1].startswith("b.jsonl: rows 1 · accepted 1 · ")


async def test_lines_that_are_no_rows_are_told_by_their_numbers(
    hub: SampleHub, issuer: Issuer, tmp_path: Path
) -> None:
    file, report = tmp_path / "a.jsonl", tmp_path / "report.jsonl"
    deep = '{"record":' + "[" * 5_000 + "]" * 5_000 + "}"
    file.write_text(
        "\n".join([json.dumps({"record": issuer.a_licence()}), deep, '{"other": 1}', ""])
    )
    done = await load(hub, file, "--report", report)
    assert (done.code, counted(done)["accepted"]) == (3, 1), done.err
    said = {
        one["row"]: one["problems"][0] for one in map(json.loads, report.read_text().splitlines())
    }
    assert said[2] == {"code": "ROW_UNREADABLE", "message": "the line is nested too deeply"}
    assert said[3] == {"code": "RECORD_MISSING", "message": "the line has no member record"}


@pytest.mark.parametrize("spoilt", [False, True])
async def test_a_batch_signature(
    hub: SampleHub, issuer: Issuer, tmp_path: Path, spoilt: bool
) -> None:
    """What the issuer vouches for is taken without its own signature checked; else it is not."""
    forged = altered(issuer.a_licence(), validUntil="2099-12-31")
    file = a_file(tmp_path / "a.jsonl", [issuer.a_licence(), forged])
    content = file.read_bytes()
    described = DeliveredFile(file.name, len(content), hashlib.sha256(content).hexdigest())
    batch = Batch(described, 2, issuer.code, datetime.now(UTC))
    signed = sign_batch(issuer.key, issuer.kid, batch)
    file.with_name(file.name + SUFFIX).write_text(signed[:-9] + "AAAAAAAAA" if spoilt else signed)
    done = await load(hub, file)
    if spoilt:
        assert "not believed" in done.err
        assert counted(done)["refused SIGNATURE_INVALID"] == 1
    else:
        assert counted(done) == {"rows": 2, "accepted": 2}
    assert (await hub.verify(jws=forged))["reason"] == "SIGNATURE_INVALID"  # each time it is asked


async def test_what_cannot_be_loaded(hub: SampleHub, issuer: Issuer, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    strange = tmp_path / "strange.csv"
    strange.write_text("a,b\n1,2\n")
    for file, words in (
        (empty, "is empty"),
        (strange, "no column record"),
        (tmp_path / "none", "cannot be opened"),
        (tmp_path, "no ordinary file"),
    ):
        done = await load(hub, file)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
        assert "Traceback" not in done.err
