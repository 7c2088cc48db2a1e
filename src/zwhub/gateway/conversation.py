"""A conversation (会话): one client of `graphql-transport-ws`, from its init to its close."""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

import orjson
import structlog
from graphql import OperationType
from starlette.websockets import WebSocket, WebSocketDisconnect
from structlog.contextvars import bind_contextvars

from zwhub.gateway.decode import decode_json, refuse_nul
from zwhub.gateway.execution import Answer, Engine, Manner, Ready
from zwhub.gateway.failures import failed, outcome_of
from zwhub.gateway.http import Callers, Contexts
from zwhub.gateway.metrics import Outcome
from zwhub.gateway.problems import Code, Problem, TurnedAway, refused_at_door, written
from zwhub.gateway.request import Call, asked_from
from zwhub.kernel.actor import Actor
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words

log = structlog.get_logger("zwhub.gateway")


class Close(Exception):
    """The connection must end, with this code and reason (both are the protocol's own)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(slots=True)
class Conversation:
    """One client: who it is, and its operations under way by id."""

    engine: Engine
    callers: Callers
    contexts: Contexts
    orphans: set["asyncio.Task[Answer]"]
    socket: WebSocket
    call: Call
    actor: Actor | None = None
    initialised: bool = False
    running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    # Also those whose id is free again while their last message is still being written.
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listen(self) -> None:
        """Read messages until somebody ends it: `Close` by us, `WebSocketDisconnect` by them."""
        try:
            async with asyncio.timeout(self.engine.door.socket.init_seconds):
                while self.actor is None:
                    await self._next_message()
        except TimeoutError:
            raise Close(4408, "Connection initialisation timeout") from None
        try:
            async with asyncio.timeout(_seconds_left(self.actor)):
                while True:
                    await self._next_message()
        except TimeoutError:
            raise Close(4401, "Token expired") from None

    async def end(self) -> None:
        """Stop what still runs; a mutation alone goes on to its end."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _next_message(self) -> None:
        received = await self.socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", 1005))
        text = received.get("text")
        if text is None:
            raise Close(4400, "Binary messages are not part of the protocol")
        body = text.encode("utf-8", "surrogatepass")
        if len(body) > self.engine.door.socket.message_bytes:
            raise Close(1009, "Message too big")
        await self._handle(body)

    async def _handle(self, body: bytes) -> None:
        message = _message(body, self.engine.door.body_values)
        match message.get("type"):
            case "connection_init":
                await self._init(_payload(message))
            case "ping":
                payload = _payload(message)
                echo = {} if payload is None else {"payload": payload}
                await self._send({"type": "pong", **echo})
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message, body)
            case "complete":
                self._stop(_id(message))
            case _:
                raise Close(4400, "Invalid message: unknown type")

    async def _init(self, payload: dict[str, Any] | None) -> None:
        if self.initialised:
            raise Close(4429, "Too many initialisation requests")
        self.initialised = True
        named = {name.lower(): value for name, value in (payload or {}).items()}
        token = named.get("authorization", self.call.headers.get("authorization"))
        if token is not None and not isinstance(token, str):
            raise Close(4400, "Invalid message: Authorization must be a string")
        try:
            self.actor = await self.callers(token)
        except Refused:
            raise Close(4403, "Forbidden") from None
        except Exception:
            log.exception("a caller could not be identified")
            raise Close(1011, "Internal error") from None
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, message: dict[str, Any], body: bytes) -> None:
        actor, operation = self.actor, _id(message)
        if actor is None:
            raise Close(4401, "Unauthorized")
        if operation in self.running:
            raise Close(4409, f"Subscriber for {operation} already exists")
        payload = _payload(message)
        if payload is None:
            raise Close(4400, "Invalid message: subscribe needs a payload")
        if len(self.running) >= self.engine.door.socket.operations:
            await self._refuse(operation, TurnedAway(_TOO_MANY), uuid4().hex)
            return
        task = asyncio.create_task(self._operate(operation, payload, body, actor))
        self.running[operation] = task
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _stop(self, operation: str) -> None:
        task = self.running.pop(operation, None)
        if task is not None:
            task.cancel()

    async def _operate(
        self, operation: str, payload: dict[str, Any], body: bytes, actor: Actor
    ) -> None:
        """One operation from its document to its `complete` or `error`, counted at the end."""
        request_id, started = uuid4().hex, perf_counter()
        bind_contextvars(request_id=request_id)
        kind, outcome = "none", Outcome.GONE
        try:
            refuse_nul(body, payload)
            ready = self.engine.ready(asked_from(payload), actor)
            kind = ready.kind.value
            context = self.contexts(actor, self.call.language, request_id)
            manner = Manner(context, self.call.language, request_id)
            outcome = await self._deliver(operation, ready, manner)
        except WebSocketDisconnect:
            pass
        except Exception as error:
            turned = _as_turned_away(error)
            outcome = outcome_of(turned)
            await self._refuse(operation, turned, request_id)
        finally:
            seconds = None if kind == "subscription" else perf_counter() - started
            self.engine.metrics.request(kind, outcome, seconds)

    async def _deliver(self, operation: str, ready: Ready, manner: Manner) -> Outcome:
        if ready.kind is OperationType.SUBSCRIPTION:
            # The next event is asked for when this one is written: a slow reader slows its source.
            async with aclosing(self.engine.events(ready, manner)) as answers:
                async for answer in answers:
                    await self._next(operation, answer)
            await self._complete(operation)
            return Outcome.OK
        if ready.kind is OperationType.MUTATION:
            answer = await self._to_its_end(ready, manner)
        else:
            answer = await self.engine.run(ready, manner)
        await self._next(operation, answer)
        await self._complete(operation)
        return answer.outcome

    async def _to_its_end(self, ready: Ready, manner: Manner) -> Answer:
        """Run a mutation that outlives its caller: half of it must not happen."""
        task = asyncio.create_task(self.engine.run(ready, manner))
        self.orphans.add(task)
        task.add_done_callback(self.orphans.discard)
        task.add_done_callback(_observe)
        return await asyncio.shield(task)

    async def _next(self, operation: str, answer: Answer) -> None:
        await self._send({"id": operation, "type": "next", "payload": answer.body})

    async def _complete(self, operation: str) -> None:
        # The id is free before its client can know, so that it may use it again at once.
        self.running.pop(operation, None)
        await self._send({"id": operation, "type": "complete"})

    async def _refuse(self, operation: str, turned: TurnedAway, request_id: str) -> None:
        self.running.pop(operation, None)
        most = self.engine.door.errors
        errors = written(turned.problems, self.call.language, request_id, most)
        with suppress(WebSocketDisconnect):
            await self._send({"id": operation, "type": "error", "payload": errors})

    async def _send(self, message: dict[str, Any]) -> None:
        text = orjson.dumps(message).decode()
        try:
            async with self.writing:
                await self.socket.send({"type": "websocket.send", "text": text})
        except (RuntimeError, OSError) as error:
            raise WebSocketDisconnect(1006) from error


