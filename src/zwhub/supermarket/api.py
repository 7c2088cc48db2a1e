"""The licence supermarket over GraphQL (证照超市接口): types and fields."""

from datetime import date, datetime
from typing import Annotated

import strawberry

from zwhub.directory.api import LicenceType, licence_types_of
from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.enums import show
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, batched, says
from zwhub.graph.rules import access
from zwhub.items.api import Item, Material
from zwhub.kernel.actor import Actor, Persona, Scope
from zwhub.kernel.identifiers.holder import matches_code
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.api.faces import Licence, registry_of
from zwhub.licences.entry import ReadingTrace
from zwhub.licences.look_up import reading_of
from zwhub.supermarket.plan import (
    Alternative,
    MaterialOutcome,
    Plan,
    PlannedMaterial,
    PlanReason,
    Shopper,
    plan,
)
from zwhub.supermarket.solve import Way

SHOPPERS = {Persona.CITIZEN, Persona.DEPARTMENT}
READERS = [access(SHOPPERS)]

show(
    MaterialOutcome,
    "MaterialOutcome",
    Words("材料处理方式", "what the applicant does about a material"),
    {
        MaterialOutcome.EXEMPT: ("免提交", "need not be brought"),
        MaterialOutcome.SUBMIT: ("需提交", "must be brought"),
        MaterialOutcome.DEFERRABLE: ("可容缺后补或不提交", "may follow later, or be left out"),
    },
)


@strawberry.input(name="HolderInput", description="持证主体 · whose licences")
class HolderInput:
    """By identity number or social credit code."""

    code: str = says("证件号码或统一社会信用代码", "identity number or social credit code")


@strawberry.input(description="证照超市请求 · for which items, for whom")
class LicenceSupermarketInput:
    """One item, or several handled at once (一件事一次办)."""

    item_codes: list[str] = says("事项基本编码，1 至 10 个", "basic codes of 1 to 10 items")
    situations: list[str] = says("情形编码", "codes of situations", default_factory=list)
    holder: HolderInput | None = says(
        "持证主体，默认本人", "whose licences; default yourself", default=None
    )
    as_of: datetime | None = says("申请时点，默认现在", "when you apply; default now", default=None)


@strawberry.type(description="原因 · a reason", directives=READERS)
class SupermarketReason:
    """A code for programs, words for people."""

    code: str = says("机器可读的原因", "the reason, for programs")
    message: str = says("说明", "the reason, for people")

    @classmethod
    def of(cls, reason: PlanReason, ctx: Context) -> "SupermarketReason":
        return cls(code=reason.code, message=ctx.say(reason.words))


@strawberry.type(description="所用证照 · a licence that stands in", directives=READERS)
class Coverage:
    """A licence, and the items of its face that would be disclosed."""

    licence: Licence = says("证照", "the licence")
    attributes: list[str] = says("将披露的照面信息", "what would be disclosed of it")


@strawberry.type(description="可选的证照组合 · one way that was looked at", directives=READERS)
class SupermarketAlternative:
    """Licences that would stand in together, and what is missing."""

    usable: bool = says("当前可用", "whether the holder can use it now")
    reasons: list[SupermarketReason] = says("不可用的原因", "what is missing")
    types: strawberry.Private[list[str]]

    @batched("须同时具备的证照类型", "the licence types that are needed together")
    async def all_of(
        alternatives: list["SupermarketAlternative"], ctx: Context
    ) -> list[list[LicenceType]]:
        codes = [code for one in alternatives for code in one.types]
        found = dict(zip(codes, await licence_types_of(codes, ctx), strict=True))
        return [[kind for code in one.types if (kind := found[code])] for one in alternatives]

    @classmethod
    def of(cls, one: Alternative, ctx: Context) -> "SupermarketAlternative":
        return cls(
            usable=bool(one.ways),
            reasons=[SupermarketReason.of(reason, ctx) for reason in one.reasons],
            types=[need.type_code for need in one.needs],
        )


@strawberry.type(description="材料方案 · what the plan says of one material", directives=READERS)
class SupermarketMaterial:
    """One distinct material, however many of the items ask for it."""

    material: Material = says("材料", "the material")
    needed_by: list[Item] = says("需要它的事项", "the items that ask for it")
    outcome: MaterialOutcome = says("处理方式", "what to do about it")
    covered_by: list[Coverage] = says("所用证照", "the licences that stand in for it")
    alternatives: list[SupermarketAlternative] = says("各种组合", "every way that was looked at")
    reasons: list[SupermarketReason] = says("原因", "why")

    @classmethod
    def of(cls, planned: PlannedMaterial, found: Plan, ctx: Context) -> "SupermarketMaterial":
        return cls(
            material=Material.of(planned.material),
            needed_by=[Item.of(item) for item in planned.needed_by],
            outcome=planned.outcome,
            covered_by=[
                Coverage(licence=licence, attributes=attributes)
                for licence, attributes in _disclosed(planned.covered_by, found, ctx)
            ],
            alternatives=[SupermarketAlternative.of(one, ctx) for one in planned.alternatives],
            reasons=[SupermarketReason.of(reason, ctx) for reason in planned.reasons],
        )


