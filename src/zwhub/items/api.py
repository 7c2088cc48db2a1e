"""Items over GraphQL (事项接口): types and fields."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from zwhub.directory.api import LicenceType, Organisation, licence_types_of, organisations_of
from zwhub.graph.access import root_field
from zwhub.graph.connections import After, Connection, First, connection
from zwhub.graph.context import Context, Info
from zwhub.graph.fields import argument, batched, says
from zwhub.graph.node import Node, global_id, row_id_of
from zwhub.graph.rules import EVERYONE, access, paged
from zwhub.items import model, store
from zwhub.kernel.paging import Key

PUBLIC = [access(EVERYONE)]
LIBRARY = ("ZW-1-01-001",)


@strawberry.type(description="期限 · a length of time", directives=PUBLIC)
class Limit:
    """An amount with its unit."""

    amount: int = says("数量", "the amount")
    unit: str = says(
        "单位：工作日、自然日、月、年", "the unit: 工作日 working days, 自然日 days, 月, 年"
    )

    @classmethod
    def of(cls, amount: int | None, unit: str) -> "Limit | None":
        return None if amount is None else cls(amount=amount, unit=unit)


@strawberry.type(
    description="可替代的证照组合 · licences that stand in together", directives=PUBLIC
)
class EvidenceList:
    """All of these licences together stand in for the material (AND)."""

    types: strawberry.Private[list[str]]
    attributes: list[str] = says("所需照面信息", "the items of their faces that are used")

    @batched("须同时具备的证照类型", "the licence types that are needed together")
    async def all_of(lists: list["EvidenceList"], ctx: Context) -> list[list[LicenceType]]:
        codes = [code for one in lists for code in one.types]
        found = dict(zip(codes, await licence_types_of(codes, ctx), strict=True))
        return [[kind for code in one.types if (kind := found[code])] for one in lists]


@strawberry.type(description="申请材料 · a material", directives=PUBLIC)
class Material:
    """A paper that an item asks for."""

    code: str = says("材料编码（事项内唯一）", "its code within the item")
    name: str = says("名称", "name")
    name_en: str = says("英文名称", "English name")
    kind: str = says("类型：原件、复印件", "original, copy, or both")
    form: str = says("形式：纸质、电子、均可", "on paper, electronic, or either")
    necessity: str = says(
        "必要性：必要、非必要、容缺后补", "required, optional, or may follow later"
    )
    source: str = says("来源", "where it comes from")
    evidence: list[EvidenceList] = says(
        "可替代的证照组合，满足其一即可", "what stands in for it: any one of these lists (OR)"
    )

    @classmethod
    def of(cls, row: model.Material) -> "Material":
        return cls(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            kind=row.kind,
            form=row.form,
            necessity=row.necessity,
            source=row.source,
            evidence=[
                EvidenceList(
                    types=[str(need["type"]) for need in together],
                    attributes=[name for need in together for name in _attributes(need)],
                )
                for together in row.evidence
            ],
        )


def _attributes(need: dict[str, object]) -> list[str]:
    names = need["attributes"]
    return [str(name) for name in names] if isinstance(names, list) else []


@strawberry.type(description="政务服务事项 · an item", directives=PUBLIC)
class Item(Node):
    """One version of an item of the city's library."""

    id: strawberry.ID = says("全局标识", "global id")
    code: str = says("基本编码（12 位）", "basic code (12)")
    implementation_code: str = says("实施编码（31 位）", "implementation code (31)")
    version: int = says("版本号", "version")
    name: str = says("名称", "name")
    name_en: str = says("英文名称", "English name")
    kind: str = says("事项类型代码（GB/T 39046）", "kind code (GB/T 39046)")
    level: str = says("行使层级代码", "level code")
    served: list[str] = says("服务对象代码", "codes of those it serves")
    case_kind: str = says("办件类型：1 即办件 2 承诺件", "1 at once, 2 within a promised limit")
    status: str = says("状态：在用、暂停、取消", "in use, suspended or cancelled")
    statutory_limit: Limit | None = says("法定时限；空为无期限", "statutory limit; null = none")
    promised_limit: Limit | None = says("承诺时限", "promised limit")
    legal_basis: list[str] = says("法定依据", "legal basis")
    conditions: str = says("受理条件", "conditions")
    fee: str = says("收费", "fee")
    fee_basis: str = says("收费依据", "basis of the fee")
    visits: int = says("到现场次数", "visits needed")
    online_depth: int = says("网上办理深度", "depth of online handling")
    topics: list[str] = says("主题", "topics")
    contact: str = says("咨询方式", "contact")
    complaint: str = says("监督投诉方式", "where to complain")
    effective_from: datetime = says("本版本生效时间", "in force since")
    effective_until: datetime | None = says("本版本失效时间", "in force until")
    row_id: strawberry.Private[int]
    body: strawberry.Private[str]
    result_types: strawberry.Private[list[str]]

    @batched("实施主体", "the implementing body")
    async def organisation(items: list["Item"], ctx: Context) -> list[Organisation | None]:
        return await organisations_of([item.body for item in items], ctx)

    @batched("申请材料", "its materials")
    async def materials(items: list["Item"], ctx: Context) -> list[list[Material]]:
        async with ctx.hub.db.read() as session:
            found = await store.materials_of(session, [item.row_id for item in items])
        return [[Material.of(row) for row in found.get(item.row_id, [])] for item in items]

    @batched("办理结果证照类型", "the licence types it results in")
    async def results(items: list["Item"], ctx: Context) -> list[list[LicenceType]]:
        codes = [code for item in items for code in item.result_types]
        found = dict(zip(codes, await licence_types_of(codes, ctx), strict=True))
        return [[kind for code in item.result_types if (kind := found[code])] for item in items]

    @classmethod
    def of(cls, row: model.Item) -> "Item":
        return cls(
            id=global_id("Item", row.id),
            code=row.code,
            implementation_code=row.implementation_code,
            version=row.version,
            name=row.name,
            name_en=row.name_en,
            kind=row.kind,
            level=row.level,
            served=row.served,
            case_kind=row.case_kind,
            status=row.status,
            statutory_limit=Limit.of(row.statutory_limit, row.statutory_unit),
            promised_limit=Limit.of(row.promised_limit, row.promised_unit),
            legal_basis=[one for one in row.legal_basis.split("|") if one],
            conditions=row.conditions,
            fee=row.fee,
            fee_basis=row.fee_basis,
            visits=row.visits,
            online_depth=row.online_depth,
            topics=row.topics,
            contact=row.contact,
            complaint=row.complaint,
            effective_from=row.effective_from,
            effective_until=row.effective_until,
            row_id=row.id,
            body=row.organisation,
            result_types=row.results,
        )


