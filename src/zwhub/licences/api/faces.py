"""Faces of a licence (证照展示): what each caller may see of it."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime

import strawberry

import zwhub.licences.api.enums  # noqa: F401 - registers the enumerations used below
from zwhub.directory.api import LicenceType, Organisation, licence_types_of, organisations_of
from zwhub.graph.context import Context, Hub, Info
from zwhub.graph.fields import batched, says
from zwhub.graph.node import Node, global_id
from zwhub.graph.rules import access
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.identifiers.holder import mask_name, mask_number, matches_code
from zwhub.kernel.status_book import Place
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.body import Holder
from zwhub.licences.findings import Check, CheckName, Finding, Outcome, Verdict, VerificationReason
from zwhub.licences.gather import Registry, questions
from zwhub.licences.held import Held, Veil
from zwhub.licences.ledger import ledger_of
from zwhub.licences.look_up import holds
from zwhub.licences.status import LicenceState, Standing, present, standing_at
from zwhub.licences.vault import Vault

READERS = [access({Persona.CITIZEN, Persona.DEPARTMENT})]


def registry_of(ctx: Context) -> Registry:
    return ctx.hub.kept(_registry)


def _registry(hub: Hub) -> Registry:
    vault = Vault(hub.index_secret, hub.sealer)
    return Registry(hub.db, hub.cache, hub.trust, vault, ledger_of(hub))


def vault_of(ctx: Context) -> Vault:
    return registry_of(ctx).vault


@strawberry.type(description="持证主体 · a holder of a licence", directives=READERS)
class LicenceHolder:
    """Masked (脱敏) for everybody but the holder."""

    name: str = says("名称；非本人脱敏", "name; masked unless it is your own")
    code: str = says("证件号码；非本人脱敏", "number; masked unless it is your own")
    code_type: str = says("证件类型代码", "what kind of number it is")

    @classmethod
    def of(cls, holder: Holder, actor: Actor) -> "LicenceHolder":
        own = actor.number is not None and matches_code(actor.number, holder.code)
        return cls(
            name=holder.name if own else mask_name(holder.name),
            code=holder.code if own else mask_number(holder.code),
            code_type=holder.code_type,
        )


@strawberry.type(description="照面信息项 · one item on a licence's face", directives=READERS)
class SurfaceItem:
    """A key and its value."""

    name: str = says("名称", "its name")
    value: str = says("内容", "its value")


@strawberry.type(description="检查 · one check of a verification", directives=READERS)
class VerificationCheck:
    """What was looked at, how it ended, and by which rule."""

    name: CheckName = says("检查项", "what was checked")
    outcome: Outcome = says("结果", "how it ended")
    detail: str = says("说明", "in words")
    clause: str = says("依据条款", "the rule behind it")

    @classmethod
    def of(cls, check: Check, ctx: Context) -> "VerificationCheck":
        return cls(
            name=check.name,
            outcome=check.outcome,
            detail=ctx.say(check.detail),
            clause=check.clause,
        )


def checks_of(checks: Sequence[Check], ctx: Context) -> list[VerificationCheck]:
    return [VerificationCheck.of(check, ctx) for check in checks]


@strawberry.type(description="当前核验情况 · what the hub finds of it now", directives=READERS)
class LicenceFinding:
    """The verdict of this moment, without a trace and without a receipt."""

    verdict: Verdict = says("结论", "the verdict")
    reason: VerificationReason = says("原因", "why")
    checks: list[VerificationCheck] = says("各项检查", "every check in order")

    @classmethod
    def of(cls, finding: Finding, ctx: Context) -> "LicenceFinding":
        return cls(
            verdict=finding.verdict,
            reason=finding.reason,
            checks=checks_of(finding.checks, ctx),
        )


@strawberry.type(description="状态记录 · one entry of a licence's standing", directives=READERS)
class StatusEntry:
    """Appended, never altered."""

    status: LicenceState = says("状态", "the state")
    since: datetime = says("自何时起", "since when")
    reason: str = says("原因", "why")

    @classmethod
    def of(cls, standing: Standing, held: Held, actor: Actor) -> "StatusEntry":
        reason = Veil(held, actor.number)(standing.reason)
        return cls(status=standing.state, since=standing.since, reason=reason)


@strawberry.type(
    description="状态列表中的位置 · where a status list tells of a licence", directives=READERS
)
class StatusListEntry:
    """For a check without network: fetch the list now, look at the index then."""

    uri: str = says("状态列表地址", "where the list is found")
    index: int = says("序号，从 0 起", "index in the list, from 0 on")

    @classmethod
    def of(cls, licence_id: int, ctx: Context) -> "StatusListEntry":
        place = Place.of(licence_id)
        return cls(uri=ctx.hub.status_lists.uri(place.number), index=place.index)


async def _histories(licences: list["Licence"], ctx: Context) -> list[list[Standing]]:
    """Each licence's standings, asked for once although two fields want them."""
    if len(licences) == 1:  # both questions then go in one round to the database anyway
        return [await registry_of(ctx).standings(licences[0].held)]
    return await ctx.loader(_standings).load_many(licences)


async def _standings(licences: list["Licence"], ctx: Context) -> list[list[Standing]]:
    registry = registry_of(ctx)
    return await asyncio.gather(*(registry.standings(one.held) for one in licences))


