"""Fields (字段): each described in both languages; relations batched by declaration."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, get_args

import strawberry

from zwhub.graph.context import Info
from zwhub.graph.rules import cost
from zwhub.kernel.words import Words, both

RELATION_COST = 0.1
BATCH = "batch"  # under which a relation's field keeps its function


def says(zh: str, en: str, **options: Any) -> Any:
    """An attribute field with its description in both languages."""
    return strawberry.field(description=both(Words(zh, en)), **options)


def argument(zh: str, en: str) -> Any:
    """The description of one argument, for `Annotated[...]`."""
    return strawberry.argument(description=both(Words(zh, en)))


def batched(
    zh: str, en: str, *, points: float = RELATION_COST
) -> Callable[[Callable[..., Awaitable[Sequence[Any]]]], Any]:
    """A relation as one plain function from a list of parents to the list of their answers.

    `async def organisation(items: list[ItemRow], ctx: Context) -> list[Organisation]`, in the
    parents' order: one call per level of a query, however many parents it has. `points` are what
    it costs for each parent (`@cost`).
    """

    def declare(batch: Callable[..., Awaitable[Sequence[Any]]]) -> Any:
        async def resolve(self: Any, info: Any) -> Any:
            return await info.context.loader(batch).load(self)

        (answer,) = get_args(batch.__annotations__["return"])
        resolve.__annotations__ = {"info": Info, "return": answer}
        resolve.__module__ = batch.__module__
        resolve.__name__ = batch.__name__
        return strawberry.field(
            resolver=resolve,
            description=both(Words(zh, en)),
            directives=[cost(points)],
            metadata={BATCH: batch},
        )

    return declare
