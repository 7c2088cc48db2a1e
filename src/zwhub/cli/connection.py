"""A connection (连接): uvicorn's, but a request's head has to come soon and be small.

And an upgrade that is declined costs no body: Java's HttpClient offers h2c with its first request,
and a parser that has seen an upgrade reads no further.
"""

import asyncio
import sys
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS = 10.0  # from the first byte, or from where one is waited for, to the empty line
MOST_HEAD_BYTES = 65_536
_OF_UPGRADES = (b"connection", b"upgrade", b"http2-settings")
_TOO_LATE = b"408 Request Timeout"
_TOO_LARGE = b"431 Request Header Fields Too Large"


class Connection(HttpToolsProtocol):
    """Whoever trickles a head, or sends one without end, is told so and hung up on.

    Bodies are watched where they are read; the pause between two requests is uvicorn's to end.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._awaited: asyncio.TimerHandle | None = None  # while a head is on its way
        self._received = 0
        self._handed_over = False
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type] # as uvicorn declares it
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._data = data
        super().data_received(data)
        self._data = b""
        if self._handed_over or self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._await_head()  # empty lines in front of a head would keep it open for ever
        left_over = cycle is not None and cycle.more_body  # of a body that was refused
        if self._awaited is not None and not left_over:
            self._received += len(data)
            if self._received > MOST_HEAD_BYTES:
                self._hang_up(_TOO_LARGE)

    def handle_websocket_upgrade(self) -> None:
        super().handle_websocket_upgrade()
        self._handed_over = True  # the socket has another protocol, and a patience of its own

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        if not self._declines():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._declines():
            super().on_message_complete()

    def _declines(self) -> bool:
        """Whether the head asks for a protocol that is not spoken here; it is then read anew."""
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Go on in HTTP/1.1 (RFC 9110 §7.8), with another parser and a head that asks for nothing."""
        stopped = sys.exc_info()[1]  # uvicorn calls this where it has caught it
        if not isinstance(stopped, httptools.HttpParserUpgrade):
            return
        lines = [b"%s %s HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [b"%s: %s" % line for line in self.headers if line[0] not in _OF_UPGRADES]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(b"\r\n".join([*lines, b"", self._data[stopped.args[0] :]]))

    def _await_head(self) -> None:
        if self._awaited is None:
            self._received = 0
            self._awaited = self.loop.call_later(HEAD_SECONDS, self._hang_up, _TOO_LATE)

    def _head_is_here(self) -> None:
        if self._awaited is not None:
            self._awaited.cancel()
            self._awaited = None

    def _hang_up(self, status: bytes) -> None:
        self._head_is_here()
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.keep_alive = False  # an answer is on its way: it will be the last
            return
        self.transport.write(
            b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.transport.close()
