"""Uploads over HTTP (上传入口): the bytes of a file, for a ticket that a mutation gave.

`PUT /uploads/{ticket}`, with the caller's token. The bytes are counted and sealed as they come;
before the last of them nothing is recorded, so that whatever ends in between leaves the ticket as
it was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol

import structlog
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from zwhub.gateway.failures import failed
from zwhub.gateway.limits import UploadLimits
from zwhub.gateway.problems import (
    Code,
    Problem,
    TurnedAway,
    bad_request,
    refused_at_door,
    written,
)
from zwhub.gateway.request import Call, ClientGone, let_finish, require_plain
from zwhub.gateway.respond import ANY, send_json
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.clock import BEIJING
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

log = structlog.get_logger("zwhub.gateway")

Callers = Callable[[str | None], Awaitable[Actor]]
MEDIA = ("application/octet-stream", "application/pdf", "application/ofd", "application/jose")
_MOST_DIGITS = 12


class Delivery(Protocol):
    """One content on its way in."""

    @property
    def size(self) -> int:
        """How many bytes were announced."""

    def add(self, octets: bytes) -> None:
        """The next bytes."""

    async def keep(self, now: datetime) -> datetime:
        """Record the whole content; until when it can be used. Raises `Refused`."""


class Inbox(Protocol):
    """Who knows the tickets."""

    async def delivery(self, ticket: str, actor: Actor, now: datetime) -> Delivery:
        """What this ticket allows this caller. Raises `Refused`."""


class UploadEndpoint:
    """The ASGI app behind the route; every answer is JSON, as the GraphQL endpoint's are."""

    def __init__(self, inbox: Inbox, callers: Callers, limits: UploadLimits) -> None:
        self._inbox, self._callers, self._limits = inbox, callers, limits
        self._turns = asyncio.Semaphore(limits.at_once)

    def route(self) -> Route:
        # A path, so that an empty ticket and one with slashes look like any other unknown one.
        return Route("/uploads/{ticket:path}", self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call, body = Call.of(scope), _Body(receive)
        bind_contextvars(request_id=call.request_id)
        headers = {"x-request-id": call.request_id}
        try:
            answer = await self._answer(scope, body, call)
        except ClientGone:
            return
        except TurnedAway as turned:
            await self._hear_out(turned, call, body)
            headers |= {"connection": "close", **turned.headers}
            errors = written(turned.problems, call.language, call.request_id, 1)
            await send_json(send, turned.status, ANY, {"errors": errors}, headers)
        else:
            await send_json(send, 201, ANY, answer, headers)

    async def _answer(self, scope: Scope, body: "_Body", call: Call) -> dict[str, Any]:
        try:
            return await self._take(scope, body, call)
        except Refused as refused:
            raise _turned_away(refused) from None
        except (ClientGone, TurnedAway):
            raise
        except Exception as error:
            raise failed("an upload failed", error) from None

    async def _take(self, scope: Scope, body: "_Body", call: Call) -> dict[str, Any]:
        if scope["method"] != "PUT":
            raise TurnedAway(_PUT_ALONE, status=405, headers={"allow": "PUT"})
        actor = await self._callers(call.headers.get("authorization"))
        if actor.persona is Persona.ANONYMOUS:
            raise Refused(Reason.UNAUTHENTICATED, _SIGN_IN)
        length = _length(call.headers, self._limits.bytes)
        delivery = await self._inbox.delivery(
            scope["path_params"]["ticket"], actor, datetime.now(UTC)
        )
        if length != delivery.size:
            raise _other_size(delivery.size)
        async with self._turn():
            digest = await self._bring(body, delivery)
            until = await delivery.keep(datetime.now(UTC))
        usable = until.astimezone(BEIJING).isoformat(timespec="seconds")
        return {"size": delivery.size, "sha256": digest, "usableUntil": usable}

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """What is in memory at once is bounded; nothing of the others' is read meanwhile."""
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise TurnedAway(_BUSY, status=503, headers={"retry-after": "10"}) from None
        try:
            yield
        finally:
            self._turns.release()

    async def _bring(self, body: "_Body", delivery: Delivery) -> str:
        """The whole body into the delivery; its SHA-256 in hexadecimal."""
        digest, left = sha256(), delivery.size
        try:
            async with asyncio.timeout(self._limits.time_for(delivery.size)):
                while not body.ended:
                    octets = await body.next()
                    left -= len(octets)
                    if left < 0:
                        raise _other_size(delivery.size)
                    digest.update(octets)
                    delivery.add(octets)
        except TimeoutError:
            raise TurnedAway(_SLOW, status=408) from None
        if left:
            raise _other_size(delivery.size)
        return digest.hexdigest()

    async def _hear_out(self, turned: TurnedAway, call: Call, body: "_Body") -> None:
        """A client that writes on would lose the answer; one that waits to be asked is not."""
        waits = "100-continue" in call.headers.get("expect", "").lower()
        if not body.ended and not waits and turned.status != _SLOW_STATUS:
            await let_finish(body.receive, self._limits.bytes)


class _Body:
    """The request's body, chunk by chunk."""

    def __init__(self, receive: Receive) -> None:
        self.receive, self.ended = receive, False

    async def next(self) -> bytes:
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        self.ended = not message.get("more_body", False)
        octets: bytes = message.get("body", b"")
        return octets


def _length(headers: Mapping[str, str], most: int) -> int:
    """The length that the headers state, of a plain body within the limits."""
    require_plain(headers)
    media = headers.get("content-type", MEDIA[0]).partition(";")[0].strip().lower()
    if media not in MEDIA:
        raise TurnedAway(_NOT_BYTES, status=415, headers={"accept": ", ".join(MEDIA)})
    stated = headers.get("content-length")
    if stated is None:
        raise TurnedAway(_NO_LENGTH, status=411)
    if not (stated.isascii() and stated.isdigit()):
        raise bad_request("Content-Length 须为数字", "Content-Length must be a number")
    if len(stated) > _MOST_DIGITS or int(stated) > most:
        words = Words(f"文件超过 {most} 字节", f"The file is larger than {most} bytes")
        problem = Problem(Code.BODY_TOO_LARGE, words, details={"limit": "body", "allowed": most})
        raise TurnedAway(problem, status=413)
    return int(stated)


def _other_size(announced: int) -> TurnedAway:
    words = Words(
        f"长度与申请时不符：应为 {announced} 字节",
        f"Not the announced length, which is {announced} bytes",
    )
    return TurnedAway(Problem(Code.BAD_REQUEST, words, details={"announced": announced}))


def _turned_away(refused: Refused) -> TurnedAway:
    match refused.reason:
        case Reason.UNKNOWN_UPLOAD:
            return TurnedAway(Problem(Code.NOT_FOUND, refused.words), status=404)
        case Reason.WRONG_STATE:
            return TurnedAway(Problem(Code.CONFLICT, refused.words), status=409)
        case _:
            return refused_at_door(refused)


_SLOW_STATUS = 408
_SLOW = Problem(Code.REQUEST_TIMEOUT, Words("上传过慢", "The content did not arrive in time"))
_BUSY = Problem(
    Code.SERVICE_UNAVAILABLE,
    Words("正在接收的上传过多，请稍后再试", "Too many uploads are being received; try again soon"),
)
_PUT_ALONE = Problem(Code.METHOD_NOT_ALLOWED, Words("只接受 PUT", "Only PUT"))
_SIGN_IN = Words("请先登录：上传需要身份令牌。", "Sign in first: an upload needs a bearer token.")
_NO_LENGTH = Problem(
    Code.LENGTH_REQUIRED, Words("须有 Content-Length", "A Content-Length is required")
)
_NOT_BYTES = Problem(
    Code.UNSUPPORTED_MEDIA_TYPE,
    Words(
        "请直接发送文件内容（application/octet-stream），而非表单",
        "Send the bytes themselves (application/octet-stream), not a form",
    ),
)
