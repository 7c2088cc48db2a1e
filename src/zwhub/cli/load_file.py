"""A file on its way in (归集文件): what it is, by what it is judged, how far it has come."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.directory import store as directory
from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.licences import store_deliveries
from zwhub.licences.batch import BatchVerdict, DeliveredFile, check_batch
from zwhub.licences.deliveries.read import Mark, batch_signature, examined, kind_of, mark_of
from zwhub.licences.deliveries.rows import Unreadable
from zwhub.licences.model import Delivery
from zwhub.licences.trust import trust_list
from zwhub.platform.database import Database

DONE = "done"  # where a delivery stands whose last row is stored


class Failed(Exception):
    """A file could not be loaded to its end; `words` name it and say why."""

    def __init__(self, path: Path, words: Words) -> None:
        self.words = Words(f"{path}：{words.zh}", f"{path}: {words.en}")
        super().__init__(self.words.en)


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """Whatever is wrong with the file, or with loading it, is told as `Failed`."""
    try:
        yield
    except (Unreadable, Refused) as problem:
        raise Failed(path, problem.words) from None


@dataclass(frozen=True, slots=True)
class Standing:
    """What all files are judged by, as long as nobody changes it."""

    trust: TrustList
    types: frozenset[str]

    @classmethod
    async def read(cls, session: AsyncSession, book: TrustBook) -> "Standing":
        """As it is now. Raises `Unreadable` where the directory is empty."""
        types = frozenset(row.code for row in await directory.licence_types(session))
        if not types:
            words = (
                "尚未加载资料（zwhub profile load）",
                "no profile is loaded (zwhub profile load)",
            )
            raise Unreadable(*words)
        return cls(await trust_list(session, book), types)

    def same_as(self, other: "Standing") -> bool:
        return self.trust.version == other.trust.version and self.types == other.types


@dataclass(frozen=True, slots=True)
class File:
    """One file: `resume` and `counts` tell how far an earlier run has come.

    `verdict` is that on its batch signature, if there is one.
    """

    path: Path
    mark: Mark | None
    delivered: DeliveredFile
    verdict: BatchVerdict | None
    at: datetime
    resume: str
    counts: Mapping[str, int]
    dry: bool

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_done(self) -> bool:
        return not self.dry and self.resume == DONE

    @property
    def vouched(self) -> BatchVerdict | None:
        """The verdict, where the batch signature is believed."""
        return self.verdict if self.verdict is not None and self.verdict.trusted else None

    @property
    def doubt(self) -> Words | None:
        """Why its batch signature is not believed."""
        return None if self.verdict is None or self.verdict.trusted else self.verdict.words

    @property
    def expected(self) -> int | None:
        """How many rows it has, as its issuer signed."""
        batch = self.verdict and self.verdict.batch
        return batch.records if batch else None

    def require_unchanged(self) -> None:
        """What was read is what was examined; else `Unreadable`."""
        if mark_of(self.path) != self.mark:
            zh = "文件在加载过程中被改动：请勿改动后重新加载"
            raise Unreadable(zh, "the file was changed while it was being loaded: load it again")


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look at the file alone tells."""

    path: Path
    mark: Mark | None
    delivered: DeliveredFile
    signature: bytes | None


def examine(path: Path) -> Examined:
    """Read all of the file once, for its digest. Raises `Unreadable`."""
    kind_of(path)
    mark = mark_of(path)
    try:
        return Examined(path, mark, examined(path), batch_signature(path))
    except OSError:
        raise Unreadable("文件无法读取", "the file cannot be read") from None


async def begin(db: Database, found: Examined, trust: TrustList, *, dry: bool) -> File:
    """The file as it stands, begun now where it was not."""
    now = datetime.now(UTC)
    delivered = found.delivered
    new = Delivery(sha256=delivered.sha256, name=delivered.name, size=delivered.size, begun_at=now)
    new.resume, new.counts = "", {}
    if not dry:
        async with db.write() as session:
            new = await store_deliveries.begin(session, new)
    verdict = None
    if found.signature is not None:  # its chain of certificates takes a while
        verdict = await asyncio.to_thread(check_batch, found.signature, delivered, trust, now)
    return File(found.path, found.mark, delivered, verdict, now, new.resume, dict(new.counts), dry)
