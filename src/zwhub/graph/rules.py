"""Rules (规则标注): the directives that say whom a field or a type is for, and what it serves."""

from collections.abc import Collection

import strawberry
from strawberry.schema_directive import Location

from zwhub.graph.enums import show
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.words import Words

show(
    Persona,
    "Persona",
    Words("调用者类别", "the kind of caller"),
    {
        Persona.ANONYMOUS: ("未登录", "not signed in"),
        Persona.CITIZEN: ("群众或企业", "citizen or enterprise"),
        Persona.CLERK: ("窗口人员", "clerk"),
        Persona.DEPARTMENT: ("部门系统", "department system"),
        Persona.SUPERVISOR: ("监督人员", "supervisor"),
        Persona.OPERATOR: ("运维人员", "operator"),
    },
)

EVERYONE = frozenset(Persona)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="matter",
    description="所服务的业务事项 · the business matters that this field serves",
)
class Matter:
    """`@matter(codes:)` on a root field."""

    codes: list[str] = strawberry.directive_field(name="codes")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="access",
    description="可调用者；此外一律拒绝 · who may ask; everyone else is refused",
)
class Access:
    """`@access(personas:, scope:)` on root fields and object types."""

    personas: list[str] = strawberry.directive_field(name="personas")
    scope: str | None = strawberry.directive_field(name="scope", default=strawberry.UNSET)


def access(personas: Collection[Persona], scope: Scope | None = None) -> Access:
    """The rule, ready to stand on an object type."""
    return Access(personas=sorted(personas), scope=scope or strawberry.UNSET)