def _as_turned_away(error: Exception) -> TurnedAway:
    if isinstance(error, TurnedAway):
        return error
    if isinstance(error, Refused):
        return refused_at_door(error)
    return failed("an operation failed", error)


def _message(body: bytes, most: int) -> dict[str, Any]:
    try:
        message = decode_json(body, most)
    except TurnedAway as turned:
        if turned.problems[0].code is Code.BODY_TOO_LARGE:
            raise Close(1009, "Message too big: too many JSON values") from None
        raise Close(4400, "Invalid message: not one JSON object") from None
    if not isinstance(message, dict):
        raise Close(4400, "Invalid message: not one JSON object")
    return message


def _payload(message: dict[str, Any]) -> dict[str, Any] | None:
    payload = message.get("payload")
    if payload is None or isinstance(payload, dict):
        return payload
    raise Close(4400, "Invalid message: payload must be an object")


def _id(message: dict[str, Any]) -> str:
    found = message.get("id")
    if isinstance(found, str) and 0 < len(found) <= _ID_LENGTH:
        return found
    raise Close(4400, "Invalid message: id must be a short non-empty string")


def _seconds_left(actor: Actor | None) -> float | None:
    if actor is None or actor.expires_at is None:
        return None
    return (actor.expires_at - datetime.now(UTC)).total_seconds()


def _observe(task: "asyncio.Task[Answer]") -> None:
    """Take note of how a mutation ended, for its caller may no longer do so."""
    if not task.cancelled() and task.exception() is not None:
        log.info("a mutation was turned away", error=type(task.exception()).__name__)


# The reason of a close frame holds at most 123 bytes (RFC 6455 §5.5), and 4409 quotes the id.
_ID_LENGTH = 80
_TOO_MANY = Problem(
    Code.TOO_MANY_REQUESTS,
    Words("此连接上的操作过多", "Too many operations on this connection"),
    details={"limit": "operations"},
)
