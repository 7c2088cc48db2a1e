"""Licence files over GraphQL (证照文件核验接口): nothing but translation."""

import base64
import binascii
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

import zwhub.licences.api.file_enums  # noqa: F401 - registers the enumerations used below
from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.graph.node import read_global_id
from zwhub.graph.rules import access
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.api.faces import registry_of
from zwhub.licences.api.uploading import UPLOAD
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFormat,
    FileReason,
    Integrity,
    SignatureFinding,
)
from zwhub.licences.findings import Outcome, Verdict
from zwhub.licences.upload import unknown_upload
from zwhub.licences.verify_file import FileEnquiry, VerifiedFile, verify_licence_file

SYSTEMS = {Persona.DEPARTMENT}
RULE = [access(SYSTEMS)]
LARGEST_INLINE = 750_000  # bytes: in Base64 they fit into the largest request
MOST_PARTS = 500  # uncovered parts named one by one


@strawberry.type(description="文件检查 · one check of a file", directives=RULE)
class LicenceFileCheck:
    """What was looked at, how it ended, and by which rule."""

    name: FileCheckName = says("检查项", "what was checked")
    outcome: Outcome = says("结果", "how it ended")
    detail: str = says("说明", "in words")
    clause: str = says("依据条款", "the rule behind it")

    @classmethod
    def of(cls, check: FileCheck, ctx: Context) -> "LicenceFileCheck":
        return cls(
            name=check.name,
            outcome=check.outcome,
            detail=ctx.say(check.detail),
            clause=check.clause,
        )


@strawberry.type(
    description="文件中的一个签名 · one signature in a file, with its own verdict", directives=RULE
)
class LicenceFileSignature:
    """Integrity, certificate and seal, and trust are told apart."""

    signer: str | None = says("签名人（证书所载）", "the signer, as the certificate names it")
    signed_at: datetime | None = says(
        "签名时间（签名自称，受签名保护）", "when, by its own account, which is signed"
    )
    integrity: Integrity = says("完整性", "whether the file is what was signed")
    verdict: Verdict = says("结论", "the verdict on this signature")
    reason: FileReason = says("原因", "why")
    checks: list[LicenceFileCheck] = says("各项检查，按顺序", "every check in order")

    @classmethod
    def of(cls, found: SignatureFinding, ctx: Context) -> "LicenceFileSignature":
        return cls(
            signer=found.signer,
            signed_at=found.signed_at,
            integrity=found.integrity,
            verdict=found.verdict,
            reason=found.reason,
            checks=file_checks_of(found.checks, ctx),
        )


def file_checks_of(checks: Sequence[FileCheck], ctx: Context) -> list[LicenceFileCheck]:
    return [LicenceFileCheck.of(check, ctx) for check in checks]


@strawberry.type(description="文件核验结果 · what the hub finds of a file", directives=RULE)
class FileVerification:
    """GENUINE only when each signature is, nothing is left unsigned, and its licence holds."""

    format: FileFormat = says("格式，按内容识别", "the format, told by the content")
    verdict: Verdict = says("结论", "the verdict")
    reason: FileReason = says("原因", "why")
    checks: list[LicenceFileCheck] = says(
        "容器与所载证照的检查", "checks of the container and of the licence it names"
    )
    signatures: list[LicenceFileSignature] = says("各个签名", "each signature")
    uncovered_parts: list[str] = says(
        "未被任何签名覆盖的部分，至多列 500 项", "parts that nobody signed, at most 500 of them"
    )
    identifier: str | None = says("文件所载证照标识", "the licence it names, where it names one")
    trust_list_version: str = says("信任列表版本", "version of the trust list")
    status_version: str = says("状态版本", "version of the status")
    receipt: str = says("签名回执（JWS），可离线验证", "signed receipt (JWS), checks offline")

    @classmethod
    def of(cls, found: VerifiedFile, ctx: Context) -> "FileVerification":
        finding = found.finding
        return cls(
            format=finding.format,
            verdict=finding.verdict,
            reason=finding.reason,
            checks=file_checks_of(finding.checks, ctx),
            signatures=[LicenceFileSignature.of(one, ctx) for one in finding.signatures],
            uncovered_parts=list(finding.uncovered[:MOST_PARTS]),
            identifier=finding.identifier,
            trust_list_version=found.trace.trust_list_version,
            status_version=found.trace.status_version,
            receipt=found.trace.receipt,
        )


@strawberry.input(description="文件核验请求 · which file to verify, and why")
class VerifyLicenceFileInput:
    """A JWS, a PDF or an OFD; what it is, its content tells."""

    content: str | None = says(
        "文件内容（Base64），至多 750 KB；更大的文件用 `upload`",
        "the file in Base64, at most 750 KB; a larger one by `upload`",
        default=None,
    )
    upload: strawberry.ID | None = says(
        "`createUpload` 所给的标识；核验一经记录，内容即删除，不能再用",
        "the id that `createUpload` gave; once a verification is recorded the content is deleted: "
        "one use",
        default=None,
    )
    purpose: str = says("用途，随核验记录保存", "why; kept with the trace")
    name: str | None = says(
        "文件名；不影响识别，不保存", "its name; decides nothing and is not kept", default=None
    )

    def enquiry(self) -> FileEnquiry:
        """Raises `Refused` for no file, two files, or what is no Base64 or too much of it."""
        if (self.content is None) == (self.upload is None):
            words = Words(
                "content 与 upload 必须且只能有一个。",
                "Exactly one of content and upload is required.",
            )
            raise Refused(Reason.INVALID_INPUT, words, ("input",))
        file = _decoded(self.content) if self.content is not None else _named(self.upload or "")
        return FileEnquiry(file, self.name or "", self.purpose)


def _decoded(content: str) -> bytes:
    if len(content) > LARGEST_INLINE * 4 // 3 + 4:
        words = Words(
            "文件不得超过 750 KB；更大的文件请用 createUpload 上传。",
            "The file may have at most 750 KB; a larger one goes by createUpload.",
        )
        raise Refused(Reason.TOO_LONG, words, ("input", "content"))
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        words = Words("文件内容须为 Base64。", "The content must be Base64.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "content")) from None


def _named(upload: str) -> UUID:
    """The upload of this global id."""
    kind, key = read_global_id(upload)
    try:
        if kind == UPLOAD:
            return UUID(key)
    except ValueError:
        pass
    raise unknown_upload()


VerifyLicenceFileResult = Annotated[
    FileVerification | NotAllowed | InvalidInput,
    strawberry.union(
        "VerifyLicenceFileResult",
        description="文件核验结果 · what was found, or why nothing was looked at",
    ),
]


@strawberry.type
class FileMutations:
    """Files verified."""

    @root_field(
        "核验证照文件（JWS、PDF、OFD），逐个签名给出结论，留痕并签发回执",
        "verify a licence file (JWS, PDF, OFD), each signature with its own verdict; leaves a "
        "trace and gives a signed receipt",
        matters=("ZW-3-03-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_VERIFY,
        points=20,
    )
    async def verify_licence_file(
        self, info: Info, input: Annotated[VerifyLicenceFileInput, argument("文件", "the file")]
    ) -> VerifyLicenceFileResult:
        ctx = info.context
        enquiry = input.enquiry()
        turn = nullcontext() if input.upload is None else ctx.hub.large_files
        async with turn, ctx.hub.db.write() as session:
            found = await verify_licence_file(
                session, registry_of(ctx), enquiry, ctx.actor, ctx.hub.receipts, ctx.now
            )
        return FileVerification.of(found, ctx)
