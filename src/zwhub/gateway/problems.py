"""Problems (问题): why a request is turned away, as one entry of `errors[]` each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Language, Words


class Code(StrEnum):
    """`extensions.code`: Apollo's names where Apollo has one, ours for the rest."""

    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    BAD_REQUEST = "BAD_REQUEST"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    DOCUMENT_LIMIT_EXCEEDED = "DOCUMENT_LIMIT_EXCEEDED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    EXECUTION_TIMEOUT = "EXECUTION_TIMEOUT"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    TOO_MANY_REQUESTS = "TOO_MANY_REQUESTS"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    LENGTH_REQUIRED = "LENGTH_REQUIRED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: its code, its words, and where it lies.

    `locations` are (line, column) in the document, both from 1; `path` leads to the field of
    the answer; `details` stand beside the code in `extensions`.
    """

    code: Code
    words: Words
    locations: tuple[tuple[int, int], ...] = ()
    path: tuple[str | int, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)


class TurnedAway(Exception):
    """A request that never reached a resolver.

    `status` is its HTTP status. `graphql` marks a well-formed request whose *document* is at
    fault: a caller that insists on `application/json` reads those under 200 (GraphQL over HTTP
    §application/json).
    """

    def __init__(
        self,
        *problems: Problem,
        status: int = 400,
        graphql: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(problems[0].words.en)
        self.problems = problems
        self.status = status
        self.graphql = graphql
        self.headers = headers or {}


def bad_request(zh: str, en: str) -> TurnedAway:
    """A request whose form is wrong: nothing was read into it."""
    return TurnedAway(Problem(Code.BAD_REQUEST, Words(zh, en)))


def code_of(reason: Reason) -> Code:
    """The code under which a refusal stands in `errors[]`."""
    return _CODES.get(reason, Code.BAD_USER_INPUT)


def refused_at_door(refused: Refused) -> TurnedAway:
    """A caller the door does not let in: 401 with a challenge (RFC 6750 §3), 429 or 403."""
    problem = Problem(code_of(refused.reason), refused.words)
    match refused.reason:
        case Reason.UNAUTHENTICATED:
            challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
            return TurnedAway(problem, status=401, headers=challenge)
        case Reason.TOO_MANY:
            busy = Problem(Code.TOO_MANY_REQUESTS, refused.words)
            return TurnedAway(busy, status=429)
        case _:
            return TurnedAway(Problem(Code.FORBIDDEN, refused.words), status=403)


def written(
    problems: Sequence[Problem], language: Language, request_id: str, most: int
) -> list[dict[str, Any]]:
    """`errors[]` as it goes out: at most `most` entries, in the caller's language."""
    return [_entry(problem, language, request_id) for problem in problems[:most]]


def _entry(problem: Problem, language: Language, request_id: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"message": problem.words.in_(language)}
    if problem.locations:
        entry["locations"] = [{"line": line, "column": at} for line, at in problem.locations]
    if problem.path:
        entry["path"] = list(problem.path)
    extensions = {"code": problem.code.value, "requestId": request_id, **problem.details}
    entry["extensions"] = extensions
    return entry


_CODES = {
    Reason.NOT_ALLOWED: Code.FORBIDDEN,
    Reason.UNAUTHENTICATED: Code.UNAUTHENTICATED,
}
