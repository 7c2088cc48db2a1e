"""A server under our care (受管的子进程): it starts bounded in time, and dies with the hub."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zwhub.kernel.words import Words
from zwhub.platform.embedded.failure import EmbeddedFailed, stopped, too_slow
from zwhub.platform.embedded.home import Account

START_LIMIT = 600.0  # seconds; recovery after a crash, with GBs to replay, may need many of them
_TAIL_LINES, _TAIL_WIDTH = 12, 300
# Nothing of the hub's own environment (it holds secrets) reaches a server.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Way:
    """How one server is started and stopped.

    `stop` is the signal of a clean and quick stop; the kernel sends it when the hub dies, too.
    `patience` is how many seconds it may take before harder signals follow.
    """

    name: Words
    account: Account
    log: Path
    lock: int
    stop: signal.Signals
    patience: float


@dataclass(frozen=True, slots=True)
class Child:
    """One running server."""

    way: Way
    process: subprocess.Popen[bytes]

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Raises `EmbeddedFailed`, with the end of the log, when the server ends or hangs."""
        deadline = time.monotonic() + START_LIMIT
        while not ready():
            if self.process.poll() is not None:
                raise EmbeddedFailed(stopped(self.way.name, _tail(self.way.log)))
            if time.monotonic() > deadline:
                raise EmbeddedFailed(too_slow(self.way.name, START_LIMIT, _tail(self.way.log)))
            time.sleep(0.01)

    def stop(self) -> None:
        for number, seconds in (
            (self.way.stop, self.way.patience),
            (signal.SIGQUIT, 5.0),
            (signal.SIGKILL, 5.0),
        ):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.send_signal(number)
                self.process.wait(seconds)
                return


@contextlib.contextmanager
def running(way: Way, command: list[str], words: bytes = b"") -> Iterator[Child]:
    """`command` as a child that reads `words`; stopped at the end.

    The kernel's death signal follows the *thread* that calls this: call it from one that lives
    as long as the server.
    """
    child = Child(way, _launched(way, command, words))
    try:
        yield child
    finally:
        child.stop()


def run_to_end(way: Way, command: list[str], words: bytes = b"") -> None:
    """Run `command` until it ends by itself; raises `EmbeddedFailed` when it does not end well."""
    with running(way, command, words) as child:
        child.wait_until(lambda: child.process.poll() == 0)


def fresh_log(path: Path) -> Path:
    """An empty private log at `path`; the one of the start before is kept beside it."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_suffix(".previous.log"))
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return path


def _launched(way: Way, command: list[str], words: bytes) -> subprocess.Popen[bytes]:
    launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
    numbers = (way.stop, os.getpid(), way.account.uid, way.account.gid)
    with way.log.open("ab") as log, _pipe_with(words) as standard_input:
        return subprocess.Popen(  # noqa: S603 - our own programs and arguments
            [*launcher, *(str(int(number)) for number in numbers), *command],
            stdin=standard_input,
            stdout=log,
            stderr=log,
            env=_ENVIRONMENT,
            pass_fds=(way.lock,),
            start_new_session=True,  # the terminal's Ctrl-C is the hub's to handle
        )


@contextlib.contextmanager
def _pipe_with(words: bytes) -> Iterator[int]:
    """The reading end of a pipe that holds `words` already; a page of them always fits."""
    reading, writing = os.pipe()
    os.write(writing, words)
    os.close(writing)
    try:
        yield reading
    finally:
        os.close(reading)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
    return "\n".join(f"  {line[:_TAIL_WIDTH]}" for line in lines)
