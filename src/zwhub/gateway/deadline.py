"""Deadlines (时限): so many seconds for what is done here, at the price of one timer."""

import asyncio
from types import TracebackType


class Deadline:
    """`with Deadline(10): await …` raises `TimeoutError` when the time is over.

    As `asyncio.timeout`, but for what that keeps to be asked and put off.
    """

    __slots__ = ("_cancelling", "_over", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._over = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task, self._cancelling = task, task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        # Somebody else may want the task cancelled too: then it is their cancellation.
        over = self._over and self._task.uncancel() <= self._cancelling
        if over and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _end(self) -> None:
        self._over = True
        self._task.cancel()
