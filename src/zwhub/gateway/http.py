"""GraphQL over HTTP (HTTP 端点): our own, for the stock view answers 500 to bad input."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from zwhub.gateway.execution import Answer, Engine, Manner, Ready
from zwhub.gateway.failures import failed, outcome_of
from zwhub.gateway.limits import Profile
from zwhub.gateway.metrics import Outcome
from zwhub.gateway.problems import Code, Problem, TurnedAway, refused_at_door, written
from zwhub.gateway.request import (
    Asked,
    Call,
    ClientGone,
    parse_body,
    parse_query_string,
    read_body,
    require_json,
)
from zwhub.gateway.respond import ANY, Media, negotiate, send_json, status_of
from zwhub.kernel.actor import Actor
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Language, Words

Callers = Callable[[str | None], Awaitable[Actor]]
Contexts = Callable[[Actor, Language, str], object]

# How long a query may run before anybody looks whether its caller is still there.
_PATIENCE = 0.25


@dataclass(slots=True)
class _Exchange:
    """What is known so far about one request while it is being answered."""

    call: Call
    media: Media = ANY
    operation: str = "none"
    outcome: Outcome = Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class GraphQLEndpoint:
    """The ASGI app for `Route("/graphql", endpoint)`.

    `callers` turns the Authorization header into an actor or raises `Refused`; `contexts` makes
    what resolvers see. Every answer is JSON; input alone never causes a 5xx.
    """

    engine: Engine
    callers: Callers
    contexts: Contexts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        exchange = _Exchange(Call.of(scope))
        bind_contextvars(request_id=exchange.call.request_id)
        try:
            status, body, headers = await self._answered(scope, receive, exchange)
        except ClientGone:
            exchange.outcome = Outcome.GONE
        else:
            headers = {"x-request-id": exchange.call.request_id, **headers}
            await send_json(send, status, exchange.media, body, headers)
        seconds = perf_counter() - started
        self.engine.metrics.request(exchange.operation, exchange.outcome, seconds)

    async def _answered(
        self, scope: Scope, receive: Receive, exchange: _Exchange
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        try:
            answer = await self._answer(scope, receive, exchange)
        except TurnedAway as turned:
            return self._turned_away(turned, exchange)
        except Refused as refused:
            return self._turned_away(refused_at_door(refused), exchange)
        except ClientGone:
            raise
        except Exception as error:
            return self._turned_away(failed("a request failed", error), exchange)
        exchange.outcome = answer.outcome
        partial = self.engine.door.strict_status and "errors" in answer.body
        return 294 if partial and answer.body["data"] is not None else 200, answer.body, {}

    async def _answer(self, scope: Scope, receive: Receive, exchange: _Exchange) -> Answer:
        call = exchange.call
        exchange.media = negotiate(call.headers.get("accept", "")[:1000])
        asked = await self._asked(scope, receive, call)
        actor = await self.callers(call.headers.get("authorization"))
        ready = self.engine.ready(asked, actor)
        exchange.operation = ready.kind.value
        _allowed_over_http(ready, scope["method"])
        context = self.contexts(actor, call.language, call.request_id)
        manner = Manner(context, call.language, call.request_id)
        if ready.kind is OperationType.MUTATION:
            return await self.engine.run(ready, manner)
        with _WhileConnected(receive):
            return await self.engine.run(ready, manner)

    async def _asked(self, scope: Scope, receive: Receive, call: Call) -> Asked:
        door = self.engine.door
        match scope["method"]:
            case "POST":
                require_json(call.headers)
                return parse_body(await read_body(call.headers, receive, door), door)
            case "GET":
                asked = parse_query_string(scope["query_string"], door)
                if asked.query is not None and door.profile is Profile.PRODUCTION:
                    raise TurnedAway(_GET_TRUSTED_ONLY, status=405, headers={"allow": "POST"})
                return asked
            case _:
                raise TurnedAway(_METHODS, status=405, headers={"allow": "GET, POST"})

    def _turned_away(
        self, turned: TurnedAway, exchange: _Exchange
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        exchange.outcome = outcome_of(turned)
        call, door = exchange.call, self.engine.door
        errors = written(turned.problems, call.language, call.request_id, door.errors)
        status = status_of(turned, exchange.media, door.strict_status)
        return status, {"errors": errors}, dict(turned.headers)


def _allowed_over_http(ready: Ready, method: str) -> None:
    if ready.kind is OperationType.SUBSCRIPTION:
        raise TurnedAway(_SUBSCRIBE_ELSEWHERE)
    if method == "GET" and ready.kind is not OperationType.QUERY:
        raise TurnedAway(_GET_QUERIES_ONLY, status=405, headers={"allow": "POST"})


class _WhileConnected:
    """Cancel the body when the client hangs up, and raise `ClientGone` in its stead.

    The watch begins only after `_PATIENCE` seconds: most queries are over by then and pay one
    timer instead of a task.
    """

    __slots__ = ("_caller", "_gone", "_receive", "_timer", "_watch")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._caller = asyncio.current_task()
        self._watch: asyncio.Task[None] | None = None
        self._gone = False

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._begin)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        cancelled = kind is not None and issubclass(kind, asyncio.CancelledError)
        if cancelled and self._gone and self._caller and self._caller.uncancel() == 0:
            raise ClientGone from None

    def _begin(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._caller is not None:
            self._caller.cancel()


_METHODS = Problem(Code.METHOD_NOT_ALLOWED, Words("只接受 GET 与 POST", "Only GET and POST"))
_GET_QUERIES_ONLY = Problem(
    Code.METHOD_NOT_ALLOWED, Words("GET 只能用于查询", "GET is for queries alone; use POST")
)
_GET_TRUSTED_ONLY = Problem(
    Code.METHOD_NOT_ALLOWED,
    Words("GET 须带 documentId；文档请用 POST", "GET takes a documentId; POST the document"),
)
_SUBSCRIBE_ELSEWHERE = Problem(
    Code.BAD_REQUEST,
    Words("订阅请走 WebSocket（graphql-transport-ws）", "Subscribe over graphql-transport-ws"),
)
