"""Status lists over GraphQL (状态列表接口): which ones there are, and where."""

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.fields import says
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.status_book import SIZE, lists_for
from zwhub.licences import status_store


@strawberry.type(
    description="状态列表 · a signed list of licences' statuses", directives=[access(EVERYONE)]
)
class StatusList:
    """Fetched from its address, in either of two formats."""

    id: strawberry.ID = says("编号", "its number")
    uri: str = says(
        "地址；application/statuslist+jwt 或 application/vc+jwt",
        "its address; application/statuslist+jwt or application/vc+jwt",
    )
    size: int = says("条目数", "how many entries it has")

    @classmethod
    def of(cls, number: int, ctx: Context) -> "StatusList":
        uri = ctx.hub.status_lists.uri(number)
        return cls(id=strawberry.ID(str(number)), uri=uri, size=SIZE)


@strawberry.type
class StatusListQueries:
    """Questions about status lists."""

    @root_field("全部状态列表", "all status lists", matters=("ZW-3-03-001",), personas=EVERYONE)
    async def status_lists(self, info: Info) -> list[StatusList] | None:
        async with info.context.hub.db.read() as session:
            newest = await status_store.newest_licence(session)
        return [StatusList.of(one, info.context) for one in range(1, lists_for(newest) + 1)]
