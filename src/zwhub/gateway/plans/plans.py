"""Plans of one operation (计划集): made when first needed, one for each set of conditions."""

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    default_field_resolver,
    default_type_resolver,
    visit,
)
from graphql.execution import ExecutionResult, Executor
from graphql.execution.collect_fields import FragmentDetails
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined
from strawberry.execution import optimized_is_awaitable

from zwhub.gateway.plans.inputs import NOTHING, Variables
from zwhub.gateway.plans.plan import Plan
from zwhub.gateway.plans.replay import replay
from zwhub.gateway.plans.run import Run, Subject

# So many combinations of `@skip` and `@include` are worth a plan; graphql-core runs the others.
_MOST_PLANS = 16


class Plans:
    """One operation of a *valid* document, ready to be run any number of times."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        most_errors: int,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._definitions = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        self._fragments = {name: FragmentDetails(one) for name, one in self._definitions.items()}
        # Each executor holds itself by its helpers, so one for each request would be work for gc.
        helpers = self._executor(NOTHING, None).async_helpers
        self._subject = Subject(schema, self._definitions, operation, helpers)
        self._variables = Variables(schema, operation, most_errors)
        self._conditions = _conditions(document)
        self._plans: dict[tuple[Any, ...], Plan | None] = {}

    async def run(self, given: Mapping[str, Any], context: object) -> ExecutionResult:
        """The answer to one request, exactly as graphql-core gives it."""
        values = self._variables.of(given)
        if isinstance(values, list):
            return ExecutionResult(None, values)
        run = Run(self._subject, values, context)
        plan = self._plan(values)
        if plan is not None:
            try:
                return ExecutionResult(await plan.data(run), None)
            except Exception:  # noqa: S110 - graphql-core meets it again, and tells it
                pass
        result = replay(run, self._executor(values, context))
        return await result if isawaitable(result) else result

    def _plan(self, values: VariableValues) -> Plan | None:
        given = tuple(values.coerced.get(name, Undefined) for name in self._conditions)
        if given not in self._plans:
            if len(self._plans) >= _MOST_PLANS:
                return None
            known = {
                name: values.coerced[name] for name in self._conditions if name in values.coerced
            }
            self._plans[given] = self._made(VariableValues({}, known))
        return self._plans[given]

    def _made(self, conditions: VariableValues) -> Plan | None:
        try:
            return Plan(self._schema, self._fragments, self._operation, conditions)
        except Exception:  # introspection, and what is wrong in a way that graphql-core tells
            return None

    def _executor(self, values: VariableValues, context: object) -> Executor[Any]:
        return Executor(
            self._schema,
            self._definitions,
            self._fragments,
            None,
            context,
            self._operation,
            values,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            hide_suggestions=True,
        )


def _conditions(document: DocumentNode) -> tuple[str, ...]:
    """The variables that decide which fields are asked for."""
    found = _Conditions()
    visit(document, found)
    return tuple(sorted(found.names))


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        values = [argument.value for argument in node.arguments or ()]
        self.names |= {value.name.value for value in values if isinstance(value, VariableNode)}
