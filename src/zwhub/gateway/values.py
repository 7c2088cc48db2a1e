"""Values (取值): what is wrong with one, in both languages, and never the value itself.

graphql-core quotes the value it refuses, and that can be somebody's number. Its messages are
recognised by how they begin and said anew; only names of types, of the schema's own fields, of
arguments and of variables are taken over.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from graphql import (
    SKIP,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    ListValueNode,
    Node,
    NonNullTypeNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    ValidationRule,
    ValueNode,
    ValuesOfCorrectTypeRule,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
)
from graphql.pyutils import suggestion_list

from zwhub.kernel.words import Words


class UnfitValue(GraphQLError):
    """A literal that does not fit its type; `words` quote nothing of it."""

    def __init__(self, words: Words, nodes: list[Node]) -> None:
        super().__init__(words.en, nodes)
        self.words = words


class ValuesUnquoted(ValuesOfCorrectTypeRule):
    """Values of Correct Type (GraphQL §5.6.1), reported as `UnfitValue` and always with a place.

    Unknown input fields (§5.6.2) are found first: graphql-core prints the whole object for each.
    """

    _judged: ValueNode

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> Any:
        self._judged = node
        known = True
        for field, kind in _unknown_fields(node, input_type):
            known = False
            super().report_error(UnfitValue(self._no_such_field(field, kind), [field]))
        return super().is_valid_value_node(node, input_type) if known else SKIP

    def _no_such_field(self, field: ObjectFieldNode, kind: GraphQLInputObjectType) -> Words:
        words = reason(f"Expected value of type '{kind.name}' not to include unknown field '")
        if self.context.hide_suggestions:
            return words
        return _with_hint(words, suggestion_list(field.name.value, kind.fields)[:_HINTS])

    def report_error(self, error: GraphQLError) -> None:
        found = _HINT.match(error.message)
        names = re.findall(r"'(\w+)'", found["names"]) if found else []
        words = _with_hint(reason(error.message), names)
        super().report_error(UnfitValue(words, error.nodes or [self._judged]))


class OneOfVariables(ValidationRule):
    """A variable in a `@oneOf` input is non-null (GraphQL §5.8.5).

    graphql-core 3.3 sees to it only where the input itself may be null.
    """

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_: Any) -> None:
        defined = {one.variable.name.value: one for one in operation.variable_definitions or ()}
        for usage in self.context.get_recursive_variable_usages(operation):
            if not is_non_null_type(usage.parent_type):
                continue
            kind, name = usage.parent_type.of_type, usage.node.name.value
            nullable = name in defined and not isinstance(defined[name].type, NonNullTypeNode)
            if is_input_object_type(kind) and kind.is_one_of and nullable:
                words = Words(
                    f"变量 ${name} 用在 {kind.name} 中，其类型必须非空",
                    f"Variable ${name} stands in {kind.name}, so its type must be non-null",
                )
                self.report_error(UnfitValue(words, [usage.node]))


def honour_one_of(schema: GraphQLSchema) -> None:
    """Tell graphql-core which inputs are `@oneOf`: strawberry 0.341 only prints it.

    Its own rule for them fails on a variable that is not defined, and on a fragment that stands
    before its operation.
    """
    for kind in schema.type_map.values():
        definition = kind.extensions.get("strawberry-definition")
        if is_input_object_type(kind) and definition is not None:
            kind.is_one_of = definition.is_one_of


def misfit(message: str) -> Words:
    """What graphql-core's `message` says of a variable or an argument: its place and the reason."""
    found = _PLACE.match(message)
    if found is None:
        return reason(message)
    kind, name, at = found["kind"], found["name"], found["at"] or ""
    why, zh = reason(message[found.end() :]), "变量" if kind == "Variable" else "参数"
    return Words(
        f"{zh} {name}{at} 不符合要求：{why.zh}", f"{kind} {name}{at} does not fit: {why.en}"
    )


def reason(message: str) -> Words:
    """What graphql-core's `message` says of a value; of an unknown message, nothing is repeated."""
    for pattern, words in _SAID:
        found = pattern.match(message)
        if found:
            return Words(words.zh.format(*found.groups()), words.en.format(*found.groups()))
    return _UNFIT


