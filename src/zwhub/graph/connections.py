"""Connections (分页列表): Relay's shape over keyset pages, written by hand."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import strawberry

from zwhub.graph.context import Context
from zwhub.graph.fields import argument, says
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.paging import COUNT_CAP, Key, Slice

NodeT = TypeVar("NodeT")

First = Annotated[int, argument("本页条数，1–100", "rows of this page, 1–100")]
After = Annotated[str | None, argument("从此游标之后开始", "continue after this cursor")]


@strawberry.type(description="页信息 · where this page stands", directives=[access(EVERYONE)])
class PageInfo:
    """Relay's PageInfo."""

    has_next_page: bool = says("后面还有", "more rows follow")
    has_previous_page: bool = says("前面还有", "rows stand before this page")
    start_cursor: str | None = says("本页第一条的游标", "the cursor of the first row")
    end_cursor: str | None = says("本页最后一条的游标", "the cursor of the last row")


@strawberry.type(description="总数 · how many rows there are", directives=[access(EVERYONE)])
class TotalCount:
    """A count that stops at a cap, and says so."""

    value: int = says("条数；不精确时为上限", "rows counted; the cap where not exact")
    is_exact: bool = says("是否精确", "whether counting ended before the cap")

    @classmethod
    def of(cls, counted: int) -> "TotalCount":
        return cls(value=min(counted, COUNT_CAP), is_exact=counted <= COUNT_CAP)


@strawberry.type(description="一条及其游标 · one row and its cursor", directives=[access(EVERYONE)])
class Edge(Generic[NodeT]):
    """Relay's edge."""

    cursor: str = says("游标", "the row's cursor")
    node: NodeT = says("该条", "the row")


@strawberry.type(description="一页 · one page of a list", directives=[access(EVERYONE)])
class Connection(Generic[NodeT]):
    """Relay's connection; the count is taken only when asked for."""

    edges: list[Edge[NodeT]] = says("本页各条", "the rows of this page")
    page_info: PageInfo = says("页信息", "where this page stands")
    counting: strawberry.Private[Callable[[], Any]]

    @strawberry.field(description="总数（有上限） · how many rows there are, up to a cap")
    async def total_count(self) -> TotalCount:
        return TotalCount.of(await self.counting())


def connection(
    context: Context,
    listing: str,
    found: Slice[Any],
    *,
    key: Callable[[Any], Key],
    node: Callable[[Any], NodeT],
    count: Callable[[], Any],
    after: str | None,
) -> Connection[NodeT]:
    """One slice of rows as a connection.

    `key` gives a row's keyset position; `count` counts at most `COUNT_CAP + 1` rows.
    """
    edges = [
        Edge(cursor=context.hub.cursors.seal(listing, key(row)), node=node(row))
        for row in found.rows
    ]
    info = PageInfo(
        has_next_page=found.has_next,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=info, counting=count)
