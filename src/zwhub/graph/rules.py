"""Rules (规则标注): the directives that say whom a field is for, what it serves, what it costs."""

from collections.abc import Collection, Iterable
from typing import Any

import strawberry
from strawberry.schema_directive import Location

from zwhub.graph.enums import show
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.words import Words, both

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
OBJECT_COST = 0.05  # points for a field whose value is an object, where no @cost says otherwise


def _argument(name: str, zh: str, en: str) -> Any:
    """One argument of a directive, with its description in both languages."""
    field = strawberry.directive_field(name=name, default=strawberry.UNSET)
    field.description = both(Words(zh, en))
    return field


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="matter",
    description="所服务的业务事项 · the business matters that this field serves",
)
class Matter:
    """`@matter(codes:)` on a root field."""

    codes: list[str] = _argument("codes", "业务事项编码", "codes of the business matters")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="access",
    description="可调用者；此外一律拒绝 · who may ask; everyone else is refused",
)
class Access:
    """`@access(personas:, scope:)` on root fields and object types."""

    personas: list[str] = _argument(
        "personas", "可调用者的类别", "the kinds of caller that may ask"
    )
    scope: str | None = _argument(
        "scope", "部门系统还须具有的权限", "the scope that a department system needs besides"
    )


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="cost",
    description=f"代价点数；未标注的对象字段为 {OBJECT_COST}，其余为 0 · the points it costs, for each "
    f"object it is asked of; where nothing is said, a field with an object for its value "
    f"costs {OBJECT_COST} and any other nothing. On an input field: for each element of its list",
)
class Cost:
    """`@cost(weight:)`, as in IBM's cost specification for GraphQL."""

    weight: str = _argument("weight", "点数（十进制数）", "the points, a decimal number")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="列表长度由何决定；未标注的列表按 5 计 · what makes its list as long as it is; a list "
    "of which nothing is said is taken to be 5 long",
)
class ListSize:
    """`@listSize(slicingArguments:, sizedFields:)`, as in the same specification."""

    slicing_arguments: list[str] = _argument(
        "slicingArguments",
        "决定长度的参数：数值，或列表的元素个数",
        "the arguments that say how long: a number, or a list by its length",
    )
    sized_fields: list[str] | None = _argument(
        "sizedFields", "结果中有此长度的字段", "the fields of its value that are that long"
    )


def describe_arguments(directives: Iterable[Any]) -> None:
    """Give the arguments of our directives their words: strawberry 0.341 leaves them out."""
    for directive in directives:
        definition = directive.extensions.get("strawberry-definition")
        for field in definition.fields if definition else ():
            directive.args[field.graphql_name].description = field.description


def cost(points: float) -> Cost:
    """The directive, ready to stand on a field."""
    return Cost(weight=f"{points:g}")


def paged() -> ListSize:
    """The directive of a field whose value is a connection."""
    return ListSize(slicing_arguments=["first"], sized_fields=["edges"])


def access(personas: Collection[Persona], scope: Scope | None = None) -> Access:
    """The rule, ready to stand on an object type."""
    return Access(personas=sorted(personas), scope=scope or strawberry.UNSET)
