"""Failures (失败): what a resolver or a request raised, as the caller may see it."""

from collections.abc import Mapping

import structlog
from graphql import GraphQLError

from zwhub.gateway.limits import RETRY_SECONDS
from zwhub.gateway.metrics import Outcome
from zwhub.gateway.problems import Code, Problem, TurnedAway, code_of
from zwhub.gateway.values import misfit
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.platform.database import is_unavailable

log = structlog.get_logger("zwhub.gateway")


def field_problem(error: GraphQLError) -> Problem:
    """One field's error as the caller may see it."""
    places = tuple((at.line, at.column) for at in error.locations or ())
    path = tuple(error.path or ())
    origin = _origin(error)
    if isinstance(origin, Refused):
        return Problem(code_of(origin.reason), origin.words, places, path, _input_path(origin))
    if origin is None:
        return _said_by_graphql(error, places, path)
    field = ".".join(str(step) for step in path)
    if is_unavailable(origin):
        log.warning("overload", field=field, error=type(origin).__name__)
        return Problem(Code.SERVICE_UNAVAILABLE, _BUSY, places, path, _LATER)
    log.error(
        "a resolver failed",
        field=field,
        exc_info=(type(origin), origin, origin.__traceback__),
    )
    return Problem(Code.INTERNAL_SERVER_ERROR, _INTERNAL, places, path)


def not_started(error: GraphQLError) -> Problem:
    """Why an operation never began; without a path it failed before its first field (§7.1.2)."""
    return _unfit(error) if error.path is None else field_problem(error)


def failed(what: str, error: Exception) -> TurnedAway:
    """A request that failed before any field could say so, by our own fault or for want of room."""
    if is_unavailable(error):
        log.warning("overload", error=type(error).__name__)
        return overloaded()
    log.error(what, exc_info=error)
    return TurnedAway(Problem(Code.INTERNAL_SERVER_ERROR, _INTERNAL), status=500)


def overloaded() -> TurnedAway:
    """More is asked than the hub can do at once, or its database cannot be had; nothing was done."""
    busy = Problem(Code.SERVICE_UNAVAILABLE, _BUSY, details=_LATER)
    return TurnedAway(busy, status=503, headers={"retry-after": str(RETRY_SECONDS)})


def outcome_of(turned: TurnedAway) -> Outcome:
    """How the metrics count a request that was turned away."""
    return _OUTCOMES.get(turned.problems[0].code, Outcome.REFUSED)


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


_OUTCOMES = {
    Code.INTERNAL_SERVER_ERROR: Outcome.FAULT,
    Code.EXECUTION_TIMEOUT: Outcome.TIMEOUT,
    Code.SERVICE_UNAVAILABLE: Outcome.OVERLOAD,
}
_INTERNAL = Words(
    "系统内部错误，请凭请求编号联系运维", "Internal error; quote the request id to the operator"
)
_BUSY = Words("系统繁忙，请稍后再试", "The hub is busy; try again in a moment")
_LATER = {"retryAfter": RETRY_SECONDS}
