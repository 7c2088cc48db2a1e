"""Generate licences (生成证照): a recipe's part files, on all cores, resumed where it was stopped."""

import contextlib
import fcntl
import json
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.kernel.words import Words
from zwhub.platform.private_files import private_folder, read_private, write_private
from zwhub.profile.holders import Tables
from zwhub.profile.part import DONE, Workshop
from zwhub.profile.recipe import Part, Recipe, parts

RECIPE, EXPECTED = "recipe.json", "expected.json"
_LOCK = ".lock"
_LEAD = 30  # days
_TURN = 0.2  # seconds between two looks at the progress


class CannotGenerate(Exception):
    """The folder cannot be filled; `words` says why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


def generate(
    recipe: Recipe,
    folder: Path,
    tables: Tables,
    sample: dict[str, Any],
    keys: Mapping[str, PrivateKey],
    workers: int,
    progress: Callable[[int], None],
) -> dict[str, Any]:
    """Fill `folder` with the recipe's parts; what `expected.json` then says.

    A part that is complete is left as it is. `progress` is told of the records of parts found
    complete, then of those made. Raises `CannotGenerate`; a private folder's `NotPrivate`.
    """
    _require_day(recipe.today, tables)
    private_folder(folder)
    with _alone(folder):
        _agree(folder, recipe)
        for left_over in folder.glob(".part-*"):
            left_over.unlink()
        planned = parts(recipe, tables)
        missing = [part for part in planned if not (folder / _done(part, recipe)).exists()]
        progress(recipe.count - sum(part.records for part in missing))
        if missing:
            _make_all(missing, (recipe, tables, sample, _pems(keys)), folder, workers, progress)
        expected = _expected(folder, planned, recipe)
        write_private(folder / EXPECTED, _json(expected))
    return expected


def _require_day(today: date, tables: Tables) -> None:
    """A day on which every issuer has a certificate, and has had one for a while."""
    terms: dict[str, list[tuple[date, date]]] = {}
    for row in tables["issuers"]:
        if row["state"] == "trusted":
            term = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_until"])
            terms.setdefault(row["issuer"], []).append(term)
    first = max(min(begin for begin, _ in of) for of in terms.values()) + timedelta(days=_LEAD)
    last = min(max(end for _, end in of) for of in terms.values())
    if not first <= today <= last:
        raise CannotGenerate(
            f"--today 须在 {first} 至 {last} 之间：其他日子有机构没有证书",
            f"--today must lie between {first} and {last}: "
            "on other days some issuer has no certificate",
        )


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotGenerate(
            "另一进程正在此文件夹中生成", "another process is filling this folder"
        ) from None
    finally:
        os.close(descriptor)


def recipe_of(folder: Path) -> dict[str, Any]:
    """What `recipe.json` of a folder says; nothing for a folder without one."""
    try:
        said = json.loads(read_private(folder / RECIPE))
    except FileNotFoundError:
        return {}
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise CannotGenerate(f"{RECIPE} 已损坏", f"{RECIPE} of the folder is damaged")
    return said


def _agree(folder: Path, recipe: Recipe) -> None:
    """The folder belongs to this recipe from now on. Raises `CannotGenerate`."""
    said, mine = recipe_of(folder), json.loads(_json(recipe.said()))
    if not said:
        if any(not one.name.startswith(".") for one in folder.iterdir()):
            raise CannotGenerate("文件夹不是空的", "the folder is not empty")
        write_private(folder / RECIPE, _json(mine))
    elif said != mine:
        names = ", ".join(name for name in mine if said.get(name) != mine[name])
        raise CannotGenerate(
            f"此文件夹属于另一配方（{names} 不同）：请换一个文件夹",
            f"the folder belongs to another recipe ({names} differ): take another folder",
        )


def _done(part: Part, recipe: Recipe) -> str:
    return DONE + part.name(recipe.kind)


def _pems(keys: Mapping[str, PrivateKey]) -> dict[str, str]:
    return {kid: key.pem() for kid, key in keys.items()}


def _make_all(
    missing: Sequence[Part],
    knowledge: tuple[Any, ...],
    folder: Path,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    """Every missing part, on `workers` processes; the first failure ends it."""
    spawn = multiprocessing.get_context("spawn")
    made, known = spawn.Value("q", 0), 0
    start = (os.getpid(), made, *knowledge)
    with ProcessPoolExecutor(workers, spawn, _started, start) as pool:
        pending = {pool.submit(_make, part, folder) for part in missing}
        try:
            while pending:
                done, pending = wait(pending, _TURN, "FIRST_EXCEPTION")
                for one in done:
                    one.result()
                now = made.value
                progress(now - known)
                known = now
        finally:
            pool.shutdown(cancel_futures=True)


_WORKER: dict[str, Any] = {}


def _started(
    parent: int,
    made: Any,
    recipe: Recipe,
    tables: Tables,
    sample: dict[str, Any],
    pems: Mapping[str, str],
) -> None:
    """What a worker knows. It ends with its parent, also where that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    keys = {kid: PrivateKey.from_pem(pem) for kid, pem in pems.items()}
    _WORKER["workshop"], _WORKER["made"] = Workshop(recipe, tables, sample, keys), made


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_TURN)
    os._exit(1)


def _make(part: Part, folder: Path) -> None:
    made = _WORKER["made"]

    def told(records: int) -> None:
        with made.get_lock():
            made.value += records

    _WORKER["workshop"].make(part, folder, told)


def _expected(folder: Path, planned: Sequence[Part], recipe: Recipe) -> dict[str, Any]:
    """What a loader must find in all parts together."""
    counts: Counter[str] = Counter()
    forged: list[dict[str, Any]] = []
    for part in planned:
        told = json.loads(read_private(folder / _done(part, recipe)))
        counts.update(told["counts"])
        forged += told["forged"]
    return {
        "records": recipe.count,
        "accepted": counts.pop("accepted", 0),
        "quarantined": _under("quarantined.", counts),
        "status": _under("status.", counts),
        "algorithm": _under("algorithm.", counts),
        "holder": _under("holder.", counts),
        **{name: counts[name] for name in sorted(counts) if "." not in name},
        "files": [
            {"file": part.name(recipe.kind), "records": part.records, "vouched": part.vouched}
            for part in planned
        ],
        "forged": forged,
    }


def _under(prefix: str, counts: Counter[str]) -> dict[str, int]:
    names = sorted(name for name in counts if name.startswith(prefix))
    return {name.removeprefix(prefix): counts[name] for name in names}


def _json(said: Mapping[str, Any]) -> bytes:
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()
