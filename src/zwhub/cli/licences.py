"""`zwhub licences` (证照文件): licences by the million, as the files in which they are delivered."""

import os
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from zwhub.cli.load import load_files
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.sandbox import load_keys, sample_tables
from zwhub.cli.speak import err, language, out, refuse
from zwhub.kernel.clock import BEIJING, civil_date
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.words import Words
from zwhub.licences.deliveries.rows import Unreadable
from zwhub.licences.deliveries.write import require
from zwhub.platform.private_files import NotPrivate
from zwhub.profile.folder import read_profile, sample_folder
from zwhub.profile.generate import CannotGenerate, generate, recipe_of
from zwhub.profile.holders import Tables
from zwhub.profile.recipe import Recipe

licences = typer.Typer(
    help="Licences by the million (批量证照): delivered files in, sample files out.",
    no_args_is_help=True,
)
licences.command("load")(load_files)

_MIX = "ES256=92,EdDSA=4,PS256=2,SM2=2"
_MOST = 30_000_000  # beyond, the sample's citizen numbers would repeat themselves


class Kind(StrEnum):
    """The kinds of files that are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


@licences.command("generate")
def generate_licences(
    out_: Annotated[Path, typer.Option("--out", help="Folder for the files (输出文件夹).")],
    count: Annotated[int, typer.Option(min=1, max=_MOST, help="How many records (记录数).")],
    seed: Annotated[
        int, typer.Option(min=0, max=999_999, help="Same seed, same licences (种子).")
    ] = 1,
    kind: Annotated[Kind, typer.Option("--format", help="Kind of files (格式).")] = Kind.JSONL,
    per_file: Annotated[
        int, typer.Option(min=1_000, max=10_000_000, help="Most records of a file (每卷记录数).")
    ] = 100_000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes (进程数). Default: one a core.")
    ] = None,
    mix: Annotated[str, typer.Option(help="Share of each algorithm (算法比例).")] = _MIX,
    forged: Annotated[
        float, typer.Option(min=0, max=0.5, help="Share of forged and broken records (伪造比例).")
    ] = 0.001,
    today: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="The day they are made for; default yesterday (日期)."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make really signed licences of the sample city (生成示例证照), for the sandbox's own hub.

    Signed with the keys that `zwhub demo` left in the data folder, so that its hub trusts them.
    Files hold records of one issuer each, most with a batch signature beside them;
    expected.json says what a loader must find. Run again to go on after an interruption. The same
    seed, count, day and keys give the same records; byte for byte, but for the signatures of
    PS256 and SM2, which are random by nature.
    """
    folder = settings_for(data_dir).data_dir
    tables = sample_tables()
    try:
        require(kind)
        keys = _keys(folder, tables)
        recipe = Recipe(
            count=count,
            seed=seed,
            kind=kind,
            per_file=per_file,
            mix=_mix(mix),
            forged=forged,
            today=_day(today, recipe_of(out_)),
            keys={kid: sha256_hex(key.public.der())[:16] for kid, key in keys.items()},
        )
        _fill(recipe, out_, tables, keys, workers or len(os.sched_getaffinity(0)))
    except (CannotGenerate, NotPrivate, Unreadable) as refused:
        refuse(refused.words)
    except OSError as error:  # a folder that cannot be, a disk that is full
        refuse(
            Words(f"无法写入 {out_}：{error.strerror}", f"cannot write to {out_}: {error.strerror}")
        )


def _fill(
    recipe: Recipe, folder: Path, tables: Tables, keys: dict[str, PrivateKey], workers: int
) -> None:
    sample = dict(read_profile(sample_folder()).settings["sample"])
    words = {"zh": "签发", "en": "Signing"}[language()]
    columns = (TextColumn("{task.description}"), BarColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(words, total=recipe.count)
        found = generate(
            recipe,
            folder,
            tables,
            sample,
            keys,
            workers,
            lambda more: progress.advance(task, more),
        )
    quarantined = sum(found["quarantined"].values())
    line = Words(
        f"{len(found['files'])} 个文件，{found['records']} 条记录，其中 {quarantined} 条应被隔离",
        f"{len(found['files'])} files, {found['records']} records, of which {quarantined} "
        "must be quarantined",
    )
    out.print(line.in_(language()), markup=False)


class _Rate(ProgressColumn):
    """Records made, of how many, and how many a second."""

    def render(self, task: Task) -> Text:
        speed = task.completed / task.elapsed if task.elapsed else 0
        return Text(f"{task.completed:,.0f}/{task.total or 0:,.0f}  {speed:,.0f}/s")


def _keys(data_dir: Path, tables: Tables) -> dict[str, PrivateKey]:
    trusted = [row["kid"] for row in tables["issuers"] if row["state"] == "trusted"]
    try:
        return load_keys(data_dir, trusted)
    except FileNotFoundError:
        raise CannotGenerate(
            f"{data_dir} 中没有沙箱密钥：请先对此数据目录运行一次 zwhub demo",
            f"{data_dir} holds no sandbox keys: run zwhub demo once with this data folder",
        ) from None


def _mix(text: str) -> dict[str, float]:
    """`ES256=92,SM2=8` as weights, in the order of the algorithms."""
    said = dict(part.strip().partition("=")[::2] for part in text.split(","))
    try:
        weights = {name: float(weight) for name, weight in said.items()}
    except ValueError:
        weights = {}
    known = set(Algorithm)
    if (
        not weights
        or not weights.keys() <= known
        or not all(0 < w < _MOST for w in weights.values())
    ):
        raise CannotGenerate(f"--mix 形如 {_MIX}", f"--mix has the form {_MIX}")
    return {name.value: weights[name] for name in Algorithm if name in weights}


def _day(today: datetime | None, said: dict[str, object]) -> date:
    if today is not None:
        return today.replace(tzinfo=BEIJING).date()
    kept = said.get("today")
    if kept is not None:
        return date.fromisoformat(str(kept))
    return civil_date(datetime.now(UTC)) - timedelta(days=1)  # of today, some hours are to come
