"""Inputs (输入): variables and arguments brought into their types by coercers made beforehand.

A coercer knows the values that fit, and only those: for all others graphql-core is asked, which
finds the words for what is wrong with them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    GraphQLString,
    Node,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)
from graphql.error import GraphQLError
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import (
    VariableValues,
    VariableValueSource,
    get_argument_values,
    get_variable_values,
)
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

from zwhub.gateway.plans.columns import Unplanned

Coerce = Callable[[Any], Any]
NOTHING = VariableValues({}, {})


class Variables:
    """The variables of one operation."""

    def __init__(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, most_errors: int
    ) -> None:
        self._schema = schema
        self._defined = operation.variable_definitions or ()
        self._most_errors = most_errors
        self._coercers = {
            node.variable.name.value: _variable(schema, node) for node in self._defined
        }

    def of(self, given: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """The values in their types, or why they do not fit."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for name, (signature, coerce) in self._coercers.items():
                if name in given:
                    sources[name] = VariableValueSource(signature, given[name])
                    coerced[name] = coerce(given[name])
                elif signature.default is not None or is_non_null_type(signature.type):
                    raise Unplanned
                else:
                    sources[name] = VariableValueSource(signature)
        except Exception:
            return get_variable_values(
                self._schema,
                self._defined,
                dict(given),
                max_errors=self._most_errors,
                hide_suggestions=True,
            )
        return VariableValues(sources, coerced)


def arguments(
    definition: GraphQLField, node: FieldNode
) -> Callable[[VariableValues], Mapping[str, Any]]:
    """How the arguments of a field are found: once for all where no variable is among them."""

    def each_time(variables: VariableValues) -> Mapping[str, Any]:
        return get_argument_values(definition, node, variables, None, True)

    if any(_holds_variable(argument.value) for argument in node.arguments or ()):
        return each_time
    try:
        constant = each_time(NOTHING)
    except GraphQLError:  # to be told when it is run
        return each_time
    if any(isinstance(value, list | dict) for value in constant.values()):
        return each_time  # what can be altered belongs to one request
    return lambda _: constant


def _holds_variable(node: Node) -> bool:
    stack = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, VariableNode):
            return True
        stack += getattr(one, "values", ())
        stack += [field.value for field in getattr(one, "fields", ())]
    return False


def _variable(
    schema: GraphQLSchema, node: VariableDefinitionNode
) -> tuple[GraphQLVariableSignature, Coerce]:
    signature = get_variable_signature(schema, node)
    if isinstance(signature, GraphQLError):
        raise Unplanned
    return signature, _coercer(signature.type, ())


def _coercer(kind: GraphQLInputType, around: tuple[GraphQLInputObjectType, ...]) -> Coerce:
    """What brings a value into this type, or raises; `around` are the types it stands in."""
    if is_non_null_type(kind):
        return _required(_coercer(kind.of_type, around))
    if is_list_type(kind):
        return _list(_coercer(kind.of_type, around))
    if is_input_object_type(kind):
        # A type within itself can be nested without end, which graphql-core has a limit for.
        return _never if kind in around else _object(kind, (*around, kind))
    return _text if kind is GraphQLString else _leaf(kind)


def _leaf(kind: Any) -> Coerce:
    def leaf(value: Any) -> Any:
        if value is None:
            return None
        found = kind.coerce_input_value(value)
        if found is Undefined:
            raise Unplanned
        return found

    return leaf


def _never(_: Any) -> Any:
    raise Unplanned


def _text(value: Any) -> Any:
    if type(value) is str or value is None:
        return value
    raise Unplanned


def _required(inner: Coerce) -> Coerce:
    def required(value: Any) -> Any:
        if value is None:
            raise Unplanned
        return inner(value)

    return required


def _list(inner: Coerce) -> Coerce:
    def items(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not list:  # one that stands for a list of one
            raise Unplanned
        return [inner(item) for item in value]

    return items


def _object(kind: GraphQLInputObjectType, around: tuple[GraphQLInputObjectType, ...]) -> Coerce:
    fields = kind.fields
    coercers = {name: _coercer(field.type, around) for name, field in fields.items()}
    names = {name: field.out_name or name for name, field in fields.items()}
    required = {name for name, field in fields.items() if is_required_input_field(field)}
    defaults = {
        name: default
        for name, field in fields.items()
        if (default := coerce_default_value(field)) is not Undefined
    }
    in_order = tuple(fields)

    def members(value: Any) -> Any:
        if value is None:
            return None
        if type(value) is not dict or not coercers.keys() >= value.keys() >= required:
            raise Unplanned
        found = {}
        for name in in_order:
            if name in value:
                found[names[name]] = coercers[name](value[name])
            elif name in defaults:
                found[names[name]] = defaults[name]
        if kind.is_one_of and (len(value) != 1 or len(found) != 1 or None in found.values()):
            raise Unplanned
        return kind.out_type(found)

    return members
