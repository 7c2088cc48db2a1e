"""The whole schema (整体架构): the rooms side by side, and the proof that each field has its rule."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
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
from zwhub.graph.node import Node, read_global_id
from zwhub.graph.rules import EVERYONE, Access, Matter
from zwhub.graph.scalars import SCALARS
from zwhub.items.api import ItemQueries, item_by_id
from zwhub.kernel.refusal import Refused
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

Load = Callable[[str, Context], Awaitable[Any]]

# By kind of node: the root field whose rule guards it, and how one is loaded.
NODES: Mapping[str, tuple[str, Load]] = {
    "Item": ("item", item_by_id),
    "Licence": ("licence", licence_by_id),
    "Verification": ("verification", verification_by_id),
}
MOST_NODES = 100


async def _node(text: str, ctx: Context) -> Node | None:
    """The same check as the front way in; absent and forbidden look the same."""
    kind, key = read_global_id(text)
    if kind not in NODES:
        return None
    guarded_by, load = NODES[kind]
    try:
        _guards()[guarded_by].check(ctx)
    except Refused:
        return None
    found: Node | None = await load(key, ctx)
    return found


@strawberry.type
class NodeQueries:
    """Anything by its global id."""

    @root_field(
        "按全局标识重取", "anything by its global id", matters=("ZW-1-01-001",), personas=EVERYONE
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, argument("全局标识", "global id")]
    ) -> Node | None:
        return await _node(id, info.context)


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


_NAMES = NameConverter()

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS),
)
operations()
type_rules()