@strawberry.type(description="电子证照 · an electronic licence", directives=READERS)
class Licence(Node):
    """A collected licence, as its issuer signed it."""

    id: strawberry.ID = says("全局标识", "global id")
    number: str = says(
        "证照编号；与他人证件号相同时脱敏",
        "number; a holder's number in it is masked unless it is your own",
    )
    identifier: str = says("证照标识（GB/T 36904）", "identifier (GB/T 36904)")
    name: str = says("证照名称", "name")
    version: str = says("版本号", "version")
    holders: list[LicenceHolder] = says("持证主体", "its holders")
    issued_on: date = says("颁发日期", "issued on")
    valid_from: date = says("有效期起", "valid from")
    valid_until: date | None = says("有效期止；空为长期", "valid until; null = unlimited")
    region: str = says("管辖区划代码", "region code")
    surface: list[SurfaceItem] | None = says(
        "照面信息；仅本人可见，其他持证主体脱敏",
        "its face; shown to its holder alone, other holders masked",
    )
    signed_at: datetime = says("签章时间", "signed at")
    algorithm: str = says("签名算法", "signature algorithm")
    held: strawberry.Private[Held]

    @batched("证照类型", "its type")
    async def type(licences: list["Licence"], ctx: Context) -> list[LicenceType | None]:
        return await licence_types_of([one.held.body.type_code for one in licences], ctx)

    @batched("颁发机构", "the issuing body")
    async def issuer(licences: list["Licence"], ctx: Context) -> list[Organisation | None]:
        return await organisations_of([one.held.body.issuer_code for one in licences], ctx)

    @batched("当前登记状态", "its standing now")
    async def status(licences: list["Licence"], ctx: Context) -> list[LicenceState]:
        now = [standing_at(one, present(ctx.now, one)) for one in await _histories(licences, ctx)]
        return [LicenceState.OTHER if one is None else one.state for one in now]

    @batched("状态历史", "its standings, oldest first")
    async def status_history(licences: list["Licence"], ctx: Context) -> list[list[StatusEntry]]:
        found = await _histories(licences, ctx)
        return [
            [StatusEntry.of(entry, one.held, ctx.actor) for entry in entries]
            for one, entries in zip(licences, found, strict=True)
        ]

    @batched("状态列表中的位置，供离线核对", "its place in a status list, for checks offline")
    async def status_list_entry(licences: list["Licence"], ctx: Context) -> list[StatusListEntry]:
        return [StatusListEntry.of(one.held.id, ctx) for one in licences]

    @batched("当前核验情况", "what the hub finds of it now", points=0.2)
    async def verification(licences: list["Licence"], ctx: Context) -> list[LicenceFinding]:
        held = [one.held for one in licences]
        asked = await questions(registry_of(ctx), held, ctx.now, ctx.now)
        return [LicenceFinding.of(policy.examine(question), ctx) for question in asked]

    @classmethod
    def of(cls, held: Held, ctx: Context) -> "Licence":
        body, actor = held.body, ctx.actor
        veil = Veil(held, actor.number)
        own = holds(actor, held)
        face = body.surface.items() if own else ()
        return cls(
            id=global_id("Licence", ctx.hub.ids.hide("Licence", held.id)),
            number=veil(body.number),
            identifier=veil(str(body.identifier)),
            name=veil(body.name),
            version=body.version,
            holders=[LicenceHolder.of(one, actor) for one in body.holders],
            issued_on=body.issued_on,
            valid_from=body.valid_from,
            valid_until=body.valid_until,
            region=body.region,
            surface=[SurfaceItem(name=n, value=veil(v)) for n, v in face] if own else None,
            signed_at=body.signed_at,
            algorithm=held.jws.algorithm,
            held=held,
        )


def _checks_of_trace(root: "Verification", info: Info) -> list[VerificationCheck]:
    return checks_of([check_from_trace(one) for one in root.stored], info.context)


def _licence_of_trace(root: "Verification", info: Info) -> Licence | None:
    return Licence.of(root.held, info.context) if root.held is not None and root.held.id else None


@strawberry.type(description="核验记录 · a verification", directives=[access({Persona.DEPARTMENT})])
class Verification(Node):
    """The verdict, every check, and the hub's signed receipt."""

    id: strawberry.ID = says("全局标识", "global id")
    verdict: Verdict = says("结论", "the verdict")
    reason: VerificationReason = says("原因", "why")
    checks: list[VerificationCheck] = says(
        "各项检查，按顺序", "every check in order", resolver=_checks_of_trace
    )
    licence: Licence | None = says(
        "证照（按角色脱敏）", "the licence, masked by your role", resolver=_licence_of_trace
    )
    stored: strawberry.Private[list[dict[str, str]]]
    held: strawberry.Private[Held | None]
    as_of: datetime = says("核验时点", "the moment asked about")
    verified_at: datetime = says("核验时间", "when the hub looked")
    purpose: str = says("用途", "what it was for")
    case_number: str | None = says("办件编号", "the case it was for")
    trust_list_version: str = says("信任列表版本", "version of the trust list")
    status_version: str = says("状态版本", "version of the status")
    receipt: str = says("签名回执（JWS），可离线验证", "signed receipt (JWS), checks offline")


def check_from_trace(stored: dict[str, str]) -> Check:
    """A check as the trace keeps it."""
    words = Words(stored["zh"], stored["en"])
    return Check(CheckName(stored["name"]), Outcome(stored["outcome"]), words, stored["clause"])
