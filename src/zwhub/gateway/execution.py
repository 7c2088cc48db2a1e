"""Execution (执行): one prepared operation run in its turn, its faults masked."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, NamedTuple, cast

import structlog
from graphql import (
    ExecutionResult,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    subscribe,
)

from zwhub.gateway.deadline import Deadline
from zwhub.gateway.documents import Documents, Prepared
from zwhub.gateway.excess import exceeded
from zwhub.gateway.failures import field_problem, not_started, overloaded
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.long_lists import long_list
from zwhub.gateway.metrics import Metrics, Outcome
from zwhub.gateway.places import place_of
from zwhub.gateway.problems import Code, Problem, TurnedAway, written
from zwhub.gateway.request import Asked
from zwhub.gateway.turns import Turns
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.words import Language, Words

log = structlog.get_logger("zwhub.gateway")


class Ready(NamedTuple):
    """An operation that may run: chosen, valid, and the caller known."""

    prepared: Prepared
    operation: OperationDefinitionNode
    asked: Asked
    known: bool
    open: bool
    cost: float

    @property
    def kind(self) -> OperationType:
        return self.operation.operation

    def extensions(self) -> dict[str, Any]:
        """`extensions` of its answers: what it was estimated to cost, for whom that may concern."""
        return {"extensions": {"cost": {"requestedQueryCost": self.cost}}} if self.open else {}


class Answer(NamedTuple):
    """What goes back to the caller: `data`, `errors` if any, and how it ended."""

    body: dict[str, Any]
    outcome: Outcome


class Manner(NamedTuple):
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
    turns: Turns

    @classmethod
    def of(
        cls,
        schema: GraphQLSchema,
        door: FrontDoor,
        metrics: Metrics,
        trusted: Mapping[str, str] | None = None,
    ) -> "Engine":
        """An engine with an empty document cache; `trusted` is sha256 hex → document."""
        documents = Documents(schema, door, metrics, trusted)
        return cls(schema, door, documents, metrics, Turns(door.load))

    def ready(self, asked: Asked, actor: Actor) -> Ready:
        """The operation `asked` names; `TurnedAway` when it is bad, unnamed, or asks too much."""
        text = asked.query
        if text is None:
            text = self.documents.trusted(asked.document_id or "")
        known = actor.persona is not Persona.ANONYMOUS
        open_ = known or self.door.profile is Profile.DEVELOPER
        prepared = self.documents.prepare(text, open_=open_)
        operation = prepared.operation(asked.operation_name)
        cost = self._measured(prepared, operation, asked.variables)
        return Ready(prepared, operation, asked, known, open_, cost)

    def _measured(
        self, prepared: Prepared, operation: OperationDefinitionNode, variables: dict[str, Any]
    ) -> float:
        """The cost, once what depends on the variables is within its limits."""
        limits, batches = self.door.document, prepared.batch_variables
        long = long_list(operation, variables, self.schema, limits, batches)
        if long is not None:
            raise TurnedAway(long)
        beyond = prepared.bound(operation).beyond(limits.nodes_returned, variables)
        if beyond is not None:
            most, (nodes, node) = limits.nodes_returned, beyond
            raise TurnedAway(exceeded("nodes_returned", most, nodes, place_of(node)))
        cost = 0.0
        for cost, node in prepared.cost(operation).by_root(variables):
            if cost > limits.cost:
                raise TurnedAway(exceeded("cost", limits.cost, cost, place_of(node)))
        return cost

    async def run(self, ready: Ready, manner: Manner) -> Answer:
        """Run a query or mutation when its turn comes.

        `TurnedAway` if its turn does not come, its variables do not fit or time runs out.
        """
        async with self.turns.turn(known=ready.known, cost=ready.cost):
            return await self._run(ready, manner)

    async def _run(self, ready: Ready, manner: Manner) -> Answer:
        plan = ready.prepared.plan(ready.operation)
        try:
            with Deadline(self.door.execution_seconds):
                result = await plan.run(ready.asked.variables, manner.context)
                return self.answer(ready, result, manner)
        except TimeoutError:
            log.warning("execution timed out")
            raise TurnedAway(_TIMED_OUT, status=503) from None

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
            raise TurnedAway(*map(not_started, stream.errors or ()), graphql=True)
        async with aclosing(cast(Any, stream)) as results:
            async for result in results:
                yield self.answer(ready, result, manner)

    def answer(self, ready: Ready, result: ExecutionResult, manner: Manner) -> Answer:
        """The result as it goes out, with its errors translated, masked and counted.

        What could not be done for want of room is turned away as a whole, to be asked again,
        unless a mutation has done a part of it.
        """
        extensions = ready.extensions()
        errors = result.errors
        if not errors:
            return Answer({"data": result.data, **extensions}, Outcome.OK)
        if result.data is None and errors[0].path is None:
            raise TurnedAway(*map(not_started, errors), graphql=True)
        problems = [field_problem(error) for error in errors]
        codes = {problem.code for problem in problems}
        if Code.SERVICE_UNAVAILABLE in codes and not _done_in_part(ready, result):
            raise overloaded()
        entries = written(problems, manner.language, manner.request_id, self.door.errors)
        outcome = Outcome.FAULT if Code.INTERNAL_SERVER_ERROR in codes else Outcome.PARTIAL
        return Answer({"errors": entries, "data": result.data, **extensions}, outcome)


def _done_in_part(ready: Ready, result: ExecutionResult) -> bool:
    done = any(value is not None for value in (result.data or {}).values())
    return ready.kind is OperationType.MUTATION and done


_TIMED_OUT = Problem(
    Code.EXECUTION_TIMEOUT, Words("执行超时", "The operation took too long and was stopped")
)
