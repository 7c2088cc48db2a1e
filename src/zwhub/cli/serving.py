"""Serving (运行): one socket, one process, one clear line when it is ready."""

import socket
import sys

import uvicorn
from starlette.types import ASGIApp

from zwhub.cli.connection import Connection
from zwhub.cli.speak import refuse
from zwhub.kernel.words import Words
from zwhub.platform.memory import settle_memory

GRACE_SECONDS = 10


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, before anything else is started: a taken port costs no time."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(512)
    except OverflowError:
        listening.close()
        refuse(Words("端口须在 0 至 65535 之间。", "A port is a number from 0 to 65535."))
    except (OSError, UnicodeError):  # a name of a host can be too long to be looked up
        listening.close()
        refuse(
            Words(
                f"无法监听 {host}:{port}：端口被占用或地址不可用；请换 --port。",
                f"Cannot listen on {host}:{port}: in use or not available; try another --port.",
            )
        )
    return listening


def address_of(host: str, listening: socket.socket) -> str:
    """Where a browser finds it; an IPv6 address stands in brackets (RFC 3986 §3.2.2)."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{listening.getsockname()[1]}"


class _Announcing(uvicorn.Server):
    """Says that it is ready as soon as it serves, and not before."""

    def __init__(self, config: uvicorn.Config, ready: str) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            settle_memory()
            sys.stdout.write(self._ready + "\n")
            sys.stdout.flush()


def serve_app(app: ASGIApp, listening: socket.socket, *, ready: str) -> None:
    """Serve until SIGINT or SIGTERM; running requests get a moment to finish."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Connection,
        ws="websockets-sansio",
        ws_max_size=256 * 1024,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _Announcing(config, ready).run(sockets=[listening])
