"""Watching servers (看护内置服务): one that ends while the hub lives is told, or started again."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from zwhub.platform.embedded.child import Child
from zwhub.platform.embedded.failure import EmbeddedFailed, Say, ended, restarting

_LOOK_EVERY = 0.2  # seconds
PAUSE = 20.0  # seconds from one start of a server to the next: three times a minute at most

Start = Callable[[], contextlib.AbstractContextManager[Child]]


@contextlib.contextmanager
def watched(child: Child, lost: Callable[[], None]) -> Iterator[None]:
    """Call `lost` from another thread when `child` ends before the block does.

    The block then ends with `EmbeddedFailed`, whatever else it would have ended with: what failed
    in it failed for want of the server.
    """
    gone = threading.Event()

    def watch(leaving: threading.Event) -> None:
        if _outlived(child, leaving):
            gone.set()
            lost()

    try:
        with _beside(watch):
            yield
    finally:
        if gone.is_set():
            raise EmbeddedFailed(ended(child.way.name))


@contextlib.contextmanager
def kept_running(start: Start, say: Say) -> Iterator[None]:
    """A server while the block runs: one that ends is started again, and `say` hears of it.

    Raises `EmbeddedFailed` when the first start fails; a later one that fails is tried again.
    """
    with start() as child:

        def keep(leaving: threading.Event) -> None:
            started = time.monotonic()
            ended = _outlived(child, leaving)
            while ended and not leaving.wait(max(0.0, started + PAUSE - time.monotonic())):
                say(restarting(child.way.name))
                started = time.monotonic()
                # The death signal follows this thread, which lives as long as what it starts.
                with contextlib.suppress(EmbeddedFailed, OSError), start() as again:
                    ended = _outlived(again, leaving)

        with _beside(keep):
            yield


@contextlib.contextmanager
def _beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """`work` on a thread of its own; the event tells it to end with the block."""
    leaving = threading.Event()
    thread = threading.Thread(target=work, args=(leaving,), name="zwhub-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        thread.join()


def _outlived(child: Child, leaving: threading.Event) -> bool:
    """Wait; whether the server ended before we are leaving."""
    while not leaving.wait(_LOOK_EVERY):
        if child.process.poll() is not None:
            return True
    return False
