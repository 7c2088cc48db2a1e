"""GraphQL over WebSocket (订阅通道): the protocol `graphql-transport-ws`, and no other."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from zwhub.gateway.conversation import Close, Conversation
from zwhub.gateway.execution import Answer, Engine
from zwhub.gateway.http import Callers, Contexts
from zwhub.gateway.request import Call

PROTOCOL = "graphql-transport-ws"


@dataclass(slots=True)
class GraphQLSocket:
    """The ASGI app for `WebSocketRoute("/graphql", socket)`.

    The caller is known by the Authorization of the handshake or, for browsers, by
    `{"Authorization": "Bearer …"}` in the payload of `connection_init`, which wins. The socket
    closes with 4401 when the token expires.
    """

    engine: Engine
    callers: Callers
    contexts: Contexts
    open: int = 0
    # Mutations whose caller left: they run to their end, and this set keeps them alive.
    orphans: set["asyncio.Task[Answer]"] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket, call = WebSocket(scope, receive, send), Call.of(scope)
        if not self._welcome(call.headers):
            await socket.close(4403)  # before the handshake: HTTP 403
            return
        known = PROTOCOL in scope.get("subprotocols", ())
        await socket.accept(subprotocol=PROTOCOL if known else None)
        self.open += 1
        self.engine.metrics.sockets.inc()
        try:
            await self._serve(self._conversation(socket, call), known)
        finally:
            self.open -= 1
            self.engine.metrics.sockets.dec()

    async def _serve(self, conversation: Conversation, known: bool) -> None:
        try:
            if not known:
                raise Close(4406, "Subprotocol not acceptable")
            if self.open > self.engine.door.socket.connections:
                raise Close(1013, "Too many connections, try again later")
            await conversation.listen()
        except Close as close:
            with suppress(RuntimeError, WebSocketDisconnect):  # gone before we were
                await conversation.socket.close(close.code, close.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await conversation.end()

    def _conversation(self, socket: WebSocket, call: Call) -> Conversation:
        return Conversation(self.engine, self.callers, self.contexts, self.orphans, socket, call)

    def _welcome(self, headers: Mapping[str, str]) -> bool:
        """A page may connect from the hub's own origin or a listed one (RFC 6455 §10.2)."""
        origin = headers.get("origin")
        if origin is None or origin in self.engine.door.allowed_origins:
            return True
        return urlsplit(origin).netloc == headers.get("host")