def _unknown_fields(
    node: ValueNode, kind: GraphQLInputType | None
) -> Iterator[tuple[ObjectFieldNode, GraphQLInputObjectType]]:
    """The fields in a literal, however deep, that its input types do not have."""
    stack = [(node, kind)]
    while stack:
        node, kind = stack.pop()
        kind = kind.of_type if is_non_null_type(kind) else kind
        if is_list_type(kind):
            # A value that is no list stands for a list of one (GraphQL §3.12).
            items = node.values if isinstance(node, ListValueNode) else (node,)
            stack += [(item, kind.of_type) for item in reversed(items)]
        elif is_input_object_type(kind) and isinstance(node, ObjectValueNode):
            for field in reversed(node.fields):
                known = kind.fields.get(field.name.value)
                if known is not None:
                    stack.append((field.value, known.type))
            yield from ((one, kind) for one in node.fields if one.name.value not in kind.fields)


def _with_hint(words: Words, names: Sequence[str]) -> Words:
    """With the names of the schema that come near, if there are any."""
    if not names:
        return words
    quoted = [f"'{name}'" for name in names]
    return Words(
        f"{words.zh}。是不是 {'、'.join(quoted)}？",
        f"{words.en}. Did you mean {' or '.join(quoted)}?",
    )


_PLACE = re.compile(
    r"(?P<kind>Variable|Argument) '(?P<name>\$?\w+)' has invalid (?:default )?value"
    r"(?: at (?P<at>[.\w\[\]]+))?: "
)
_HINT = re.compile(
    r"Value '\w+' does not exist in '\w+' enum"
    r"\. Did you mean the enum value (?P<names>'\w+'(?:, | or |, or |'\w+')*)\?"
)
_HINTS = 5  # as many names as graphql-core ever suggests
_UNFIT = Words("与所要求的类型不符", "it is not of the type expected")
_SAID = [
    (re.compile(pattern, re.DOTALL), Words(zh, en))
    for pattern, zh, en in (
        (
            r"Expected (?:a )?value of non-null type '([^']+)' (?:not to be None|to be provided)",
            "不能为空（类型 {0}）",
            "it must not be null (type {0})",
        ),
        (
            r"Argument '(\w+)' of required type '([^']+)' was not provided",
            "缺少必填参数 {0}（类型 {1}）",
            "the required argument {0} (type {1}) is missing",
        ),
        (
            r"Expected value of type '(\w+)' to include required field '(\w+)'",
            "{0} 缺少必填字段 '{1}'",
            "{0} lacks the required field '{1}'",
        ),
        (
            r"Expected value of type '(\w+)' not to include unknown field '",
            "{0} 没有所给的字段",
            "{0} has no field of the name given",
        ),
        (
            r"Expected value of type '(\w+)' to be an object",
            "应为 {0} 对象",
            "an object of type {0} is expected",
        ),
        (
            r"Within OneOf Input Object type '(\w+)', exactly one field must be specified",
            "{0} 必须且只能给出一个字段，且其值不能为空",
            "{0} takes exactly one field, and its value must not be null",
        ),
        (
            r"Expected variable '(\$\w+)' provided to ",
            "变量 {0} 在此处不能为空",
            "variable {0} must have a value here",
        ),
        (
            r"(?:Value '.*' does not exist in|Enum) '(\w+)'(?: enum\.| cannot represent non-)",
            "应为枚举 {0} 的值",
            "a value of the enum {0} is expected",
        ),
        (
            r"Int cannot represent non 32-bit signed integer value",
            "应为 32 位整数",
            "a 32-bit integer is expected",
        ),
        (
            r"(Int|Float|String|Boolean|ID) cannot represent ",
            "应为 {0} 类型的值",
            "a value of type {0} is expected",
        ),
        (
            r"Date: ",
            "应为日期 YYYY-MM-DD，例如 2026-01-31",
            "a date YYYY-MM-DD is expected, for example 2026-01-31",
        ),
        (
            r"DateTime: ",
            "应为带时区的时间（RFC 3339），例如 2026-01-31T09:30:00+08:00",
            "an RFC 3339 time with an offset is expected, for example 2026-01-31T09:30:00+08:00",
        ),
        (
            r"Expected value of type '(\w+)'",
            "应为 {0} 类型的值",
            "a value of type {0} is expected",
        ),
        (
            r"Variable values are nested too deeply",
            "变量嵌套过深",
            "the variables are nested too deeply",
        ),
        (
            r"Too many errors processing variables",
            "变量的错误过多，其余不再列出",
            "the variables hold more errors than are listed",
        ),
    )
]
