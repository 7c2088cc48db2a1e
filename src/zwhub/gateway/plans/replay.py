"""Replay (补答): what a plan could not finish, finished by graphql-core with the outcomes so far."""

from collections.abc import Awaitable, Callable, Generator
from typing import Any

from graphql import GraphQLResolveInfo
from graphql.execution import ExecutionResult, Executor, MiddlewareManager

from zwhub.gateway.plans.run import Outcome, Run


def replay(run: Run, executor: Executor[Any]) -> ExecutionResult | Awaitable[ExecutionResult]:
    """The answer as graphql-core gives it; no resolver that was called is called anew."""

    def known(
        next_: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **given: Any
    ) -> Any:
        outcome = run.outcomes.get((id(info.field_nodes[0]), id(source)))
        if outcome is None:
            return next_(source, info, **given)
        return _Late(outcome) if outcome.awaited else _told(outcome)

    executor.middleware_manager = MiddlewareManager(known)
    return executor.execute_operation()  # type: ignore[return-value]


def _told(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


class _Late:
    """In a moment, as its resolver did: errors are listed in the order in which they occur.

    No coroutine, which would complain when graphql-core gives up a list half way.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return _told(self._outcome)
