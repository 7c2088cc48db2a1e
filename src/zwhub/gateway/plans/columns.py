"""Columns (列): what one field has found for all objects of a level, at once or in a while."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from types import CoroutineType, GeneratorType
from typing import Any

from graphql.pyutils import Path, UndefinedType

Column = list[Any]
Found = Column | Coroutine[Any, Any, Column]
# Where the n-th value of a column stands in the answer; worked out only when somebody asks.
At = Callable[[int], Path | None]


class Unplanned(Exception):
    """A plan has met what it does not know; graphql-core knows."""


def then(found: Found, finish: Callable[[Column], Column]) -> Found:
    """The column with `finish` applied to it once it is there."""
    return finish(found) if isinstance(found, list) else _later(found, finish)


async def settled(found: Found) -> Column:
    """The column itself."""
    return found if isinstance(found, list) else await found


def together(starts: Iterable[Callable[[], Found]]) -> Found:
    """The columns that `starts` begin, all under way at the same time.

    One that fails does not end the others: what has begun is seen through, then it is told.
    """
    found: list[Found] = []
    failed: Exception | None = None
    waits = False
    for start in starts:
        try:
            column = start()
        except Exception as error:
            failed = error
            break
        waits = waits or type(column) is not list
        found.append(column)
    if waits:
        return _awaited(found, failed)
    if failed is not None:
        raise failed
    return found


def is_plain(kind: type) -> bool:
    """Whether values of this class stand for themselves: no errors, nothing to be awaited."""
    known = _plain.get(kind)
    if known is None:
        known = not issubclass(kind, _ODD) and not hasattr(kind, "__await__")
        if len(_plain) < _MOST_CLASSES:
            _plain[kind] = known
    return known


def require_plain(values: Column) -> None:
    """Raise `Unplanned` if any value does not stand for itself."""
    if not all(map(is_plain, set(map(type, values)))):
        raise Unplanned


async def _later(found: Coroutine[Any, Any, Column], finish: Callable[[Column], Column]) -> Column:
    return finish(await found)


async def _awaited(found: list[Found], failed: Exception | None) -> list[Column]:
    waiting = [at for at, one in enumerate(found) if type(one) is not list]
    if len(waiting) == 1:  # no task needed
        found[waiting[0]] = await settled(found[waiting[0]])
    else:
        answers = await all_of([found[at] for at in waiting])
        for at, answer in zip(waiting, answers, strict=True):
            found[at] = answer
    if failed is not None:
        raise failed
    return found  # type: ignore[return-value]


async def all_of(awaitables: Iterable[Any]) -> list[Any]:
    """What they give, all awaited to their end; then the first error, if there is one."""
    answers = await asyncio.gather(*awaitables, return_exceptions=True)
    errors = [one for one in answers if isinstance(one, BaseException)]
    if errors:
        # A cancellation is no field's error: it ends the whole operation.
        raise next((one for one in errors if not isinstance(one, Exception)), errors[0])
    return answers


_ODD = (Exception, CoroutineType, GeneratorType, UndefinedType)
_plain: dict[type, bool] = {}
_MOST_CLASSES = 10_000
