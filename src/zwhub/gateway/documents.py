"""Documents (文档): parsed, counted and validated once, then remembered within bounds."""

import re
import sys
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Lexer,
    OperationDefinitionNode,
    Source,
    TokenKind,
    ValuesOfCorrectTypeRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from zwhub.gateway.analysis import examine, introspects
from zwhub.gateway.bound import Bound, bound_of
from zwhub.gateway.cost import Cost, cost_of
from zwhub.gateway.excess import exceeded
from zwhub.gateway.limits import FrontDoor
from zwhub.gateway.long_lists import batch_variables
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.places import Text
from zwhub.gateway.plans.plans import Plans
from zwhub.gateway.problems import Code, Problem, TurnedAway
from zwhub.gateway.values import OneOfVariables, UnfitValue, ValuesUnquoted, honour_one_of
from zwhub.gateway.walk import visits
from zwhub.kernel.words import Words

RULES = (
    *(ValuesUnquoted if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    OneOfVariables,
    MaybeNullValidationRule,
)
# Measured with tracemalloc: a parsed token, its node and its location, and its part of a plan.
_BYTES_PER_TOKEN = 1_200


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document fit to run: parsed, within the limits, valid against the schema."""

    document: DocumentNode
    operations: Mapping[str, OperationDefinitionNode]
    bounds: Mapping[str, Bound]
    costs: Mapping[str, Cost]
    plans: Mapping[str, Plans]
    batch_variables: frozenset[str]
    weight: int

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run (GraphQL §6.1 GetOperation); `TurnedAway` when undetermined."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        found = self.operations.get(name or "")
        if found is None or name is None:
            raise TurnedAway(_UNNAMED if name is None else _UNKNOWN, graphql=True)
        return found

    def bound(self, operation: OperationDefinitionNode) -> Bound:
        """How many objects that operation asks for."""
        return self.bounds[_name(operation)]

    def cost(self, operation: OperationDefinitionNode) -> Cost:
        """What that operation is estimated to take."""
        return self.costs[_name(operation)]

    def plan(self, operation: OperationDefinitionNode) -> Plans:
        """How that operation is run."""
        return self.plans[_name(operation)]


class Documents:
    """The documents seen lately, good and bad, bounded by number and by estimated bytes.

    A bad one is remembered too: sending it again costs a look-up. `trusted` maps the sha256
    (lower-case hex) of a document to its text.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        door: FrontDoor,
        metrics: Metrics,
        trusted: Mapping[str, str] | None = None,
    ) -> None:
        honour_one_of(schema)
        self._schema = schema
        self._door = door
        self._metrics = metrics
        self._trusted = trusted or {}
        self._seen: OrderedDict[tuple[str, bool], Prepared | tuple[Problem, ...]] = OrderedDict()
        self._weight = 0

    def trusted(self, document_id: str) -> str:
        """The text behind `documentId`: the sha256 in hex, `sha256:` before it or not."""
        text = self._trusted.get(document_id.removeprefix("sha256:").lower())
        if text is None:
            raise TurnedAway(_NOT_FOUND)
        return text

    def prepare(self, text: str, *, open_: bool) -> Prepared:
        """The document ready to run, or `TurnedAway` with every reason found.

        `open_` callers may introspect and see suggestions.
        """
        allowed = self._door.document.bytes
        if len(text) > allowed:
            raise TurnedAway(exceeded("bytes", allowed, len(text)))
        key = (text, open_)
        found = self._seen.get(key)
        if found is None:
            self._metrics.document_miss()
            found = self._prepare(text, open_)
            self._remember(key, found)
        else:
            self._metrics.document_hit()
            self._seen.move_to_end(key)
        if isinstance(found, tuple):
            raise TurnedAway(*found, graphql=found[0].code is not Code.DOCUMENT_LIMIT_EXCEEDED)
        return found

    def _prepare(self, text: str, open_: bool) -> Prepared | tuple[Problem, ...]:
        try:
            document = self._parse(text)
        except TurnedAway as turned:
            return turned.problems
        problems = examine(document, self._schema, self._door.document, self._door.errors)
        if not problems:
            problems = self._validate(document, open_)
        if problems:
            return problems[: self._door.errors]
        return self._prepared(document)

    def _parse(self, text: str) -> DocumentNode:
        limits = self._door.document
        size = len(text.encode())
        if size > limits.bytes:
            raise TurnedAway(exceeded("bytes", limits.bytes, size))
        try:
            return parse(Text(text), max_lexical_tokens=limits.tokens, max_comments=limits.tokens)
        except GraphQLSyntaxError as error:
            raise TurnedAway(_syntax_problem(error, text, limits.tokens)) from None

    def _validate(self, document: DocumentNode, open_: bool) -> tuple[Problem, ...]:
        if not open_ and (place := introspects(document)):
            return (place,)
        # The validator adds one last entry of its own when it stops.
        most = self._door.errors - 1
        errors = validate(
            self._schema, document, RULES, max_errors=most, hide_suggestions=not open_
        )
        return tuple(_invalid(error) for error in errors)

    def _prepared(self, document: DocumentNode) -> Prepared:
        parts = document.definitions
        operations = {_name(one): one for one in parts if isinstance(one, OperationDefinitionNode)}
        fragments = {
            one.name.value: one for one in parts if isinstance(one, FragmentDefinitionNode)
        }
        batches = self._door.document.batches
        walked = {
            name: visits(one, fragments, self._schema, batches) for name, one in operations.items()
        }
        bounds = {name: bound_of(roots) for name, roots in walked.items()}
        costs = {name: cost_of(operations[name], roots) for name, roots in walked.items()}
        plans = {
            name: Plans(self._schema, document, one, self._door.errors)
            for name, one in operations.items()
        }
        lists = batch_variables(document, self._schema, batches)
        weight = document.token_count * _BYTES_PER_TOKEN
        return Prepared(document, operations, bounds, costs, plans, lists, weight)

    def _remember(self, key: tuple[str, bool], found: Prepared | tuple[Problem, ...]) -> None:
        self._seen[key] = found
        self._weight += _weight(key, found)
        while (
            len(self._seen) > self._door.cached_documents or self._weight > self._door.cached_bytes
        ):
            old_key, old = self._seen.popitem(last=False)
            self._weight -= _weight(old_key, old)


