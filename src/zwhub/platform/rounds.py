"""Rounds (合批办理): what many requests ask at the same time is asked once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar, cast

from sqlalchemy.exc import DataError, IntegrityError

from zwhub.platform.reading import UNFIT

Asked = TypeVar("Asked")
Told = TypeVar("Told")

_Question = tuple[Asked, "asyncio.Future[Told]"]

_AT_ONCE = 2  # rounds of one kind that run beside each other
_MOST = 128  # questions of one round, so that none waits long for the others


class Rounds(Generic[Asked, Told]):
    """Questions that come while others are being answered wait, and are answered together.

    So rounds grow with the load, and a statement is paid for by all who needed it. A question
    never joins a round that has begun: whatever was acknowledged before it was asked counts in
    its answer. The same question twice in a round is the business of `answer`, which gives the
    answers in the order of the questions.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Asked]], Awaitable[Sequence[Told]]],
        *,
        most: int = _MOST,
        at_once: int = _AT_ONCE,
    ) -> None:
        self._answer = answer
        self._most, self._at_once = most, at_once
        self._waiting: deque[_Question[Asked, Told]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._beginning = False

    async def ask(self, asked: Asked) -> Told:
        """The answer, or what the round raised. Whoever leaves does not take the round along."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Told] = loop.create_future()
        self._waiting.append((asked, answer))
        if not self._beginning and len(self._running) < self._at_once:
            self._beginning = True
            # A context of its own: what a round logs is no single request's.
            self._running.add(loop.create_task(self._run(), context=Context()))
        return await answer

    async def _run(self) -> None:
        self._beginning = False
        try:
            while self._waiting:
                size = min(len(self._waiting), self._most)
                await self._tell([self._waiting.popleft() for _ in range(size)])
        finally:
            # Now, not when the loop has seen the task end: who asks in between would wait forever.
            self._running.remove(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _tell(self, part: "Sequence[_Question[Asked, Told]]") -> None:
        try:
            told = await self._answer([asked for asked, _ in part])
        except asyncio.CancelledError:  # the loop ends
            for _, answer in part:
                answer.cancel()
            raise
        except Exception as error:
            await self._failed(part, error)
            return
        for (_, answer), value in zip(part, told, strict=True):
            if not answer.done():
                answer.set_result(value)

    async def _failed(self, part: "Sequence[_Question[Asked, Told]]", error: Exception) -> None:
        if len(part) > 1 and isinstance(error, _SOMEBODYS_FAULT):
            for one in part:  # the fault of one is not the others'
                await self._tell([one])
            return
        for _, answer in part:
            if not answer.done():
                answer.set_exception(error)


# What a single question's values can bring about; a database that is away is everybody's.
_SOMEBODYS_FAULT = (DataError, IntegrityError, ValueError, *UNFIT)
