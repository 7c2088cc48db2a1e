"""`zwhub licences load` (批量入库): delivered files into the registry, on all cores, resumable."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zwhub.cli.load_file import Failed, File
from zwhub.cli.load_run import run
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import err, language, out, refuse, say
from zwhub.cli.standing import own_secrets, standing_database
from zwhub.kernel.words import Words
from zwhub.licences.intake import Bad
from zwhub.licences.vault import Vault

QUARANTINED = 3  # the exit code when rows were refused
INTERRUPTED = 130  # by Ctrl-C, as shells have it


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
    try:
        with standing_database(settings) as url, _report(report) as bad:
            secrets = own_secrets(settings, url)
            telling = Telling(bad)
            with telling.progress:
                run(url, Vault(secrets.index, secrets.sealer), files, count, telling, dry=dry_run)
    except Failed as failed:
        refuse(failed.words)
    except KeyboardInterrupt:
        zh = "已中断；再次运行同一命令即从中断处继续。"
        say(Words(zh, "Interrupted. The same command goes on where it stood."))
        raise typer.Exit(INTERRUPTED) from None
    if telling.refused:
        raise typer.Exit(QUARANTINED)


def _report(path: Path | None) -> "nullcontext[None] | TextIO":
    try:
        return nullcontext() if path is None else path.open("w", encoding="utf-8")
    except OSError:
        refuse(Words(f"无法写入 {path}。", f"Cannot write to {path}."))


class Telling:
    """What people are told while files are loaded, and what the report is."""

    def __init__(self, report: TextIO | None) -> None:
        self.progress, self.refused = _progress(), 0
        self._report, self._task = report, TaskID(0)
        self._begun, self._before = datetime.now(UTC), 0

    def begun(self, file: File) -> None:
        """A file's first chunk is next; or the one after those that an earlier run has stored."""
        if file.doubt is not None:
            zh = f"{file.name}：批次签名不予采信（{file.doubt.zh}），逐条验签。"
            en = f"{file.name}: its batch signature is not believed ({file.doubt.en}); "
            say(Words(zh, en + "each record's own signature is checked."))
        self._begun, self._before = datetime.now(UTC), file.counts.get("rows", 0)
        if file.resume and not file.is_done:
            rows = self._before
            say(Words(f"从第 {rows:,} 行之后继续。", f"Going on after {rows:,} rows."))
        self._task = self.progress.add_task(file.name, total=1.0, rows=0, rate=0)

    def stored(
        self, file: File, counts: Mapping[str, int], bad: Sequence[Bad], share: float
    ) -> None:
        """A chunk is in; `share` of the file is behind."""
        seconds = (datetime.now(UTC) - self._begun).total_seconds() or 1.0
        rate = (counts["rows"] - self._before) / seconds
        self.progress.update(self._task, completed=share, rows=counts["rows"], rate=rate)
        if self._report is not None:
            _write(self._report, file.name, bad)

    def done(self, file: File, counts: Mapping[str, int]) -> None:
        """All of the file is in, for good."""
        self.progress.remove_task(self._task)
        self.refused += counts.get("quarantined", 0)
        _tell(file, counts)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,}  {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    return Progress(
        *columns,
        console=err,
        transient=True,
        disable=not err.is_terminal,
        redirect_stdout=out.is_terminal,  # else it goes to a file, and is its own affair
        refresh_per_second=2,  # it is drawn by the process that feeds the database
    )


def _write(report: TextIO, name: str, bad: Sequence[Bad]) -> None:
    spoken = language()
    for one in sorted(bad, key=lambda one: one.row):
        problems = [{"code": p.code, "message": p.words.in_(spoken)} for p in one.problems]
        line = {"file": name, "row": one.row, "problems": problems}
        report.write(json.dumps(line, ensure_ascii=False) + "\n")


def _tell(file: File, counts: Mapping[str, int]) -> None:
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
        Words("（试运行，未保存）", " (dry run, nothing stored)").in_(spoken) if file.dry else ""
    )
    out.print(f"{file.name}{trial}: " + " · ".join(said), markup=False)
    for name, count in sorted(counts.items()):
        if name.startswith(("refused ", "warned ")):
            out.print(f"  {name}: {count:,}", markup=False)
    rows = counts.get("rows", 0)
    if file.expected not in (None, rows):
        zh = f"批次签名称有 {file.expected:,} 行，文件实有 {rows:,} 行：请与颁发机构核对。"
        en = f"The batch signature speaks of {file.expected:,} rows, the file has {rows:,}: "
        say(Words(zh, en + "ask its issuer."))
