"""Access (访问规则): every root field says whom it serves; what says nothing does not start."""

from collections.abc import Callable, Collection
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension

from zwhub.graph.context import Context
from zwhub.graph.errors import as_answer
from zwhub.graph.rules import EVERYONE, ListSize, Matter, access, cost
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words, both

PUBLIC_LEVEL = "群众端"  # the level at which citizens and enterprises stand


class Admit(FieldExtension):
    """The guard of a root field: persona, scope, and the levels of the matters it serves."""

    def __init__(
        self, matters: Collection[str], personas: Collection[Persona], scope: Scope | None
    ) -> None:
        self.matters = tuple(matters)
        self.personas = frozenset(personas)
        self.scope = scope

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: Any, **arguments: Any
    ) -> Any:
        context: Context = info.context
        try:
            self.check(context)
            return await next_(source, info, **arguments)
        except Refused as refused:
            return as_answer(info, refused)

    def check(self, context: Context) -> None:
        """Return quietly or raise `Refused`; who is unknown is asked to sign in first."""
        actor = context.actor
        if actor.persona not in self.personas:
            raise _sign_in() if actor.persona is Persona.ANONYMOUS else _not_allowed()
        if self.personas == EVERYONE:  # published reference data is open at every level
            return
        if (
            actor.persona is Persona.DEPARTMENT
            and self.scope is not None
            and self.scope not in actor.scopes
        ):
            raise _scope_missing(self.scope)
        served = [context.hub.levels.get(code, frozenset()) for code in self.matters]
        levels: frozenset[str] = frozenset().union(*served)
        level = PUBLIC_LEVEL if actor.persona is Persona.CITIZEN else actor.level
        if level not in levels:
            raise _wrong_level(levels)


def root_field(
    zh: str,
    en: str,
    *,
    matters: Collection[str],
    personas: Collection[Persona],
    scope: Scope | None = None,
    points: float = 1,
    size: ListSize | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """A root field with its words, its matters and its rule.

    `scope` binds department systems alone: no other persona carries scopes. `points` are what it
    costs (`@cost`), besides what is asked of its answer; `size` is what its lists depend on.
    """
    sizes = [] if size is None else [size]
    field: Callable[[Callable[..., Any]], Any] = strawberry.field(
        description=both(Words(zh, en)),
        extensions=[Admit(matters, personas, scope)],
        directives=[Matter(codes=sorted(matters)), access(personas, scope), cost(points), *sizes],
    )
    return field


def _sign_in() -> Refused:
    return Refused(
        Reason.UNAUTHENTICATED,
        Words(
            "请先登录：此操作需要身份令牌。",
            "Sign in first: this operation needs a bearer token.",
        ),
    )


def _not_allowed() -> Refused:
    return Refused(
        Reason.NOT_ALLOWED,
        Words(
            "当前身份无权进行此操作。",
            "Your role does not permit this operation.",
        ),
    )


def _scope_missing(scope: Scope) -> Refused:
    return Refused(
        Reason.NOT_ALLOWED,
        Words(
            f"令牌缺少此操作所需的权限 {scope}。",
            f"This operation needs the scope {scope}, which your token lacks.",
        ),
    )


def _wrong_level(levels: frozenset[str]) -> Refused:
    known = [(zh, en) for zh, en in _LEVELS.items() if zh in levels]
    zh = "、".join(zh for zh, _ in known) or "无"
    en = ", ".join(f"{en} ({zh})" for zh, en in known) or "none"
    return Refused(
        Reason.NOT_ALLOWED,
        Words(
            f"该业务事项不在您所属层级的办理范围内；办理层级：{zh}。",
            "The business matter behind this operation is not handled at your level. "
            f"It is at: {en}.",
        ),
    )


_LEVELS = {
    "省": "province",
    "市": "city",
    "县": "county",
    "乡": "township",
    "村": "village",
    PUBLIC_LEVEL: "the public",
}