@strawberry.input(
    one_of=True, description="事项查找方式（三选一） · how to name an item: one of these"
)
class ItemBy:
    """Exactly one member."""

    code: str | None = says("基本编码", "basic code", default=strawberry.UNSET)
    implementation_code: str | None = says(
        "实施编码", "implementation code", default=strawberry.UNSET
    )
    id: strawberry.ID | None = says("全局标识", "global id", default=strawberry.UNSET)


@strawberry.input(description="事项筛选 · which items")
class ItemFilter:
    """All given members must fit."""

    text: str | None = says("检索词，空格分隔须全部包含", "words that must all occur", default=None)
    organisation: str | None = says("实施主体代码", "code of the implementing body", default=None)
    kind: str | None = says("事项类型代码", "kind code", default=None)

    def wanted(self) -> store.ItemFilter:
        return store.ItemFilter(self.text, self.organisation, self.kind)


async def items_by_id(keys: Sequence[str], ctx: Context) -> list[Item | None]:
    """For `node(id:)` and `nodes(ids:)`: in the order of the keys."""
    row_ids = [row_id_of("Item", global_id("Item", key)) for key in keys]
    async with ctx.hub.db.read() as session:
        found = await store.items_by_ids(session, row_ids)
    return [Item.of(row) if (row := found.get(one)) else None for one in row_ids]


async def _item(by: ItemBy, at: datetime, ctx: Context) -> Item | None:
    if by.id:
        (found,) = await items_by_id([str(row_id_of("Item", by.id))], ctx)
        return found
    async with ctx.hub.db.read() as session:
        if by.code:
            row = await store.item_by_code(session, by.code, at)
        else:
            row = await store.item_by_implementation_code(session, by.implementation_code or "", at)
    return None if row is None else Item.of(row)


def _position(row: model.Item) -> Key:
    return (row.code, row.id)


@strawberry.type
class ItemQueries:
    """Questions about items; public reference data."""

    @root_field("一个事项", "one item", matters=LIBRARY, personas=EVERYONE)
    async def item(
        self,
        info: Info,
        by: Annotated[ItemBy, argument("查找方式", "how to name it")],
        as_of: Annotated[
            datetime | None, argument("当时生效的版本", "the version in force then")
        ] = None,
    ) -> Item | None:
        return await _item(by, as_of or info.context.now, info.context)

    @root_field(
        "事项检索",
        "items by text and filter",
        matters=LIBRARY,
        personas=EVERYONE,
        points=10,
        size=paged(),
    )
    async def items(
        self,
        info: Info,
        first: First,
        after: After = None,
        filter: Annotated[ItemFilter | None, argument("筛选", "which items")] = None,
    ) -> Connection[Item] | None:
        ctx = info.context
        page = ctx.hub.cursors.page("items", first, after)
        wanted = (filter or ItemFilter()).wanted()

        async def count() -> int:
            async with ctx.hub.db.read() as session:
                return await store.count_items(session, wanted, ctx.now)

        async with ctx.hub.db.read() as session:
            found = await store.items(session, wanted, page, ctx.now)
        return connection(
            ctx, "items", found, key=_position, node=Item.of, count=count, after=after
        )
