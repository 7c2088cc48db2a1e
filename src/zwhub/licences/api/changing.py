"""Changing a licence's status over GraphQL (状态变更接口)."""

from datetime import datetime
from typing import Annotated

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.kernel.actor import Persona, Scope
from zwhub.licences.api.faces import (
    Licence,
    registry_of,
)
from zwhub.licences.api.questions import LicenceKey, named
from zwhub.licences.change_status import StatusChange, change_licence_status
from zwhub.licences.status import LicenceState

SYSTEMS = {Persona.DEPARTMENT}


@strawberry.input(description="证照状态变更请求 · what is to change, and why")
class ChangeLicenceStatusInput:
    """One change of one licence's standing."""

    licence: LicenceKey = says("证照", "the licence")
    status: LicenceState = says("变更为", "the new state")
    reason: str = says("原因", "why")
    basis: str = says("依据（文书名称及文号）", "the decision it rests on, with its number")
    since: datetime | None = says("自何时起，默认现在", "since when; default now", default=None)
    from_the_beginning: bool = says(
        "自始无效（仅撤销）", "void from the beginning (REVOKED alone)", default=False
    )

    def change(self, ctx: Context) -> StatusChange:
        by, value = named(self.licence, ctx)
        since = self.since or ctx.now
        return StatusChange(
            by, value, self.status, self.reason, self.basis, since, self.from_the_beginning
        )


ChangeLicenceStatusResult = Annotated[
    Licence | NotAllowed | InvalidInput,
    strawberry.union(
        "ChangeLicenceStatusResult",
        description="变更后的证照或原因 · the licence as it now stands, or why it was not changed",
    ),
]


@strawberry.type
class StatusMutations:
    """Standings changed."""

    @root_field(
        "变更证照状态：暂扣、发还、撤销、注销等；确认即处处生效",
        "change a licence's status; in force everywhere once it is answered",
        matters=("ZW-3-01-001", "ZW-3-03-001"),
        personas=SYSTEMS,
        scope=Scope.LICENCES_STATUS,
    )
    async def change_licence_status(
        self,
        info: Info,
        input: Annotated[ChangeLicenceStatusInput, argument("变更请求", "what is to change")],
    ) -> ChangeLicenceStatusResult:
        ctx = info.context
        async with ctx.hub.db.write() as session:
            held = await change_licence_status(
                session, registry_of(ctx), input.change(ctx), ctx.actor, ctx.now
            )
        return Licence.of(held, ctx)
