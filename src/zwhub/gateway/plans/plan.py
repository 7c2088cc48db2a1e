"""The plan (计划): the fields of an operation bound to what finds them."""

from collections import Counter
from functools import partial
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SchemaMetaFieldDef,
    TypeMetaFieldDef,
    TypeNameMetaFieldDef,
    default_field_resolver,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import (
    FieldDetailsList,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from zwhub.gateway.plans.columns import Unplanned, settled
from zwhub.gateway.plans.completing import completer
from zwhub.gateway.plans.fields import Batch, Selection, attribute, batched, resolved, type_name
from zwhub.gateway.plans.inputs import arguments
from zwhub.gateway.plans.run import Asked, Complete, Run
from zwhub.graph.fields import BATCH


class Plan:
    """One operation, for certain values of the variables in its `@skip` and `@include`.

    graphql-core itself says which fields are asked of which type (GraphQL §6.3.2). Raises
    `Unplanned` for what only graphql-core can do: introspection, subscriptions.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDetails],
        operation: OperationDefinitionNode,
        conditions: VariableValues,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._operation = operation
        self._conditions = conditions
        self._places: Counter[Batch] = Counter()
        root = schema.get_root_type(operation.operation)
        if root is None or operation.operation is OperationType.SUBSCRIPTION:
            raise Unplanned
        found = collect_fields(schema, fragments, conditions, root, operation, True)
        self._root = self._selection(root, found.grouped_field_set)

    async def data(self, run: Run) -> dict[str, Any]:
        """`data` of the answer; whatever it raises, graphql-core is to finish the run."""
        if self._operation.operation is OperationType.MUTATION:
            return await self._root.in_turn(run, _nowhere)
        (found,) = await settled(self._root(run, [None], _nowhere))
        data: dict[str, Any] = found
        return data

    def _selection(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        fields: dict[str, Complete] = {}
        leaves: set[str] = set()
        for key, details in grouped.items():
            definition = self._schema.get_field(kind, details[0].node.name.value)
            if definition is not None:
                fields[key] = self._field(key, kind, definition, details)
                if _is_read(definition) and is_leaf_type(get_named_type(definition.type)):
                    leaves.add(key)
        return Selection(fields, frozenset(leaves))

    def _field(
        self, key: str, kind: GraphQLObjectType, definition: GraphQLField, details: FieldDetailsList
    ) -> Complete:
        if definition is SchemaMetaFieldDef or definition is TypeMetaFieldDef:
            raise Unplanned
        if definition is TypeNameMetaFieldDef:
            return type_name(kind.name)
        asked = Asked(key, [one.node for one in details], definition, kind)
        complete = completer(definition.type, asked, partial(self._below, details))
        declared: Any = definition.extensions.get("strawberry-definition")
        if _is_read(definition):
            return attribute(declared.python_name, asked, complete)
        batch = declared.metadata.get(BATCH) if declared is not None else None
        if batch is not None:
            self._places[batch] += 1
            return batched(batch, self._places, asked, complete)
        resolve = definition.resolve or default_field_resolver
        return resolved(resolve, arguments(definition, asked.nodes[0]), asked, complete)

    def _below(self, details: FieldDetailsList, kind: GraphQLObjectType) -> Selection:
        found = collect_subfields(
            self._schema, self._fragments, self._conditions, self._operation, kind, details, True
        )
        return self._selection(kind, found.grouped_field_set)


def _is_read(definition: GraphQLField) -> bool:
    """Whether the field is an attribute of its objects: strawberry made it and has no resolver."""
    declared = definition.extensions.get("strawberry-definition")
    return definition is TypeNameMetaFieldDef or (
        declared is not None
        and getattr(definition.resolve, "_is_default", False)
        and declared.default_resolver is getattr
    )


def _nowhere(_: int) -> None:
    """Where the root stands."""
