"""Uploads over GraphQL (上传接口): the ticket; the bytes go to the front door."""

from datetime import datetime
from typing import Annotated

import strawberry

from zwhub.graph.access import root_field
from zwhub.graph.context import Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.graph.node import global_id
from zwhub.graph.rules import access
from zwhub.kernel.actor import Persona, Scope
from zwhub.licences.api.faces import vault_of
from zwhub.licences.create_upload import NewUpload, create_upload

SYSTEMS = {Persona.DEPARTMENT}
UPLOAD = "Upload"  # the kind in its global ids


@strawberry.type(
    description="上传凭据 · a place for one file of the caller's organisation",
    directives=[access(SYSTEMS)],
)
class Upload:
    """Bring the content with the same kind of token as any request; then name it once."""

    id: strawberry.ID = says(
        "标识，填入 `verifyLicenceFile` 的 `upload`", "what `verifyLicenceFile` takes as `upload`"
    )
    ticket: str = says(
        "凭据：以同一单位的令牌 PUT /uploads/{ticket}，只能成功一次；请勿外传或记入日志",
        "PUT the bytes to /uploads/{ticket} with a token of the same organisation, once; a secret: "
        "keep it out of logs",
    )
    size: int = says("须上传的字节数", "how many bytes the PUT must bring")
    expires_at: datetime = says(
        "上传期限；上传后可用 1 小时", "bring it before; once brought, it can be used for an hour"
    )

    @classmethod
    def of(cls, new: NewUpload) -> "Upload":
        return cls(
            id=global_id(UPLOAD, new.id),
            ticket=new.ticket,
            size=new.size,
            expires_at=new.expires_at,
        )


@strawberry.input(description="上传申请 · what is to be uploaded")
class CreateUploadInput:
    """Announced first, so that what is too large need not be sent."""

    size: int = says("文件字节数，至多 20,000,000", "the file's size in bytes, at most 20,000,000")


CreateUploadResult = Annotated[
    Upload | NotAllowed | InvalidInput,
    strawberry.union(
        "CreateUploadResult", description="上传凭据或原因 · the ticket, or why there is none"
    ),
]


@strawberry.type
class UploadMutations:
    """Uploads announced."""

    @root_field(
        "申请上传超过 750 KB 的文件：随后 PUT /uploads/{ticket}，再以其标识核验；每单位至多 20 个未用完",
        "announce a file over 750 KB: then PUT /uploads/{ticket}, then verify it by its id; at most "
        "20 open for an organisation",
        matters=("ZW-3-03-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_VERIFY,
    )
    async def create_upload(
        self, info: Info, input: Annotated[CreateUploadInput, argument("上传申请", "the file")]
    ) -> CreateUploadResult:
        ctx = info.context
        async with ctx.hub.db.write() as session:
            new = await create_upload(session, vault_of(ctx), input.size, ctx.actor, ctx.now)
        return Upload.of(new)
