"""`zwhub ledger` (台账): is every verification and every look still there, as it was written?"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from zwhub.app import existing_ledger_key
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import err, language, out, refuse, say
from zwhub.cli.standing import opened, own_secrets, standing_database
from zwhub.kernel.crypto.checkpoints import Checkpoint, LogKey
from zwhub.kernel.crypto.notes import BadNote
from zwhub.kernel.words import Words
from zwhub.licences.audit import Audit, Flaw
from zwhub.licences.kept_checkpoint import KEPT
from zwhub.licences.store_ledger import newest_checkpoint

ledger = typer.Typer(help="The tamper-evident ledger (防篡改台账).", no_args_is_help=True)
MOST_TOLD = 1_000  # flaws; whoever has more needs no longer list


@ledger.command()
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(help="A checkpoint saved earlier (早先保存的检查点); may be repeated."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Recompute the whole ledger and name whatever does not hold (全面核对台账).

    Every leaf from its verification or reading, every node up to the newest signed checkpoint,
    which must also extend the one kept in the data folder and those you name. Exit code 0 only
    if all holds. Safe beside a running hub.
    """
    settings = settings_for(data_dir)
    key = _key(settings.data_dir)
    saved = [_saved(path, key) for path in checkpoint or ()]
    kept = settings.data_dir / KEPT
    if kept.exists():
        saved.append(_saved(kept, key))
    with standing_database(settings) as url:
        secret = own_secrets(settings, url).index
        told, size, waiting = asyncio.run(_audited(url, key, secret, saved))
    if told:
        refuse(Words(f"台账不成立：{told} 处问题。", f"The ledger does not hold: {told} flaws."))
    say(
        Words(
            f"台账成立：{size} 条，另有 {waiting} 条待定序。",
            f"The ledger holds: {size} entries, and {waiting} that wait for their place.",
        )
    )


@ledger.command()
def checkpoint(data_dir: DataDir = None) -> None:
    """Print the newest signed checkpoint (最新检查点): save it elsewhere, compare it later."""
    settings = settings_for(data_dir)
    key = _key(settings.data_dir)
    with standing_database(settings) as url:
        note = asyncio.run(_newest(url))
    if note is None:
        refuse(Words("台账尚未开始。", "The ledger has not begun: no hub has run yet."))
    _vouched(note, key)
    sys.stdout.write(note)


@ledger.command("key")
def public_key(data_dir: DataDir = None) -> None:
    """Print the public key of the checkpoints (检查点公钥), as witnesses are configured with it."""
    sys.stdout.write(_key(settings_for(data_dir).data_dir).public.text() + "\n")


def _key(data_dir: Path) -> LogKey:
    key = existing_ledger_key(data_dir / "secrets")
    if key is None:
        refuse(
            Words(
                "此数据目录没有台账密钥：请先运行一次枢纽。",
                "This data folder has no ledger key: a hub that runs on it makes one.",
            )
        )
    return key


def _saved(path: Path, key: LogKey) -> Checkpoint:
    try:
        note = path.read_bytes()
    except OSError:
        refuse(Words(f"无法读取 {path}。", f"{path} cannot be read."))
    return _vouched(note, key)


def _vouched(note: str | bytes, key: LogKey) -> Checkpoint:
    try:
        return key.read(note)
    except BadNote as bad:
        refuse(bad.words)


async def _newest(url: str) -> str | None:
    async with opened(url) as db, db.read() as session:
        row = await newest_checkpoint(session)
    return None if row is None else row.note


async def _audited(
    url: str, key: LogKey, secret: bytes, saved: Sequence[Checkpoint]
) -> tuple[int, int, int]:
    """How many flaws were told, how many entries have a place, and how many wait for one."""
    told = 0
    with _progress() as progress:
        task = progress.add_task({"zh": "核对台账", "en": "Ledger"}[language()], total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        async with opened(url) as db, db.snapshot() as session:
            audit = Audit(session, key, secret, tell)
            async for flaw in audit.flaws(saved):
                _say_flaw(flaw)
                told += 1
                if told >= MOST_TOLD:
                    break
    return told, audit.size, audit.waiting


def _say_flaw(flaw: Flaw) -> None:
    out.print(f"{flaw.about}: {flaw.words.in_(language())}", markup=False)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=err, transient=True)
