"""`zwhub licences load` (批量入库): delivered files into the registry, on all cores, resumable."""

import asyncio
import json
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import err, language, out, refuse, say
from zwhub.cli.standing import opened, own_secrets, standing_database
from zwhub.directory import store as directory
from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.licences import store_deliveries
from zwhub.licences.batch import BatchVerdict, DeliveredFile, check_batch
from zwhub.licences.deliveries.read import Chunk, batch_signature, examined, kind_of, read
from zwhub.licences.deliveries.rows import Row, Unreadable
from zwhub.licences.intake import Bad, Judged, prepare
from zwhub.licences.judging import Standards
from zwhub.licences.load import Step, compare_chunk, store_chunk
from zwhub.licences.model import Delivery
from zwhub.licences.trust import trust_list
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database
from zwhub.platform.workers import with_given, workers

QUARANTINED = 3  # the exit code when rows were refused
_AHEAD = 2  # chunks that are judged or read beyond those the workers have


@dataclass(frozen=True, slots=True)
class Job:
    """One file on its way in: what it is, by what it is judged, how far it has come."""

    path: Path
    file: DeliveredFile
    standards: Standards
    vault: Vault
    resume: str
    counts: Mapping[str, int]
    expected: int | None  # rows, as its issuer signed
    dry: bool


