"""User errors (用户可预见的错误): refusals become data where a field's result has room for them."""

from typing import Any

import strawberry
from graphql import GraphQLUnionType, get_named_type

from zwhub.graph.enums import show
from zwhub.graph.fields import says
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

show(
    Reason,
    "ErrorCode",
    Words("拒绝原因", "why a request was refused"),
    {
        Reason.NOT_ALLOWED: ("无权进行", "your role does not permit it"),
        Reason.UNAUTHENTICATED: ("未登录", "not signed in"),
        Reason.INVALID_INPUT: ("输入有误", "the input cannot be used"),
        Reason.TOO_MANY: ("数量超限", "too many, or none"),
        Reason.TOO_LONG: ("文本过长", "a text is too long"),
        Reason.UNKNOWN_ITEM: ("没有此事项", "no such item"),
        Reason.UNKNOWN_LICENCE: ("没有此证照", "no such licence"),
        Reason.UNKNOWN_UPLOAD: (
            "没有此上传，或已过期、已用过",
            "no such upload, or expired or used",
        ),
        Reason.WRONG_STATE: ("当前状态不允许", "its present state does not allow it"),
    },
)


@strawberry.interface(
    description="可预见的错误：作为数据返回 · a foreseeable error, answered as data"
)
class UserError:
    """What every failure member of a result union shows."""

    code: Reason = says("机器可读的原因", "the reason, for programs")
    message: str = says("给人看的说明（按 Accept-Language）", "the reason, for people")
    path: list[str] | None = says("出错的输入位置", "the place in the input")


@strawberry.type(description="无权进行 · the caller may not do this", directives=[access(EVERYONE)])
class NotAllowed(UserError):
    """Not signed in, or not permitted."""


@strawberry.type(description="输入有误 · the input cannot be used", directives=[access(EVERYONE)])
class InvalidInput(UserError):
    """The named place of the input breaks a rule."""


_FORBIDDING = {Reason.NOT_ALLOWED, Reason.UNAUTHENTICATED}


def as_answer(info: Any, refused: Refused) -> UserError:
    """The refusal as a member of the field's result union.

    A field without such a union lets the refusal pass; the front door reports it in `errors[]`.
    """
    if not isinstance(get_named_type(info._raw_info.return_type), GraphQLUnionType):
        raise refused
    face = NotAllowed if refused.reason in _FORBIDDING else InvalidInput
    return face(
        code=refused.reason,
        message=info.context.say(refused.words),
        path=list(refused.path) or None,
    )
