"""The whole schema (整体架构): the rooms side by side, and the proof that each field has its rule."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.tools import merge_types
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from zwhub.directory.api import DirectoryQueries
from zwhub.graph.access import Admit, root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.fields import argument
from zwhub.graph.inputs import build_inputs
from zwhub.graph.node import Node, read_global_id
from zwhub.graph.rules import EVERYONE, Access, ListSize, Matter, describe_arguments
from zwhub.graph.scalars import SCALARS
from zwhub.items.api import ItemQueries, items_by_id
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.api.access_log import AccessLogQueries
from zwhub.licences.api.changing import StatusMutations
from zwhub.licences.api.collecting import CollectMutations
from zwhub.licences.api.files import FileMutations
from zwhub.licences.api.listing import StatusListQueries
from zwhub.licences.api.questions import LicenceQueries, licence_by_id, verification_by_id
from zwhub.licences.api.uploading import UploadMutations
from zwhub.licences.api.verifying import VerifyMutations
from zwhub.profile.api import ProfileQueries
from zwhub.supermarket.api import SupermarketQueries

Load = Callable[[Sequence[str], Context], Awaitable[Sequence[Any]]]


def _one_by_one(load: Callable[[str, Context], Awaitable[Any]]) -> Load:
    async def loaded(keys: Sequence[str], ctx: Context) -> list[Any]:
        turns = asyncio.Semaphore(_LOOK_UPS)

        async def one(key: str) -> Any:
            async with turns:
                return await load(key, ctx)

        return await asyncio.gather(*map(one, keys))

    return loaded


# By kind of node: the root field whose rule guards it, and how they are loaded by their keys.
NODES: Mapping[str, tuple[str, Load]] = {
    "Item": ("item", items_by_id),
    "Licence": ("licence", _one_by_one(licence_by_id)),
    "Verification": ("verification", _one_by_one(verification_by_id)),
}
MOST_NODES = 100
_LOOK_UPS = 4  # of one request at a time: each may need a connection to the database


async def _nodes(texts: Sequence[str], ctx: Context) -> list[Node | None]:
    """In the order of the ids; the same check as the front way in, for each kind.

    Absent and forbidden look the same.
    """
    places: dict[str, list[int]] = defaultdict(list)
    named = [read_global_id(text) for text in texts]
    for place, (kind, _) in enumerate(named):
        if kind in NODES and _may_see(kind, ctx):
            places[kind].append(place)
    found: list[Node | None] = [None] * len(texts)
    for kind, at in places.items():
        for place, one in zip(
            at, await NODES[kind][1]([named[place][1] for place in at], ctx), strict=True
        ):
            found[place] = one
    return found


def _may_see(kind: str, ctx: Context) -> bool:
    try:
        _guards()[NODES[kind][0]].check(ctx)
    except Refused:
        return False
    return True


@strawberry.type
class NodeQueries:
    """Anything by its global id."""

    @root_field(
        "按全局标识重取", "anything by its global id", matters=("ZW-1-01-001",), personas=EVERYONE
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, argument("全局标识", "global id")]
    ) -> Node | None:
        (found,) = await _nodes([id], info.context)
        return found

    @root_field(
        "按全局标识重取多个，按所给次序；不存在或无权查看的为空",
        "several by their global ids, in their order; null where there is none to be seen",
        matters=("ZW-1-01-001",),
        personas=EVERYONE,
        points=10,
        size=ListSize(slicing_arguments=["ids"]),
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[
            list[strawberry.ID], argument("全局标识，至多 100 个", "global ids, at most 100")
        ],
    ) -> list[Node | None] | None:
        if len(ids) > MOST_NODES:
            words = Words(f"一次至多 {MOST_NODES} 个。", f"At most {MOST_NODES} at a time.")
            raise Refused(Reason.TOO_MANY, words, ("ids",))
        return list(await _nodes(ids, info.context))


QUERIES = (
    DirectoryQueries,
    ItemQueries,
    LicenceQueries,
    StatusListQueries,
    AccessLogQueries,
    SupermarketQueries,
    ProfileQueries,
    NodeQueries,
)
MUTATIONS = (CollectMutations, StatusMutations, VerifyMutations, FileMutations, UploadMutations)
Query: Any = merge_types("Query", QUERIES)
Mutation: Any = merge_types("Mutation", MUTATIONS)
for root, words in (
    (Query, "查询入口 · everything that can be asked"),
    (Mutation, "操作入口 · everything that can be done"),
):
    root.__strawberry_definition__.description = words


def root_fields() -> Iterator[StrawberryField]:
    """Every root field of queries and mutations."""
    for root in (Query, Mutation):
        definition: StrawberryObjectDefinition = root.__strawberry_definition__
        yield from definition.fields


def _guards() -> Mapping[str, Admit]:
    return {
        field.python_name: one
        for field in root_fields()
        for one in field.extensions
        if isinstance(one, Admit)
    }


class Unguarded(Exception):
    """A field or a type has no rule; the hub refuses to start."""


def operations() -> Mapping[str, tuple[str, ...]]:
    """By matter, the root fields that serve it. Raises `Unguarded` for a field without a rule."""
    serving: dict[str, list[str]] = defaultdict(list)
    for field in root_fields():
        matters = [one for one in field.directives if isinstance(one, Matter)]
        if len(matters) != 1 or not any(isinstance(one, Admit) for one in field.extensions):
            raise Unguarded(field.python_name)
        for code in matters[0].codes:
            serving[code].append(_NAMES.get_graphql_name(field))
    return {code: tuple(sorted(names)) for code, names in serving.items()}


def type_rules() -> Mapping[str, frozenset[str]]:
    """By object type, the personas that may see it. Raises `Unguarded` for a type without a rule."""
    rules = {}
    for name, concrete in schema.schema_converter.type_map.items():
        definition = concrete.definition
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_input:
            continue
        if definition.is_interface or name in {"Query", "Mutation"}:
            continue
        found = [one for one in definition.directives or () if isinstance(one, Access)]
        if len(found) != 1:
            raise Unguarded(name)
        rules[name] = frozenset(found[0].personas)
    return rules


def sdl() -> str:
    """The published schema, as it stands in `schema/zwhub.graphql`."""
    return print_schema(schema) + "\n"


class _Names(NameConverter):
    """strawberry's names, each worked out once: it asks again with every request."""

    def apply_naming_config(self, name: str) -> str:
        return _graphql_name(name)


_graphql_name = cache(NameConverter().apply_naming_config)
_NAMES = _Names()

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(name_converter=_NAMES, scalar_map=SCALARS),
)
describe_arguments(schema._schema.directives)
build_inputs(schema)
operations()
type_rules()
