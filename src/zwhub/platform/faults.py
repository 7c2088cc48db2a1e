"""Faults (故障) as the log keeps them: what failed and where, never with which data.

An exception's own words can hold a person's number, a statement, an address or a path; its type,
the functions it passed through and the server's error code lead to the place without them.
"""

import errno
import sys
from collections.abc import Iterator
from traceback import walk_tb
from typing import Any

from structlog.types import EventDict, WrappedLogger

_MOST_FRAMES = 12  # the innermost ones: where it happened


def described(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A structlog processor: `exc_info` becomes `fault`, one line for each link of the chain."""
    said = event.pop("exc_info", None)
    error = sys.exc_info()[1] if said is True else said[1] if isinstance(said, tuple) else said
    if isinstance(error, BaseException):
        event["fault"] = [_line(link) for link in _chain(error)]
    return event


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, then what caused it."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _line(error: BaseException) -> str:
    kind = type(error)
    frames = [
        f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_name}:{line}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    where = " > ".join(frames[-_MOST_FRAMES:])
    return f"{kind.__module__}.{kind.__qualname__}{_code(error)} at {where}"


def _code(error: Any) -> str:
    """The database's SQLSTATE or the system's errno: what an operator looks up."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return f" [SQLSTATE {state}]"
    number = getattr(error, "errno", None)
    return f" [{errno.errorcode.get(number, number)}]" if isinstance(number, int) else ""
