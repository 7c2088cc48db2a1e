"""Access (访问规则): every root field says whom it serves; what says nothing does not start."""

from collections.abc import Callable, Collection
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension

from zwhub.graph.context import Context
from zwhub.graph.errors import as_answer
from zwhub.graph.rules import EVERYONE, Matter, access
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
        if actor.persona is Persona.DEPARTMENT and self.scope not in {None, *actor.scopes}:
            raise _not_allowed()
        served = [context.hub.levels.get(code, frozenset()) for code in self.matters]
        level = PUBLIC_LEVEL if actor.persona is Persona.CITIZEN else actor.level
        if level not in frozenset().union(*served):
            raise _wrong_level()


def root_field(
    zh: str,
    en: str,
    *,
    matters: Collection[str],
    personas: Collection[Persona],
    scope: Scope | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """A root field with its words, its matters and its rule.

    `scope` binds department systems alone: no other persona carries scopes.
    """
    field: Callable[[Callable[..., Any]], Any] = strawberry.field(
        description=both(Words(zh, en)),
        extensions=[Admit(matters, personas, scope)],
        directives=[Matter(codes=sorted(matters)), access(personas, scope)],
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


def _wrong_level() -> Refused:
    return Refused(
        Reason.NOT_ALLOWED,
        Words(
            "该业务事项不在您所属层级的办理范围内。",
            "The business matter behind this operation is not handled at your level.",
        ),
    )