@strawberry.type(description="所需同意 · a consent that the plan needs", directives=READERS)
class SupermarketConsent:
    """One licence, and all the plan would disclose of it."""

    licence: Licence = says("证照", "the licence")
    attributes: list[str] = says("将披露的照面信息", "what would be disclosed of it")
    granted: bool = says("是否已同意", "whether the holder has consented")


@strawberry.type(description="免提交材料清单 · what need not be brought", directives=READERS)
class SupermarketPlan:
    """A preview: nothing is disclosed and nothing is used by asking."""

    as_of: datetime = says("申请时点", "as of when")
    decision_due_on: date = says(
        "预计办结日；证照须有效至此日", "when the decision is due: licences must last until then"
    )
    provisional: bool = says(
        "预计办结日含未公布年度，暂定", "the due day rests on a year not published yet"
    )
    saved: int = says("免提交材料数", "materials that need not be brought")
    total: int = says("材料总数", "materials in all")
    materials: list[SupermarketMaterial] = says("各项材料", "each distinct material")
    consents: list[SupermarketConsent] = says("所需同意", "the consents it needs")

    @classmethod
    def of(cls, found: Plan, ctx: Context) -> "SupermarketPlan":
        faces = [SupermarketMaterial.of(one, found, ctx) for one in found.materials]
        used: Way = frozenset().union(*(one.covered_by for one in found.materials))
        return cls(
            as_of=found.as_of,
            decision_due_on=found.decision_due_on,
            provisional=found.provisional,
            saved=sum(one.outcome is MaterialOutcome.EXEMPT for one in found.materials),
            total=len(found.materials),
            materials=faces,
            consents=[
                SupermarketConsent(licence=licence, attributes=attributes, granted=False)
                for licence, attributes in _disclosed(used, found, ctx)
            ],
        )


def _disclosed(way: Way, found: Plan, ctx: Context) -> list[tuple[Licence, list[str]]]:
    """By licence, the items of its face in a way; without the mark for the licence itself."""
    ids = sorted({licence_id for licence_id, _ in way})
    return [
        (
            Licence.of(found.licences[licence_id], ctx),
            sorted(name for owner, name in way if owner == licence_id and name),
        )
        for licence_id in ids
    ]


LicenceSupermarketResult = Annotated[
    SupermarketPlan | NotAllowed | InvalidInput,
    strawberry.union(
        "LicenceSupermarketResult",
        description="免提交材料清单或原因 · a plan, or why there is none",
    ),
]


def _shopper(input: LicenceSupermarketInput, actor: Actor) -> Shopper:
    """May this caller ask about this holder? A citizen about itself, a system about whom it names."""
    named = None if input.holder is None else input.holder.code
    if named is not None and not named.strip():
        words = Words(
            "证件号码不得为空；查询本人则省略。", "Not empty; leave it out to ask about yourself."
        )
        raise Refused(Reason.INVALID_INPUT, words, ("input", "holder", "code"))
    if actor.persona is Persona.DEPARTMENT:
        if not named:
            words = Words("请指明持证主体。", "Name the holder.")
            raise Refused(Reason.INVALID_INPUT, words, ("input", "holder"))
        return Shopper(named)
    if actor.number is None or (named and not matches_code(named, actor.number)):
        words = Words("只能查询本人的证照。", "You can ask about your own licences only.")
        raise Refused(Reason.NOT_ALLOWED, words, ("input", "holder"))
    return Shopper(actor.number)


def _require_no_situations(situations: list[str]) -> None:
    if situations:
        words = Words("这些事项没有划分情形。", "These items are not divided into situations.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "situations", "0"))


def _readings(found: Plan, ctx: Context) -> list[ReadingTrace]:
    """A system's look at somebody's licences leaves a trace; one's own does not."""
    if ctx.actor.persona is not Persona.DEPARTMENT:
        return []
    return [reading_of(licence_id, ctx.actor, ctx.now) for licence_id in found.licences]


@strawberry.type
class SupermarketQueries:
    """Questions about what need not be brought."""

    @root_field(
        "证照超市：办理这些事项时哪些材料免提交",
        "the licence supermarket: what need not be brought for these items",
        matters=("ZW-3-02-001",),
        personas=SHOPPERS,
        scope=Scope.LICENCES_USE,
        points=10,
    )
    async def licence_supermarket(
        self,
        info: Info,
        input: Annotated[LicenceSupermarketInput, argument("请求", "the question")],
    ) -> LicenceSupermarketResult:
        ctx = info.context
        shopper = _shopper(input, ctx.actor)
        _require_no_situations(input.situations)
        async with ctx.hub.db.write() as session:
            found = await plan(
                session,
                registry_of(ctx),
                ctx.hub.calendar,
                input.item_codes,
                shopper,
                input.as_of or ctx.now,
                ctx.now,
            )
            await registry_of(ctx).ledger.record(session, _readings(found, ctx))
        return SupermarketPlan.of(found, ctx)
