"""Execution (执行): one prepared operation run by graphql-core, its faults masked."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

import structlog
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    execute,
    subscribe,
)
from graphql.execution import Executor
from strawberry.execution import optimized_is_awaitable

from zwhub.gateway.analysis import exceeded
from zwhub.gateway.documents import Documents, Prepared
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.long_lists import long_list
from zwhub.gateway.metrics import Metrics, Outcome
from zwhub.gateway.places import place_of
from zwhub.gateway.problems import Code, Problem, TurnedAway, code_of, written
from zwhub.gateway.request import Asked
from zwhub.gateway.values import misfit
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Language, Words

log = structlog.get_logger("zwhub.gateway")


@dataclass(frozen=True, slots=True)
class Ready:
    """An operation that may run: chosen, valid, and the caller known."""

    prepared: Prepared
    operation: OperationDefinitionNode
    asked: Asked

    @property
    def kind(self) -> OperationType:
        return self.operation.operation


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the caller: `data`, `errors` if any, and how it ended."""

    body: dict[str, Any]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak to this caller: context for resolvers, language, and the request's id."""

    context: object
    language: Language
    request_id: str


@dataclass(frozen=True, slots=True)
class Engine:
    """A schema with its prepared documents; shared by HTTP and WebSocket."""

    schema: GraphQLSchema
    door: FrontDoor
    documents: Documents
    metrics: Metrics

    @classmethod
    def of(
        cls,
        schema: GraphQLSchema,
        door: FrontDoor,
        metrics: Metrics,
        trusted: Mapping[str, str] | None = None,
    ) -> "Engine":
        """An engine with an empty document cache; `trusted` is sha256 hex → document."""
        return cls(schema, door, Documents(schema, door, metrics, trusted), metrics)

    def ready(self, asked: Asked, actor: Actor) -> Ready:
        """The operation `asked` names; `TurnedAway` when it is bad, unnamed, or asks too much."""
        text = asked.query
        if text is None:
            text = self.documents.trusted(asked.document_id or "")
        known = actor.persona is not Persona.ANONYMOUS
        open_ = known or self.door.profile is Profile.DEVELOPER
        prepared = self.documents.prepare(text, open_=open_)
        ready = Ready(prepared, prepared.operation(asked.operation_name), asked)
        self._check_size(ready)
        return ready

    def _check_size(self, ready: Ready) -> None:
        """What depends on the variables too: the lengths of lists, the objects asked for."""
        limits, variables = self.door.document, ready.asked.variables
        batches = ready.prepared.batch_variables
        long = long_list(ready.operation, variables, self.schema, limits, batches)
        if long is not None:
            raise TurnedAway(long)
        most = limits.nodes_returned
        beyond = ready.prepared.bound(ready.operation).beyond(most, variables)
        if beyond is not None:
            found, node = beyond
            raise TurnedAway(exceeded("nodes_returned", most, found, place_of(node)))

    async def run(self, ready: Ready, manner: Manner) -> Answer:
        """Run a query or mutation; `TurnedAway` if its variables do not fit or time runs out."""
        started = self._execute(ready, manner)
        if isinstance(started, ExecutionResult):
            return self.answer(started, manner)
        try:
            async with asyncio.timeout(self.door.execution_seconds):
                return self.answer(await started, manner)
        except TimeoutError:
            log.warning("execution timed out")
            raise TurnedAway(_TIMED_OUT, status=503) from None

    def _execute(
        self, ready: Ready, manner: Manner
    ) -> ExecutionResult | Awaitable[ExecutionResult]:
        return execute(
            self.schema,
            ready.prepared.document,
            None,
            manner.context,
            ready.asked.variables,
            ready.asked.operation_name,
            max_coercion_errors=self.door.errors,
            executor_class=Executor,
            is_awaitable=cast(Any, optimized_is_awaitable),
            hide_suggestions=True,
        )

    async def events(self, ready: Ready, manner: Manner) -> AsyncGenerator[Answer, None]:
        """Run a subscription: one answer per event; `TurnedAway` when it cannot start."""
        found = subscribe(
            self.schema,
            ready.prepared.document,
            None,
            manner.context,
            ready.asked.variables,
            ready.asked.operation_name,
            hide_suggestions=True,
        )
        async with asyncio.timeout(self.door.execution_seconds):
            stream = await found if isawaitable(found) else found
        if isinstance(stream, ExecutionResult):
            raise TurnedAway(*map(_not_started, stream.errors or ()), graphql=True)
        async with aclosing(cast(Any, stream)) as results:
            async for result in results:
                yield self.answer(result, manner)

    def answer(self, result: ExecutionResult, manner: Manner) -> Answer:
        """The result as it goes out, with its errors translated, masked and counted."""
        errors = result.errors
        if not errors:
            return Answer({"data": result.data}, Outcome.OK)
        if result.data is None and errors[0].path is None:
            raise TurnedAway(*map(_not_started, errors), graphql=True)
        problems = [_problem(error) for error in errors]
        entries = written(problems, manner.language, manner.request_id, self.door.errors)
        fault = any(problem.code is Code.INTERNAL_SERVER_ERROR for problem in problems)
        outcome = Outcome.FAULT if fault else Outcome.PARTIAL
        return Answer({"errors": entries, "data": result.data}, outcome)


