"""`zwhub secrets` (密钥): which keys lie behind the encrypted data, a new one, old ones gone."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import err, language, out, refuse, say
from zwhub.cli.standing import opened, own_secrets, standing_database
from zwhub.kernel.crypto.sealing import BadKeys, DataKeys
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.licences import reseal as keys
from zwhub.licences.marks import require_own_secrets
from zwhub.licences.vault import INDEX_MARK, Vault, data_mark
from zwhub.platform.database import Database
from zwhub.platform.secrets import LOOK_SECONDS, Secrets

secrets = typer.Typer(
    help="The keys of what lies encrypted (密钥). None is ever printed.", no_args_is_help=True
)
UNREADABLE = 3  # the exit code when rows could not be opened
_MOST_TOLD = 20  # of such rows


@secrets.command()
def show(data_dir: DataDir = None) -> None:
    """Tell which keys there are: number, state, fingerprint, values under it (密钥一览)."""
    settings = settings_for(data_dir)
    with standing_database(settings) as url:
        own = own_secrets(settings, url)
        counts = asyncio.run(_counted(url))
    marks = Vault(own.index, own.sealer).marks()
    out.print(f"index     {marks[INDEX_MARK].hex()}  {own.index_path}", markup=False)
    ring = own.ring.latest()
    for number in sorted({*ring.keys, *counts}):
        mark = marks.get(data_mark(number), b"").hex() or "-"
        line = f"data {number:<4} {mark:<16}  {_state(ring, number):<8}  "
        out.print(line + _amounts(counts.get(number, {})), markup=False)
    out.print(f"data keys in {own.ring.path}", markup=False)


@secrets.command()
def rotate(
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="Only put the next key into the ring (备好新密钥): for hubs with copies of the "
            "file, which must have the key before anything lies under it.",
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new data key and seal everything again under it (更换数据密钥).

    Safe beside running hubs and loads; interrupted, even by kill -9, the same command goes on. Old
    keys still open what caches hold, until `zwhub secrets forget`. While it runs the registry
    takes up to twice its space. Exit code 3: some rows were altered and opened under no key.

    The index key cannot be rotated: the keyed digests by which past verifications name what was
    asked, the marks on ledger entries and the callers' stable ids cannot be computed again without
    what they were made of, which the hub does not keep. After a theft of that key, collect the
    licences again into a new database (docs/privacy.md).
    """
    settings = settings_for(data_dir)
    with standing_database(settings) as url:
        own = own_secrets(settings, url)
        try:
            if prepare:
                asyncio.run(_prepared(url, own))
                return
            done = asyncio.run(_rotated(url, own))
        except Refused as refused:
            refuse(refused.words)
        except BadKeys:
            refuse(Words("密钥编号已用尽。", "All numbers of keys were given."))
    say(
        Words(
            f"已在第 {own.ring.latest().current} 号密钥下重新加密 {done.moved:,} 项。",
            f"{done.moved:,} values were sealed again; all lie under key {own.ring.latest().current}.",
        )
    )
    if done.unreadable:
        _tell_unreadable(done)
        raise typer.Exit(UNREADABLE)


@secrets.command()
def forget(data_dir: DataDir = None) -> None:
    """Throw the old data keys away, once nothing needs them (销毁旧密钥).

    Refused while a value lies under one of them, or a cache may still hold one. A backup of the
    database from before the rotation opens only with a key file of that time: keep both together,
    or neither.
    """
    settings = settings_for(data_dir)
    with standing_database(settings) as url:
        own = own_secrets(settings, url)
        try:
            gone = asyncio.run(_forgotten(url, own))
        except Refused as refused:
            refuse(refused.words)
    if not gone:
        say(Words("没有旧密钥。", "There is no old key."))
        return
    listed = ", ".join(map(str, gone))
    say(Words(f"已销毁第 {listed} 号密钥。", f"Gone: the keys {listed}."))


async def _counted(url: str) -> Mapping[int, Mapping[str, int]]:
    async with opened(url) as db, db.read() as session:
        return await keys.count(session)


def _state(ring: DataKeys, number: int) -> str:
    if number not in ring.keys:
        return "unknown"
    if number == ring.current:
        return "current"
    return "old" if number < ring.current else "prepared"


def _amounts(amounts: Mapping[str, int]) -> str:
    return " · ".join(f"{name} {rows:,}" for name, rows in amounts.items()) or "0"


async def _prepared(url: str, own: Secrets) -> None:
    async with opened(url) as db, keys.alone(db):
        await _save(db, own, own.ring.latest().prepared())
    number, file = max(own.ring.latest().keys), own.ring.path.name
    say(
        Words(
            f"第 {number} 号密钥已备好：将 {file} 分发给各枢纽后，再运行 zwhub secrets rotate。",
            f"Key {number} is ready: hand {file} to each hub, then run `zwhub secrets rotate`.",
        )
    )


async def _rotated(url: str, own: Secrets) -> keys.Resealed:
    async with opened(url) as db, keys.alone(db):
        async with db.read() as session:
            ring = await keys.next_ring(session, own.ring.latest())
            counts = await keys.count(session)
        if ring == own.ring.latest():
            say(Words("继续未完成的更换。", "Going on with the rotation that was begun."))
        await _save(db, own, ring)
        total = sum(sum(amounts.values()) for n, amounts in counts.items() if n != ring.current)
        with _progress() as progress:
            words = {"zh": "重新加密", "en": "Sealing again"}[language()]
            task = progress.add_task(words, total=total)
            done = await keys.reseal(db, own.sealer, lambda more: progress.advance(task, more))
        async with db.write() as session:
            await keys.note_emptied(session, ring, done.moved > 0, datetime.now(UTC))
    return done


async def _forgotten(url: str, own: Secrets) -> list[int]:
    async with opened(url) as db, keys.alone(db):
        async with db.read() as session:
            old = await keys.forgettable(session, own.sealer, datetime.now(UTC))
        if old:
            own.ring.save(own.ring.latest().without(old))
    return old


async def _save(db: Database, own: Secrets, ring: DataKeys) -> None:
    """The file first: a mark in the database says that the key is in the file."""
    if ring != own.ring.latest():
        own.ring.save(ring)
        await asyncio.sleep(2 * LOOK_SECONDS)  # until every hub of this file has looked
    async with db.write() as session:
        await require_own_secrets(session, Vault(own.index, own.sealer))


def _tell_unreadable(done: keys.Resealed) -> None:
    count = len(done.unreadable)
    say(
        Words(
            f"{count} 项被改动过，任何密钥都无法解密，保持原样：",
            f"{count} values were altered and open under no key; they stay as they are:",
        )
    )
    for row in list(done.unreadable)[:_MOST_TOLD]:
        out.print(row, markup=False)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=err)
