"""A real server (真实服务器): an ASGI app on a free local port, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from zwhub.cli.connection import Connection


def bound() -> socket.socket:
    """A socket on a free local port, its address known before the app is made."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """The app's `host:port` while it serves, on a socket that is bound already or on a new one."""
    with listener or bound() as listening:
        config = uvicorn.Config(
            app, http=Connection, log_config=None, ws="websockets-sansio", lifespan="off"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        host, port = listening.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            server.should_exit = True
            await task
