"""Batching (批量取数): one relation of many parents, asked for in one go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

Ask = Callable[[list[Any]], Awaitable[Sequence[Any]]]
Answer = asyncio.Future[Any]

# Parents of one level come forward within a few turns of the event loop, not all in one: the
# executor is done with a list of one sooner than with a longer list. The level is taken to be
# complete when this many turns brought nobody new.
_QUIET_TURNS = 3


@dataclass
class _Batch:
    """The parents of one level, the answers they wait for, and the asking once it began."""

    parents: list[Any] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    asking: asyncio.Task[None] | None = None

    @property
    def abandoned(self) -> bool:
        return all(one.cancelled() for one in self.answers)

    def left(self, _: Answer) -> None:
        """When nobody waits any more, stop asking."""
        if self.asking is not None and self.abandoned:
            self.asking.cancel()


class Batches:
    """Answers for parents told apart by identity; each parent is asked about once.

    A parent is kept for as long as its answer: else another object could come to stand at its
    address and be given an answer that is not its own.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[int, tuple[Any, Answer]] = {}
        self._open: _Batch | None = None
        self._running: set[asyncio.Task[None]] = set()  # the loop itself holds tasks but weakly

    def load(self, parent: Any) -> Answer:
        """The parent's answer, asked for together with its level's."""
        if id(parent) not in self._known:
            self._known[id(parent)] = parent, self._join(parent)
        return self._known[id(parent)][1]

    async def load_many(self, parents: Iterable[Any]) -> list[Any]:
        """The parents' answers, in their order."""
        return await asyncio.gather(*map(self.load, parents))

    def _join(self, parent: Any) -> Answer:
        if self._open is None:
            self._open = _Batch()
            self._running.add(task := asyncio.create_task(self._run(self._open)))
            task.add_done_callback(self._running.discard)
        answer: Answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(self._open.left)
        self._open.parents.append(parent)
        self._open.answers.append(answer)
        return answer

    async def _run(self, batch: _Batch) -> None:
        await _complete(batch)
        self._open = None
        if batch.abandoned:
            return
        batch.asking = asyncio.current_task()
        try:
            found = list(zip(batch.answers, await self._ask(batch.parents), strict=True))
        except Exception as error:
            for answer in batch.answers:
                if not answer.done():
                    answer.set_exception(error)
            return
        for answer, value in found:
            if not answer.done():
                answer.set_result(value)


async def _complete(batch: _Batch) -> None:
    """Return once nobody joins the batch any more."""
    quiet, size = 0, 0
    while quiet < _QUIET_TURNS:
        await asyncio.sleep(0)
        quiet = quiet + 1 if len(batch.parents) == size else 0
        size = len(batch.parents)
