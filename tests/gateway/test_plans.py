"""Plans answer as graphql-core does: random documents over schemas whose fields do what they like."""

import gc
import random
import warnings
from collections.abc import Iterator
from typing import Any, cast

import orjson
import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, execute, parse, validate
from graphql.execution import ExecutionResult, Executor
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strawberry.execution import optimized_is_awaitable

from oddanswers import Odd, make_odd
from randomdocuments import RandomDocument
from zwhub.gateway.plans.plans import Plans
from zwhub.platform.bundle import bundled

WHOLE = make_odd(build_schema((bundled("schema") / "zwhub.graphql").read_text("utf-8")))

seeds = st.integers(min_value=0, max_value=2**32)


async def by_core(
    schema: GraphQLSchema, document: Any, variables: dict[str, Any], context: object
) -> ExecutionResult:
    found: Any = execute(
        schema,
        document,
        None,
        context,
        variables,
        max_coercion_errors=10,
        executor_class=Executor,
        is_awaitable=cast(Any, optimized_is_awaitable),
        hide_suggestions=True,
    )
    return found if isinstance(found, ExecutionResult) else await found


def plans_of(schema: GraphQLSchema, document: Any) -> Plans:
    (operation,) = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return Plans(schema, document, operation, 10)


def told(result: ExecutionResult) -> list[Any]:
    return [
        (error.message, error.path, error.locations, repr(error.original_error))
        for error in result.errors or ()
    ]


def written(result: ExecutionResult) -> bytes:
    return orjson.dumps(result.data, default=repr)


# graphql-core drops coroutines that it began when a list fails half way.
pytestmark = [
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def no_trace_in_other_tests() -> Iterator[None]:
    """What was dropped is collected here, where it may be."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        gc.collect()


@pytest.mark.parametrize("oddity", [0, 0.02, 0.1])
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=seeds)
async def test_over_the_whole_schema(oddity: float, seed: int) -> None:
    rng = random.Random(seed)
    asked = RandomDocument(rng, WHOLE)
    document = parse(asked.text)
    assume(not validate(WHOLE, document))
    plans = plans_of(WHOLE, document)
    for _ in range(2):  # once as it is compiled, once more as it is remembered
        expected = await by_core(WHOLE, document, asked.variables, Odd(seed, oddity=oddity))
        odd = Odd(seed, oddity=oddity)
        found = await plans.run(asked.variables, odd)
        assert written(found) == written(expected), asked.text
        assert told(found) == told(expected), asked.text
        assert len(set(odd.asked)) == len(odd.asked)
        seed += 1


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=seeds)
async def test_what_takes_its_time(seed: int) -> None:
    """Which errors are still told then depends on the moment; the data does not."""
    asked = RandomDocument(random.Random(seed), WHOLE)
    document = parse(asked.text)
    assume(not validate(WHOLE, document))
    expected = await by_core(WHOLE, document, asked.variables, Odd(seed, oddity=0.05, slow=True))
    odd = Odd(seed, oddity=0.05, slow=True)
    found = await plans_of(WHOLE, document).run(asked.variables, odd)
    assert written(found) == written(expected), asked.text
    assert bool(found.errors) == bool(expected.errors)
    assert len(set(odd.asked)) == len(odd.asked)
