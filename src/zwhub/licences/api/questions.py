"""Questions about licences (证照查询): one's own, one by name, a verification made."""

from typing import Annotated
from uuid import UUID

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.connections import After, Connection, First, connection
from zwhub.graph.context import Context, Info
from zwhub.graph.fields import argument, says
from zwhub.graph.node import global_id, read_global_id
from zwhub.graph.rules import EVERYONE, access, cost, paged
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.paging import Slice
from zwhub.licences import model, store
from zwhub.licences.api.faces import (
    Licence,
    Verification,
    registry_of,
    vault_of,
)
from zwhub.licences.entry import VerificationTrace
from zwhub.licences.findings import Verdict, VerificationReason
from zwhub.licences.gather import By
from zwhub.licences.held import Held
from zwhub.licences.look_up import look_up
from zwhub.licences.vault import NOBODY

HOLDERS_AND_SYSTEMS = {Persona.CITIZEN, Persona.DEPARTMENT}


@strawberry.input(
    one_of=True, description="证照查找方式（三选一） · how to name a licence: one of these"
)
class LicenceKey:
    """Exactly one member."""

    number: str | None = says("证照编号", "licence number", default=strawberry.UNSET)
    identifier: str | None = says("证照标识", "identifier", default=strawberry.UNSET)
    id: strawberry.ID | None = says("全局标识", "global id", default=strawberry.UNSET)


@strawberry.type(description="当前调用者 · the caller", directives=[access(EVERYONE)])
class Viewer:
    """Who the hub takes you for."""

    persona: Persona = says("身份类别", "the kind of caller")
    name: str | None = says("姓名或名称", "name")
    organisation: str | None = says("所属机构代码", "the code of your body")
    level: str | None = says("层级", "your level")

    @strawberry.field(
        description="本人的证照；非持证主体为空表 · your own licences; none if you hold none",
        directives=[cost(10), paged()],
    )
    async def licences(self, info: Info, first: First, after: After = None) -> Connection[Licence]:
        return await _own_licences(info.context, first, after)


async def _own_licences(ctx: Context, first: int, after: str | None) -> Connection[Licence]:
    page = ctx.hub.cursors.page("viewer.licences", first, after)
    number = ctx.actor.number if ctx.actor.persona is Persona.CITIZEN else None
    vault = vault_of(ctx)
    key = vault.holder_key(number) if number else NOBODY

    async def count() -> int:
        async with ctx.hub.db.read() as session:
            return await store.count_held_by(session, key)

    async with ctx.hub.db.read() as session:
        rows = await store.held_by(session, key, page)
    found = Slice([vault.held(row) for row in rows.rows], rows.has_next)
    return connection(
        ctx,
        "viewer.licences",
        found,
        key=lambda held: (held.id,),
        node=lambda held: Licence.of(held, ctx),
        count=count,
        after=after,
    )


async def verification_by_id(key: str, ctx: Context) -> Verification | None:
    """A trace, for those on whose behalf it was made; for others it does not exist."""
    try:
        row_id = UUID(key)
    except ValueError:
        return None
    async with ctx.hub.db.read() as session:
        trace = await store.verification(session, row_id)
        if trace is None or trace.asked_by == By.FILE or not _asked(trace, ctx):
            return None  # a file's trace has checks and reasons of its own
        row = await store.by_id(session, trace.licence_id) if trace.licence_id else None
        if trace.batch_id is not None:
            receipt = await store.batch_receipt(session, trace.batch_id)
        else:
            receipt = trace.receipt
    held = None if row is None else vault_of(ctx).held(row)
    return verification_face(trace, held, receipt)


def _asked(trace: model.Verification, ctx: Context) -> bool:
    own_body = trace.organisation is not None and trace.organisation == ctx.actor.organisation
    return trace.actor == ctx.actor.id or own_body


def verification_face(
    trace: model.Verification | VerificationTrace, held: Held | None, receipt: str
) -> Verification:
    """The GraphQL face of a trace."""
    return Verification(
        id=global_id("Verification", trace.id),
        verdict=Verdict(trace.verdict),
        reason=VerificationReason(trace.reason),
        stored=trace.checks,
        held=held,
        as_of=trace.as_of,
        verified_at=trace.at,
        purpose=trace.purpose,
        case_number=trace.case_number,
        trust_list_version=trace.trust_list_version,
        status_version=trace.status_version,
        receipt=receipt,
    )


async def _licence(by: LicenceKey, ctx: Context) -> Licence | None:
    held = await look_up(registry_of(ctx), *named(by, ctx), ctx.actor, ctx.now)
    return None if held is None else Licence.of(held, ctx)


def named(by: LicenceKey, ctx: Context) -> tuple[By, str]:
    """How a look-up names its licence."""
    if by.number:
        return By.NUMBER, by.number
    if by.identifier:
        return By.IDENTIFIER, by.identifier
    kind, hidden = read_global_id(by.id or "")
    return By.ID, str(ctx.hub.ids.find("Licence", hidden) if kind == "Licence" else 0)


async def licence_by_id(key: str, ctx: Context) -> Licence | None:
    """For `node(id:)`: the same way in as `licence(by:)`."""
    return await _licence(LicenceKey(id=global_id("Licence", key)), ctx)


@strawberry.type
class LicenceQueries:
    """Questions about licences."""

    @root_field("当前调用者", "the caller", matters=("ZW-3-02-001",), personas=EVERYONE)
    async def viewer(self, info: Info) -> Viewer | None:
        actor = info.context.actor
        return Viewer(
            persona=actor.persona,
            name=actor.name,
            organisation=actor.organisation,
            level=actor.level,
        )

    @root_field(
        "一个证照：本人的，或部门系统按授权查看（脱敏、留痕）",
        "one licence: your own, or masked and traced for a department system",
        matters=("ZW-3-01-001", "ZW-3-02-001", "ZW-3-03-001"),
        personas=HOLDERS_AND_SYSTEMS,
        scope=Scope.LICENCES_USE,
    )
    async def licence(
        self, info: Info, by: Annotated[LicenceKey, argument("查找方式", "how to name it")]
    ) -> Licence | None:
        return await _licence(by, info.context)

    @root_field(
        "一次核验：本机构所做的",
        "one verification that your body made",
        matters=("ZW-3-03-001",),
        personas={Persona.DEPARTMENT},
        scope=Scope.LICENCES_VERIFY,
    )
    async def verification(
        self, info: Info, id: Annotated[strawberry.ID, argument("全局标识", "global id")]
    ) -> Verification | None:
        kind, key = read_global_id(id)
        return await verification_by_id(key, info.context) if kind == "Verification" else None
