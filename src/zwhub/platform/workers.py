"""Workers (工作进程): forked processes that share what they were given, and die with their parent."""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_PR_SET_PDEATHSIG = 1
_given: list[Any] = []


@contextlib.contextmanager
def workers(count: int, given: Any) -> Iterator[ProcessPoolExecutor]:
    """`count` processes that all have `given`, without its being copied to them for each task.

    Enter before an event loop or threads of one's own run: the processes are forked here.
    """
    context = multiprocessing.get_context("fork")
    parent = os.getpid()
    with ProcessPoolExecutor(count, context, _begin, (given, parent)) as pool:
        pool.submit(_ready).result()
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def with_given(function: Callable[..., Any], *arguments: Any) -> Any:
    """In a worker: `function(given, *arguments)`."""
    return function(_given[0], *arguments)


def _begin(given: Any, parent: int) -> None:
    _given[:] = [given]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    gc.freeze()  # what was given stays; tasks make no cycles worth looking for
    gc.set_threshold(200_000)


def _ready() -> None:
    """Nothing; the first task makes the pool fork."""