def load_files(
    files: Annotated[list[Path], typer.Argument(help="CSV, XLSX, Parquet, JSON lines (归集文件).")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge and compare all rows; store nothing (试运行).")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write each refused row here, as JSON lines (隔离报告).")
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=64, help="Processes (进程数). Default: one a core."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Load delivered licences (批量入库): every record is judged; refused ones go to quarantine.

    A row holds a signed record and, if need be, its status; docs/deliveries.md describes the
    files. Where FILE.batch.jws lies beside a file and is its issuer's, that one signature stands
    for those of the records; else each is checked. Interrupted, even by kill -9, the same command
    goes on where it stood; a file loaded twice changes nothing. Exit code 0: all rows are in;
    3: some were refused; 1: a file could not be read to its end.
    """
    settings = settings_for(data_dir)
    count = processes or len(os.sched_getaffinity(0))
    refused = 0
    with standing_database(settings) as url, _report(report) as bad:
        secrets = own_secrets(settings, url)
        vault = Vault(secrets.index, secrets.sealer)
        for path in files:
            try:
                job = _job(path, url, vault, dry_run)
                counts = job.counts if _is_done(job) else _run(job, url, count, bad)
            except (Unreadable, Refused) as problem:
                refuse(Words(f"{path}：{problem.words.zh}", f"{path}: {problem.words.en}"))
            _tell(job, counts)
            refused += counts.get("quarantined", 0)
    if refused:
        raise typer.Exit(QUARANTINED)


def _report(path: Path | None) -> "nullcontext[None] | TextIO":
    try:
        return nullcontext() if path is None else path.open("w", encoding="utf-8")
    except OSError:
        refuse(Words(f"无法写入 {path}。", f"Cannot write to {path}."))


# ── before ──────────────────────────────────────────────────────────────────────────────────────


def _job(path: Path, url: str, vault: Vault, dry: bool) -> Job:
    """What the file is, and by what it is judged. Raises `Unreadable`."""
    kind_of(path)
    now = datetime.now(UTC)
    with err.status({"zh": f"核对 {path.name}", "en": f"Reading {path.name}"}[language()]):
        file = examined(path)
    trust, types, delivery = asyncio.run(_standing(url, file, now, dry))
    verdict = _verdict(path, file, trust, now)
    vouched = verdict.vouches_for if verdict is not None and verdict.trusted else _nobody
    batch = verdict.batch if verdict is not None else None
    return Job(
        path,
        file,
        Standards(trust, types, now, vouched),
        vault,
        delivery.resume,
        delivery.counts,
        batch.records if batch is not None else None,
        dry,
    )


def _nobody(_: object) -> bool:
    return False


async def _standing(
    url: str, file: DeliveredFile, now: datetime, dry: bool
) -> tuple[TrustList, frozenset[str], Delivery]:
    new = Delivery(sha256=file.sha256, name=file.name, size=file.size, begun_at=now)
    new.resume, new.counts = "", {}
    async with opened(url) as db, db.write() as session:
        types = frozenset(row.code for row in await directory.licence_types(session))
        if not types:
            words = (
                "尚未加载资料（zwhub profile load）",
                "no profile is loaded (zwhub profile load)",
            )
            raise Unreadable(*words)
        if dry:
            return await trust_list(session, TrustBook()), types, new
        delivery = await store_deliveries.begin(session, new)
        return await trust_list(session, TrustBook()), types, delivery


def _verdict(
    path: Path, file: DeliveredFile, trust: TrustList, now: datetime
) -> BatchVerdict | None:
    signed = batch_signature(path)
    if signed is None:
        return None
    verdict = check_batch(signed, file, trust, now)
    if not verdict.trusted:
        zh = f"{path.name}：批次签名不予采信（{verdict.words.zh}），逐条验签。"
        en = f"{path.name}: its batch signature is not believed ({verdict.words.en}); "
        say(Words(zh, en + "each record's own signature is checked."))
    return verdict


def _is_done(job: Job) -> bool:
    return not job.dry and job.resume == DONE


DONE = "done"


# ── the run ─────────────────────────────────────────────────────────────────────────────────────


def _run(job: Job, url: str, count: int, report: TextIO | None) -> Mapping[str, int]:
    if job.resume:
        rows = job.counts.get("rows", 0)
        say(Words(f"从第 {rows:,} 行之后继续。", f"Going on after {rows:,} rows."))
    with workers(count, (job.standards, job.vault)) as pool, _progress() as progress:
        task = progress.add_task(job.path.name, total=1.0, rows=0, rate=0)
        begun, before = datetime.now(UTC), job.counts.get("rows", 0)

        def told(counts: Mapping[str, int], share: float) -> None:
            seconds = (datetime.now(UTC) - begun).total_seconds() or 1.0
            rate = (counts["rows"] - before) / seconds
            progress.update(task, completed=share, rows=counts["rows"], rate=rate)

        return asyncio.run(_stream(job, url, pool, count, report, told))


async def _stream(
    job: Job,
    url: str,
    pool: Executor,
    count: int,
    report: TextIO | None,
    told: Callable[[Mapping[str, int], float], None],
) -> Mapping[str, int]:
    """Store chunk after chunk, in order, while the workers judge those that follow.

    The cache is left alone: whatever it says of a number is confirmed when it is asked.
    """
    counts, here = job.counts, job.resume
    async with opened(url) as db:
        async for chunk, judged in _judged(job, pool, count + _AHEAD):
            step = Step(job.file.sha256, here, chunk.resume, counts)
            async with db.write() as session:
                keep = compare_chunk if job.dry else store_chunk
                stored = await keep(session, step, judged, job.vault, job.standards.now)
            counts, here = stored.counts, chunk.resume
            _write(report, job.file.name, stored.bad)
            told(counts, chunk.share)
        await _finish(db, job, here, counts)
    return counts


async def _judged(job: Job, pool: Executor, most: int) -> AsyncIterator[tuple[Chunk, Judged]]:
    chunks = read(job.path, job.resume)
    waiting: deque[tuple[Chunk, asyncio.Future[bytes]]] = deque()
    loop = asyncio.get_running_loop()
    more = True
    while more or waiting:
        while more and len(waiting) < most:
            chunk = await asyncio.to_thread(next, chunks, None)
            more = chunk is not None
            if chunk is not None:
                future = loop.run_in_executor(pool, with_given, _prepare, chunk.rows)
                waiting.append((chunk, future))
        if waiting:
            chunk, future = waiting.popleft()
            yield chunk, _decode(await future)


def _prepare(given: tuple[Standards, Vault], rows: Iterable[Row]) -> bytes:
    return _encode(prepare(rows, *given))


# Between processes: a tenth of what pickling objects costs.
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Judged).decode


async def _finish(db: Database, job: Job, here: str, counts: Mapping[str, int]) -> None:
    if job.dry:
        return
    async with db.write() as session:
        now = datetime.now(UTC)
        steps = (here, DONE)
        await store_deliveries.advance(session, job.file.sha256, steps, dict(counts), now)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,}  {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=err)


# ── after ───────────────────────────────────────────────────────────────────────────────────────


def _write(report: TextIO | None, name: str, bad: Sequence[Bad]) -> None:
    if report is None:
        return
    spoken = language()
    for one in sorted(bad, key=lambda one: one.row):
        problems = [{"code": p.code, "message": p.words.in_(spoken)} for p in one.problems]
        line = {"file": name, "row": one.row, "problems": problems}
        report.write(json.dumps(line, ensure_ascii=False) + "\n")


def _tell(job: Job, counts: Mapping[str, int]) -> None:
    names = {
        "rows": ("行", "rows"),
        "accepted": ("已入库", "accepted"),
        "unchanged": ("已在库", "held already"),
        "changed": ("状态变更", "changed status"),
        "quarantined": ("已隔离", "quarantined"),
    }
    spoken = language()
    said = [f"{Words(*words).in_(spoken)} {counts.get(name, 0):,}" for name, words in names.items()]
    trial = (
        {"zh": "（试运行，未保存）", "en": " (dry run, nothing stored)"}[spoken] if job.dry else ""
    )
    out.print(f"{job.path.name}{trial}: " + " · ".join(said), markup=False)
    for name, count in sorted(counts.items()):
        if name.startswith(("refused ", "warned ")):
            out.print(f"  {name}: {count:,}", markup=False)
    if job.expected is not None and job.expected != counts.get("rows", 0):
        rows = counts.get("rows", 0)
        zh = f"批次签名称有 {job.expected:,} 行，文件实有 {rows:,} 行：请与颁发机构核对。"
        en = f"The batch signature speaks of {job.expected:,} rows, the file has {rows:,}: "
        say(Words(zh, en + "ask its issuer."))