def _not_started(error: GraphQLError) -> Problem:
    """Why an operation never began; without a path it failed before its first field (§7.1.2)."""
    return _unfit(error) if error.path is None else _problem(error)


def _problem(error: GraphQLError) -> Problem:
    """One field's error as the caller may see it."""
    places = tuple((at.line, at.column) for at in error.locations or ())
    path = tuple(error.path or ())
    origin = _origin(error)
    if isinstance(origin, Refused):
        return Problem(code_of(origin.reason), origin.words, places, path, _input_path(origin))
    if origin is not None:
        log.error(
            "a resolver failed",
            field=".".join(str(step) for step in path),
            exc_info=(type(origin), origin, origin.__traceback__),
        )
        return Problem(Code.INTERNAL_SERVER_ERROR, _INTERNAL, places, path)
    return _said_by_graphql(error, places, path)


def _said_by_graphql(
    error: GraphQLError, places: tuple[tuple[int, int], ...], path: tuple[str | int, ...]
) -> Problem:
    """A `GraphQLError` raised on purpose carries a code; any other is about an argument."""
    named = (error.extensions or {}).get("code")
    if isinstance(named, str) and named in Code.__members__:
        return Problem(Code(named), Words(error.message, error.message), places, path)
    return Problem(Code.BAD_USER_INPUT, misfit(error.message), places, path)


def _origin(error: GraphQLError) -> Exception | None:
    """What a resolver really raised; None when the error is GraphQL's own."""
    origin: Exception | None = error
    while isinstance(origin, GraphQLError):
        origin = origin.original_error
    return origin


def _input_path(refused: Refused) -> Mapping[str, object]:
    return {"inputPath": list(refused.path)} if refused.path else {}


def _unfit(error: GraphQLError) -> Problem:
    """A variable that does not fit: its name, the place in it and the reason; never the value."""
    places = tuple((at.line, at.column) for at in error.locations or ())
    return Problem(Code.BAD_USER_INPUT, misfit(error.message), places)


def internal_fault() -> TurnedAway:
    """A request that failed by our own fault before any field could say so."""
    return TurnedAway(Problem(Code.INTERNAL_SERVER_ERROR, _INTERNAL), status=500)


def outcome_of(turned: TurnedAway) -> Outcome:
    """How the metrics count a request that was turned away."""
    return _OUTCOMES.get(turned.problems[0].code, Outcome.REFUSED)


_OUTCOMES = {
    Code.INTERNAL_SERVER_ERROR: Outcome.FAULT,
    Code.EXECUTION_TIMEOUT: Outcome.TIMEOUT,
}
_INTERNAL = Words(
    "系统内部错误，请凭请求编号联系运维", "Internal error; quote the request id to the operator"
)
_TIMED_OUT = Problem(
    Code.EXECUTION_TIMEOUT, Words("执行超时", "The operation took too long and was stopped")
)
