"""Excess (超限): how a document limit that is passed is told, with its figure and its place."""

from strawberry.utils.str_converters import to_camel_case

from zwhub.gateway.problems import Code, Problem
from zwhub.kernel.words import Words


def exceeded(
    limit: str, allowed: int, found: float, locations: tuple[tuple[int, int], ...] = ()
) -> Problem:
    """The one way a document limit is reported."""
    zh, en = _NAMES[limit]
    words = Words(
        f"文档超出限制：{zh}最多 {allowed}，实际至少 {found}",
        f"The document exceeds a limit: at most {allowed} {en}, found at least {found}",
    )
    details = {"limit": to_camel_case(limit), "allowed": allowed, "found": found}
    return Problem(Code.DOCUMENT_LIMIT_EXCEEDED, words, locations, details=details)


_NAMES = {
    "bytes": ("字节数", "bytes"),
    "tokens": ("词法单元数", "tokens"),
    "operations": ("操作数", "operations"),
    "variables": ("变量数", "variables of an operation"),
    "members": ("对象成员数", "members of an object"),
    "depth": ("嵌套深度", "levels of depth"),
    "aliases": ("别名数", "aliases"),
    "introspection_aliases": ("内省中的别名数", "aliases in introspection"),
    "directives": ("指令数", "directives"),
    "nodes": ("展开后的节点数", "nodes after expansion"),
    "root_fields": ("根字段数", "root fields"),
    "repeats": ("重复字段对数", "pairs of repeated fields"),
    "digits": ("数字位数", "characters in a number"),
    "nodes_returned": ("请求返回的对象数", "objects to be returned"),
    "cost": ("代价点数", "points of cost"),
}
