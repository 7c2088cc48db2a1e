"""Verifying licences over GraphQL (核验接口): one, or many under one receipt."""

from collections import Counter
from datetime import datetime
from typing import Annotated

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.context import Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.graph.node import Node, global_id
from zwhub.graph.rules import ListSize, access, cost
from zwhub.kernel.actor import Persona, Scope
from zwhub.licences.api.faces import (
    Licence,
    Verification,
    VerificationCheck,
    checks_of,
    registry_of,
)
from zwhub.licences.api.questions import verification_face
from zwhub.licences.enquiry import Enquiry, Verified
from zwhub.licences.findings import Verdict, VerificationReason
from zwhub.licences.gather import By
from zwhub.licences.policy import HolderClaim
from zwhub.licences.verify import verify_licence
from zwhub.licences.verify_many import BatchEnquiry, VerifiedBatch, verify_licences

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
        if isinstance(self.number, str):
            return By.NUMBER, self.number
        if isinstance(self.identifier, str):
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


@strawberry.input(description="批量核验请求 · what to verify together, and why")
class VerifyLicencesInput:
    """1 to 1,000 licences, one purpose, one receipt."""

    licences: list[LicenceBy] = says(
        "1 至 1000 个证照", "1 to 1,000 licences", directives=[cost(0.1)]
    )
    purpose: str = says("用途，随核验记录保存", "why; kept with the traces")
    case_number: str | None = says("办件编号", "the case it is for", default=None)
    as_of: datetime | None = says("核验时点，默认现在", "as of when; default now", default=None)

    def enquiry(self, now: datetime) -> BatchEnquiry:
        asked = tuple(one.named() for one in self.licences)
        return BatchEnquiry(asked, self.purpose, self.as_of or now, self.case_number)


@strawberry.type(
    description="批量中的一次核验 · one verification of a batch", directives=[access(SYSTEMS)]
)
class BatchVerification(Node):
    """The verdict on one licence; the batch's receipt covers it."""

    id: strawberry.ID = says("核验记录的全局标识", "global id of its trace")
    verdict: Verdict = says("结论", "the verdict")
    reason: VerificationReason = says("原因", "why")
    verified: strawberry.Private[Verified]

    @strawberry.field(description="各项检查，按顺序 · every check in order")
    def checks(self, info: Info) -> list[VerificationCheck]:
        return checks_of(self.verified.finding.checks, info.context)

    @strawberry.field(description="证照（按角色脱敏） · the licence, masked by your role")
    def licence(self, info: Info) -> Licence | None:
        held = self.verified.held
        return Licence.of(held, info.context) if held is not None and held.id else None


@strawberry.type(description="结论计数 · one verdict counted", directives=[access(SYSTEMS)])
class VerdictCount:
    """How often."""

    verdict: Verdict = says("结论", "the verdict")
    count: int = says("数量", "how many")


@strawberry.type(
    description="批量核验结果 · verifications made together", directives=[access(SYSTEMS)]
)
class VerificationBatch:
    """In the order in which they were asked for, under one receipt."""

    counts: list[VerdictCount] = says("按结论计数", "counted by verdict")
    verifications: list[BatchVerification] = says(
        "各次核验，按请求顺序", "each, in the order asked"
    )
    receipt: str = says("签名回执（JWS），涵盖整批", "signed receipt (JWS) that covers them all")

    @classmethod
    def of(cls, found: VerifiedBatch) -> "VerificationBatch":
        counted = Counter(one.finding.verdict for one in found.verified)
        return cls(
            counts=[VerdictCount(verdict=one, count=counted[one]) for one in Verdict],
            verifications=[_verified(one) for one in found.verified],
            receipt=found.receipt,
        )


def _verified(one: Verified) -> BatchVerification:
    return BatchVerification(
        id=global_id("Verification", one.trace.id),
        verdict=one.finding.verdict,
        reason=one.finding.reason,
        verified=one,
    )


VerifyLicencesResult = Annotated[
    VerificationBatch | NotAllowed | InvalidInput,
    strawberry.union(
        "VerifyLicencesResult",
        description="批量核验结果 · a batch of verdicts, or why there is none",
    ),
]


@strawberry.type
class VerifyMutations:
    """Licences verified."""

    @root_field(
        "核验证照真伪与效力，留痕并签发回执",
        "verify a licence; leaves a trace and gives a signed receipt",
        matters=("ZW-3-03-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_VERIFY,
        points=5,
    )
    async def verify_licence(
        self, info: Info, input: Annotated[VerifyLicenceInput, argument("核验请求", "the question")]
    ) -> VerifyLicenceResult:
        ctx = info.context
        enquiry = input.enquiry(ctx.now)
        found = await verify_licence(
            registry_of(ctx), enquiry, ctx.actor, ctx.hub.receipts, ctx.now
        )
        return verification_face(found.trace, found.held, found.trace.receipt)

    @root_field(
        "批量核验至多 1000 个证照，共用一份回执",
        "verify up to 1,000 licences together, under one receipt",
        matters=("ZW-3-03-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_VERIFY,
        points=5,
        size=ListSize(slicing_arguments=["input.licences"], sized_fields=["verifications"]),
    )
    async def verify_licences(
        self, info: Info, input: Annotated[VerifyLicencesInput, argument("批量请求", "the batch")]
    ) -> VerifyLicencesResult:
        ctx = info.context
        enquiry = input.enquiry(ctx.now)
        async with ctx.hub.db.write() as session:
            found = await verify_licences(
                session, registry_of(ctx), enquiry, ctx.actor, ctx.hub.receipts, ctx.now
            )
        return VerificationBatch.of(found)