def _name(operation: OperationDefinitionNode) -> str:
    return operation.name.value if operation.name else ""


def _weight(key: tuple[str, bool], found: Prepared | tuple[Problem, ...]) -> int:
    size = found.weight if isinstance(found, Prepared) else len(found) * 1_000
    return sys.getsizeof(key[0]) + size


def _syntax_problem(error: GraphQLSyntaxError, text: str, tokens: int) -> Problem:
    places = tuple((at.line, at.column) for at in error.locations or ())
    until = next(iter(error.positions or ()), len(text))
    if _count_tokens(text[:until]) >= tokens:
        return exceeded("tokens", tokens, tokens + 1, places)
    en = _TOKEN_TEXT.sub(r"\1\2", error.message)
    return Problem(Code.GRAPHQL_PARSE_FAILED, Words(f"文档无法解析：{en}", en), places)


def _count_tokens(text: str) -> int:
    """The parser says that it met too many tokens only in prose, so they are counted again."""
    lexer = Lexer(Source(text))
    count = 0
    with suppress(GraphQLSyntaxError):
        while lexer.advance().kind is not TokenKind.EOF:
            count += 1
    return count


def _invalid(error: GraphQLError) -> Problem:
    places = tuple((at.line, at.column) for at in error.locations or ())
    said = error.words if isinstance(error, UnfitValue) else Words(error.message, error.message)
    words = Words(f"文档未通过校验：{said.zh}", said.en)
    return Problem(Code.GRAPHQL_VALIDATION_FAILED, words, places)


# What the parser quotes: a token's text, or what follows a backslash in a string.
_TOKEN_TEXT = re.compile(r"(?:(Name|String|BlockString|Int|Float) |(sequence): ).*", re.DOTALL)
_UNNAMED = Problem(
    Code.OPERATION_RESOLUTION_FAILURE,
    Words(
        "文档含有多个操作，请用 operationName 指定其一",
        "The document holds several operations: name one in operationName",
    ),
)
_UNKNOWN = Problem(
    Code.OPERATION_RESOLUTION_FAILURE,
    Words("文档中没有 operationName 所指的操作", "The document has no operation of that name"),
)
_NOT_FOUND = Problem(
    Code.PERSISTED_QUERY_NOT_FOUND,
    Words("没有此 documentId 的文档", "No document is registered under this documentId"),
)
