"""Deeds with licences (证照操作): collect, verify."""

from datetime import datetime
from typing import Annotated

import strawberry

from zwhub.directory import store as directory
from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.graph.rules import access
from zwhub.kernel.actor import Persona, Scope
from zwhub.licences.api.faces import Licence, Verification, registry_of
from zwhub.licences.api.questions import LicenceKey, named, verification_face
from zwhub.licences.change_status import StatusChange, change_licence_status
from zwhub.licences.collect import (
    Candidate,
    CollectionOutcome,
    Problem,
    collect_licences,
    forget_numbers,
)
from zwhub.licences.gather import By
from zwhub.licences.policy import HolderClaim
from zwhub.licences.status import LicenceState
from zwhub.licences.verify import Enquiry, verify_licence

SYSTEMS = {Persona.DEPARTMENT}


@strawberry.input(
    one_of=True, description="待核验的证照（三选一） · the licence to verify: one of these"
)
class LicenceBy:
    """Exactly one member."""

    number: str | None = says("证照编号", "licence number", default=strawberry.UNSET)
    identifier: str | None = says("证照标识", "identifier", default=strawberry.UNSET)
    jws: str | None = says(
        "出示的签名记录", "the signed record as presented", default=strawberry.UNSET
    )

    def named(self) -> tuple[By, str]:
        if self.number:
            return By.NUMBER, self.number
        if self.identifier:
            return By.IDENTIFIER, self.identifier
        return By.JWS, self.jws or ""


@strawberry.input(
    name="HolderClaim",
    description="出示者自称的持证主体；只比对，不回显 · what the presenter claims; compared, never echoed",
)
class HolderClaimInput:
    """A number, a name, or both."""

    code: str | None = says("证件号码", "number", default=None)
    name: str | None = says("姓名或名称", "name", default=None)


@strawberry.input(description="核验请求 · what to verify, and why")
class VerifyLicenceInput:
    """The question of one verification."""

    licence: LicenceBy = says("待核验的证照", "the licence")
    purpose: str = says("用途，随核验记录保存", "why; kept with the trace")
    holder: HolderClaimInput | None = says("出示者自称", "what the presenter claims", default=None)
    case_number: str | None = says("办件编号", "the case it is for", default=None)
    as_of: datetime | None = says(
        "核验时点，默认现在", "was it valid then; default now", default=None
    )

    def enquiry(self, now: datetime) -> Enquiry:
        by, value = self.licence.named()
        claim = None if self.holder is None else HolderClaim(self.holder.code, self.holder.name)
        return Enquiry(by, value, self.purpose, self.as_of or now, claim, self.case_number)


VerifyLicenceResult = Annotated[
    Verification | NotAllowed | InvalidInput,
    strawberry.union(
        "VerifyLicenceResult", description="核验结果 · a verification, or why there is none"
    ),
]


@strawberry.input(description="待归集的记录 · a record to collect")
class LicenceRecordInput:
    """One signed record (docs/licence-format.md)."""

    jws: str = says(
        "签发机构签名的记录（JWS 紧凑格式）", "the record as its issuer signed it (compact JWS)"
    )


@strawberry.input(description="归集请求 · a delivery of records")
class CollectLicencesInput:
    """1 to 1,000 records."""

    records: list[LicenceRecordInput] = says("1 至 1000 条记录", "1 to 1,000 records")


@strawberry.type(
    description="归集问题 · why a record was quarantined, or a warning",
    directives=[access(SYSTEMS)],
)
class CollectionProblem:
    """A code for programs, words for people."""

    code: str = says("机器可读的原因", "the reason, for programs")
    message: str = says("说明", "the reason, for people")

    @classmethod
    def of(cls, problem: Problem, ctx: Context) -> "CollectionProblem":
        return cls(code=problem.code, message=ctx.say(problem.words))


@strawberry.type(
    description="单条归集结果 · what became of one record", directives=[access(SYSTEMS)]
)
class CollectedRecord:
    """In the order of the delivery."""

    index: int = says("在请求中的序号，从 0 起", "its place in the delivery, from 0")
    outcome: CollectionOutcome = says("结果", "what became of it")
    licence: Licence | None = says("归集的证照", "the licence, where it is held")
    problems: list[CollectionProblem] = says("原因或警告", "reasons or warnings")

    @classmethod
    def of(cls, one: Candidate, ctx: Context) -> "CollectedRecord":
        held = one.held if one.outcome is not CollectionOutcome.QUARANTINED else None
        return cls(
            index=one.index,
            outcome=one.outcome or CollectionOutcome.QUARANTINED,
            licence=None if held is None else Licence.of(held, ctx.actor),
            problems=[CollectionProblem.of(problem, ctx) for problem in one.problems],
        )


@strawberry.type(description="归集报告 · the report of a delivery", directives=[access(SYSTEMS)])
class CollectionReport:
    """Counts, and each record's outcome."""

    received: int = says("收到", "records received")
    accepted: int = says("已归集", "newly collected")
    unchanged: int = says("已在库", "held already")
    quarantined: int = says("已隔离", "quarantined")
    records: list[CollectedRecord] = says("逐条结果", "each record's outcome")


CollectLicencesResult = Annotated[
    CollectionReport | NotAllowed | InvalidInput,
    strawberry.union(
        "CollectLicencesResult", description="归集结果 · a report, or why there is none"
    ),
]


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

    def change(self, now: datetime) -> StatusChange:
        by, value = named(self.licence)
        since = self.since or now
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


def _report(candidates: list[Candidate], ctx: Context) -> CollectionReport:
    outcomes = [one.outcome for one in candidates]
    return CollectionReport(
        received=len(candidates),
        accepted=outcomes.count(CollectionOutcome.ACCEPTED),
        unchanged=outcomes.count(CollectionOutcome.UNCHANGED),
        quarantined=outcomes.count(CollectionOutcome.QUARANTINED),
        records=[CollectedRecord.of(one, ctx) for one in candidates],
    )


@strawberry.type
class LicenceMutations:
    """Things done with licences."""

    @root_field(
        "归集签发机构签名的证照记录；同一记录重复提交无害",
        "collect records that issuers signed; the same record again does no harm",
        matters=("ZW-3-01-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_COLLECT,
    )
    async def collect_licences(
        self, info: Info, input: Annotated[CollectLicencesInput, argument("记录", "the records")]
    ) -> CollectLicencesResult:
        ctx = info.context
        registry = registry_of(ctx)
        records = [one.jws for one in input.records]
        async with ctx.hub.db.write() as session:
            types = frozenset(row.code for row in await directory.licence_types(session))
            found = await collect_licences(session, registry, records, types, ctx.actor, ctx.now)
        await forget_numbers(registry, found)
        return _report(found, ctx)

    @root_field(
        "核验证照真伪与效力，留痕并签发回执",
        "verify a licence; leaves a trace and gives a signed receipt",
        matters=("ZW-3-03-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_VERIFY,
    )
    async def verify_licence(
        self, info: Info, input: Annotated[VerifyLicenceInput, argument("核验请求", "the question")]
    ) -> VerifyLicenceResult:
        ctx = info.context
        enquiry = input.enquiry(ctx.now)
        async with ctx.hub.db.write() as session:
            found = await verify_licence(
                session, registry_of(ctx), enquiry, ctx.actor, ctx.hub.receipts, ctx.now
            )
        return verification_face(found.trace, found.held, ctx)

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
                session, registry_of(ctx), input.change(ctx.now), ctx.actor, ctx.now
            )
        return Licence.of(held, ctx.actor)
