"""`zwhub profile` (城市资料): check a folder, load it, see what is still sample data, get a copy."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import language, out, refuse, say
from zwhub.cli.standing import opened, standing_database
from zwhub.kernel.words import Words
from zwhub.profile import placeholders as judged
from zwhub.profile.check import faults_of, warnings_of
from zwhub.profile.folder import (
    COLUMNS,
    SETTINGS,
    BadProfile,
    Fault,
    Profile,
    read_profile,
    sample_folder,
)
from zwhub.profile.load import Loaded, load_profile
from zwhub.profile.placeholders import Placeholder

profile = typer.Typer(
    help="The city's own data (城市资料): a folder of CSV tables and profile.toml.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="The profile's folder (资料文件夹).")]


@profile.command()
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="The profile's folder (资料文件夹); default: the sample.")
    ] = None,
) -> None:
    """Read a folder and name every fault in it (检查资料); nothing is loaded.

    A code whose check character does not fit is a warning: a few early real ones are so.
    A folder without fault is then compared with the sample: what of 数据替换清单 is still to do.
    """
    checked = _read(folder or sample_folder())
    say(Words("资料没有错误，可以加载。", "No faults: the profile can be loaded."))
    _show(judged.placeholders_in(checked))


@profile.command()
def load(folder: Folder, data_dir: DataDir = None) -> None:
    """Load a folder into the hub's database (加载资料): all of it in one transaction, or nothing.

    Items that differ get a new version, items that are gone are ended; licences stay as they
    are. A hub that is running takes the new data up within seconds.
    """
    checked = _read(folder)
    with standing_database(settings_for(data_dir)) as url:
        loaded = asyncio.run(_load(url, checked))
    for name in COLUMNS:
        out.print(f"{name}  {len(checked.tables[name])}")
    say(
        Words(
            f"已加载。事项：新增 {loaded.new}，修订 {loaded.revised}，"
            f"终止 {loaded.ended}，不变 {loaded.unchanged}。",
            f"Loaded. Items: {loaded.new} new, {loaded.revised} revised, "
            f"{loaded.ended} ended, {loaded.unchanged} unchanged.",
        )
    )


@profile.command()
def placeholders(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: JSON.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Show for each row of 数据替换清单 what the hub's database holds: sample data, or the city's."""
    with standing_database(settings_for(data_dir)) as url:
        rows = asyncio.run(_placeholders(url))
    if not rows:
        refuse(Words("尚未加载资料。", "No profile has been loaded yet."))
    if as_json:
        json.dump([_plain(one) for one in rows], sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        _show(rows)


@profile.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty, or not there yet.")],
) -> None:
    """Copy the sample's tables and settings into a folder (导出示例资料), to be edited and loaded."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            refuse(Words(f"{folder} 不是空文件夹。", f"{folder} is not an empty folder."))
        folder.mkdir(parents=True, exist_ok=True)
        for name in [*(f"{table}.csv" for table in COLUMNS), SETTINGS]:
            shutil.copyfile(sample_folder() / name, folder / name)
    except OSError:
        refuse(Words(f"无法写入 {folder}。", f"Cannot write to {folder}."))
    say(
        Words(
            f"已导出到 {folder}；编辑后运行 zwhub profile check {folder}。",
            f"Exported to {folder}; edit it, then run `zwhub profile check {folder}`.",
        )
    )


def _read(folder: Path) -> Profile:
    """The folder, its warnings told; or every fault in it and the end of the command."""
    if not os.path.isdir(folder):  # unlike Path.is_dir, False where we may not look
        refuse(Words(f"没有文件夹 {folder}。", f"There is no folder {folder}."))
    try:
        found = read_profile(folder)
        faults: Sequence[Fault] = faults_of(found)
    except BadProfile as bad:
        faults = bad.faults
    if faults:
        _list(faults)
        many = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        refuse(Words(f"资料有 {len(faults)} 处错误。", f"The profile has {many}."))
    _list(warnings_of(found))
    return found


def _list(faults: Sequence[Fault]) -> None:
    """A line for each, on standard output, as compilers write them."""
    for fault in faults:
        place = f"{fault.file}:{fault.line}" if fault.line else fault.file
        out.print(f"{place}: {fault.words.in_(language())}", markup=False)


async def _load(url: str, checked: Profile) -> Loaded:
    async with opened(url) as db, db.write() as session:
        return await load_profile(session, checked, datetime.now(UTC))


async def _placeholders(url: str) -> list[Placeholder]:
    async with opened(url) as db, db.read() as session:
        return await judged.placeholders(session)


def _plain(one: Placeholder) -> dict[str, object]:
    spoken = language()
    return {
        "number": one.number,
        "subject": one.subject.in_(spoken),
        "status": one.status,
        "detail": one.detail.in_(spoken),
        "source": one.source.in_(spoken),
    }


def _show(rows: Sequence[Placeholder]) -> None:
    headings = Words("序号|内容|状态|详情|真实数据来源", "no.|subject|status|detail|real source")
    table = Table(show_lines=True)
    for heading in headings.in_(language()).split("|"):
        table.add_column(heading, overflow="fold")  # Chinese has no blanks to break at
    for one in rows:
        table.add_row(*(str(cell) for cell in _plain(one).values()))
    out.print(table)
