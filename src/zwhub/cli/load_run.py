"""A load (批量入库): file after file through the same workers, without a pause between them."""

import asyncio
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec
import uvloop

from zwhub.cli.load_file import File, Standing, begin, examine, failing
from zwhub.cli.load_store import Storing, Telling
from zwhub.cli.standing import opened
from zwhub.kernel.crypto.trust import TrustBook
from zwhub.licences.batch import BatchVerdict
from zwhub.licences.deliveries.read import Chunk, read
from zwhub.licences.deliveries.rows import Row, Unreadable
from zwhub.licences.intake import Judged, prepare
from zwhub.licences.judging import Standards
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database
from zwhub.platform.workers import with_given, workers

_AHEAD = 2  # chunks that are judged or read beyond those the workers have
_Result = TypeVar("_Result")


def run(
    url: str, vault: Vault, paths: Sequence[Path], count: int, telling: Telling, *, dry: bool
) -> None:
    """Load the files with `count` workers. Raises `Failed`.

    Workers are forked while no event loop runs, with what they judge by; again where that has
    changed between two files.
    """
    left = list(paths)
    while left:
        with failing(left[0]):
            judge = _Judge(_ran(_standing(url)), vault)
        with workers(count, judge) as pool:
            load = _Load(judge, pool, count + _AHEAD, telling, dry)
            left = left[_ran(load.files(url, left)) :]


def _ran(work: Coroutine[None, None, _Result]) -> _Result:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def _standing(url: str) -> Standing:
    async with opened(url) as db, db.write() as session:
        return await Standing.read(session, TrustBook())


# ── in a worker ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Judge:
    """What the workers have: by what all files are judged, and how records are kept."""

    standing: Standing
    vault: Vault


def _prepare(
    judge: _Judge, rows: Iterable[Row], at: datetime, vouched: BatchVerdict | None
) -> bytes:
    standing, vouches = judge.standing, _nobody if vouched is None else vouched.vouches_for
    by = Standards(standing.trust, standing.types, at, vouches)
    return _encode(prepare(rows, by, judge.vault))


def _nobody(_: object) -> bool:
    return False


# Between processes: a tenth of what pickling objects costs.
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Judged).decode


# ── in the process that stores ──────────────────────────────────────────────────────────────────


class _Item(NamedTuple):
    """A chunk that a worker judges; or a file's beginning or end, which nobody judges."""

    file: File
    chunk: Chunk | None = None
    judged: "asyncio.Future[bytes] | None" = None


class _Load:
    """Some files in their order: read and judged a little ahead of what is being stored."""

    def __init__(
        self, judge: _Judge, pool: Executor, most: int, telling: Telling, dry: bool
    ) -> None:
        self._judge, self._pool, self._telling, self._dry = judge, pool, telling, dry
        self._room = asyncio.Semaphore(most)  # for chunks that are read and not yet stored
        self._items: asyncio.Queue[_Item | None] = asyncio.Queue()
        self._book = TrustBook(judge.standing.trust)

    async def files(self, url: str, paths: Sequence[Path]) -> int:
        """Load files until all are in, or what they are judged by changes; how many are in."""
        async with opened(url) as db:
            reading = asyncio.create_task(self._read(db, paths))
            try:
                await self._store(db)
                return await reading
            finally:
                reading.cancel()
                await asyncio.gather(reading, *self._left(), return_exceptions=True)

    def _left(self) -> "Iterator[asyncio.Future[bytes]]":
        """What nobody waits for any more."""
        while not self._items.empty():
            item = self._items.get_nowait()
            if item is not None and item.judged is not None:
                item.judged.cancel()
                yield item.judged

    async def _read(self, db: Database, paths: Sequence[Path]) -> int:
        begun: set[str] = set()
        try:
            for done, path in enumerate(paths):
                with failing(path):
                    found = await asyncio.to_thread(examine, path)
                    if found.delivered.sha256 in begun:
                        await self._items.join()  # the same content: it goes on where that ended
                    begun.add(found.delivered.sha256)
                    if not await self._is_as_before(db):
                        return done
                    await self._judge_all(
                        await begin(db, found, self._judge.standing.trust, dry=self._dry)
                    )
            return len(paths)
        finally:
            self._items.put_nowait(None)

    async def _is_as_before(self, db: Database) -> bool:
        async with db.write() as session:
            return (await Standing.read(session, self._book)).same_as(self._judge.standing)

    async def _judge_all(self, file: File) -> None:
        """Hand the file's chunks to the workers, as fast as they are stored."""
        loop, chunks = asyncio.get_running_loop(), read(file.path, file.resume)
        self._items.put_nowait(_Item(file))
        while not file.is_done:
            await self._room.acquire()
            chunk = await asyncio.to_thread(next, chunks, None)
            if chunk is None:
                self._room.release()
                break
            given = (chunk.rows, file.at, file.vouched)
            judged = loop.run_in_executor(self._pool, with_given, _prepare, *given)
            self._items.put_nowait(_Item(file, chunk, judged))
        self._items.put_nowait(_Item(file))

    async def _store(self, db: Database) -> None:
        storing: Storing | None = None
        while (item := await self._items.get()) is not None:
            with failing(item.file.path):
                if storing is None:
                    storing = Storing(db, self._judge.vault, item.file, self._telling)
                elif item.chunk is None or item.judged is None:
                    await storing.finish()
                    storing = None
                else:
                    await storing.store(item.chunk, _decode(await _sound(item.judged)))
                    self._room.release()
            self._items.task_done()


async def _sound(judged: "asyncio.Future[bytes]") -> bytes:
    """What a worker made of a chunk; `Unreadable` where it could not."""
    try:
        return await judged
    except BrokenProcessPool:
        zh, en = "工作进程意外终止", "a worker process ended unexpectedly"
        raise Unreadable(f"{zh}（内存不足？）", f"{en} (out of memory?)") from None
    except OSError:
        raise Unreadable("文件无法读取", "the file cannot be read") from None
