"""The profile over GraphQL (资料接口): what is still sample data."""

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.enums import show
from zwhub.graph.fields import says
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.words import Words
from zwhub.profile import placeholders as profile
from zwhub.profile.placeholders import PlaceholderStatus

show(
    PlaceholderStatus,
    "PlaceholderStatus",
    Words("替换状态", "what is in place where real data belongs"),
    {
        PlaceholderStatus.SAMPLE: ("仍为示例数据", "sample data still"),
        PlaceholderStatus.MIXED: ("部分替换或不足", "replaced in part, or not complete"),
        PlaceholderStatus.MISSING: ("缺失", "missing"),
        PlaceholderStatus.REPLACED: ("已替换", "replaced"),
    },
)


@strawberry.type(
    description="数据替换清单 · data to be replaced before real use", directives=[access(EVERYONE)]
)
class Placeholder:
    """One row of the list."""

    number: int = says("序号", "its number")
    subject: str = says("内容", "what it is about")
    status: PlaceholderStatus = says("状态", "what is in place")
    detail: str = says("详情", "in detail")
    source: str = says("真实数据来源", "where the real data comes from")

    @classmethod
    def of(cls, one: profile.Placeholder, ctx: Context) -> "Placeholder":
        return cls(
            number=one.number,
            subject=ctx.say(one.subject),
            status=one.status,
            detail=ctx.say(one.detail),
            source=ctx.say(one.source),
        )


@strawberry.type
class ProfileQueries:
    """Questions about the profile."""

    @root_field(
        "数据替换清单",
        "the list of data to be replaced",
        matters=("ZW-1-01-001", "ZW-3-01-001"),
        personas=EVERYONE,
    )
    async def placeholders(self, info: Info) -> list[Placeholder] | None:
        ctx = info.context
        async with ctx.hub.db.read() as session:
            return [Placeholder.of(one, ctx) for one in await profile.placeholders(session)]
