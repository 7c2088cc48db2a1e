"""The context (上下文): everything a resolver may reach for, fixed once per request."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from strawberry.types import Info as StrawberryInfo

from zwhub.graph.batching import Batches
from zwhub.kernel.actor import Actor
from zwhub.kernel.crypto.checkpoints import LogKey
from zwhub.kernel.crypto.opaque import OpaqueIds
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.crypto.sealing import Sealer
from zwhub.kernel.crypto.trust import TrustBook
from zwhub.kernel.paging import Cursors
from zwhub.kernel.status_book import StatusBook
from zwhub.kernel.words import Language, Words
from zwhub.kernel.working_days import Calendar
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database

Parent = TypeVar("Parent")
Child = TypeVar("Child")
Kept = TypeVar("Kept")
Batch = Callable[[list[Any], "Context"], Awaitable[Sequence[Any]]]


MOST_LARGE_FILES = 4


@dataclass
class Hub:
    """What one hub process holds for all requests."""

    db: Database
    cache: Cache
    trust: TrustBook
    calendar: Calendar
    cursors: Cursors
    ids: OpaqueIds
    receipts: ReceiptKey
    status_lists: StatusBook
    index_secret: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)
    log_key: LogKey = field(repr=False)
    checkpoint: Path  # the file that remembers how far the ledger has come
    levels: Mapping[str, frozenset[str]]
    operations: Mapping[str, tuple[str, ...]]
    edition: str = ""  # which load of the profile `calendar` and `levels` were read from
    _kept: dict[Callable[["Hub"], Any], Any] = field(default_factory=dict)
    large_files: asyncio.Semaphore = field(  # so many uploads are in memory to be examined
        default_factory=lambda: asyncio.Semaphore(MOST_LARGE_FILES)
    )

    def kept(self, make: Callable[["Hub"], Kept]) -> Kept:
        """What a room holds for all requests: made by `make` at its first use."""
        if make not in self._kept:
            self._kept[make] = make(self)
        found: Kept = self._kept[make]
        return found


@dataclass
class Context:
    """One request: who asks, when, in which language."""

    hub: Hub
    actor: Actor
    now: datetime
    language: Language
    request_id: str
    _loaders: dict[Batch, Batches] = field(default_factory=dict)

    def loader(self, batch: Batch) -> Batches:
        """This request's batching loader for `batch`; parents are told apart by identity."""

        async def run(parents: list[Any]) -> Sequence[Any]:
            return await batch(parents, self)

        if batch not in self._loaders:
            self._loaders[batch] = Batches(run)
        return self._loaders[batch]

    def say(self, words: Words) -> str:
        """The message in the caller's language."""
        return words.in_(self.language)


Info = StrawberryInfo[Context, None]
