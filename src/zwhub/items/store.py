"""Items in SQL (事项存取)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.items.model import Item, Material
from zwhub.kernel.paging import COUNT_CAP, Page, Slice
from zwhub.kernel.search import grams, words_of


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """Which items: every word of `text` occurs, and each given code fits."""

    text: str | None = None
    organisation: str | None = None
    kind: str | None = None


def in_force(at: datetime) -> ColumnElement[bool]:
    """The versions in force at `at`."""
    ended = Item.effective_until
    return (Item.effective_from <= at) & (ended.is_(None) | (ended > at))


async def item_by_code(session: AsyncSession, code: str, at: datetime) -> Item | None:
    """By 基本编码; where several bodies implement it, the first implementation code."""
    query = select(Item).where(Item.code == code, in_force(at))
    return await session.scalar(query.order_by(Item.implementation_code).limit(1))


async def item_by_implementation_code(
    session: AsyncSession, code: str, at: datetime
) -> Item | None:
    return await session.scalar(select(Item).where(Item.implementation_code == code, in_force(at)))


async def items_by_ids(session: AsyncSession, ids: Sequence[int]) -> dict[int, Item]:
    """Those of these ids that there are."""
    rows = await session.scalars(select(Item).where(Item.id.in_(ids)))
    return {row.id: row for row in rows}


def _matching(wanted: ItemFilter, at: datetime) -> Select[Any]:
    query = select(Item).where(in_force(at))
    if wanted.organisation is not None:
        query = query.where(Item.organisation == wanted.organisation)
    if wanted.kind is not None:
        query = query.where(Item.kind == wanted.kind)
    for word in words_of(wanted.text or ""):
        query = query.where(
            Item.grams.contains(grams(word)),
            Item.search_text.contains(word, autoescape=True),
        )
    return query


async def items(session: AsyncSession, wanted: ItemFilter, page: Page, at: datetime) -> Slice[Item]:
    """One page, in the order of their codes."""
    query = _matching(wanted, at).order_by(Item.code, Item.id).limit(page.first + 1)
    if page.after is not None:
        code, item_id = page.after
        query = query.where((Item.code > code) | ((Item.code == code) & (Item.id > int(item_id))))
    return Slice.of(page, (await session.scalars(query)).all())


async def count_items(session: AsyncSession, wanted: ItemFilter, at: datetime) -> int:
    """Counted up to the cap, plus one when there are more."""
    capped = _matching(wanted, at).with_only_columns(Item.id).limit(COUNT_CAP + 1).subquery()
    return int(await session.scalar(select(func.count()).select_from(capped)) or 0)


async def materials_of(
    session: AsyncSession, item_ids: Collection[int]
) -> Mapping[int, list[Material]]:
    """By item id, its materials in order; one statement."""
    query = (
        select(Material)
        .where(Material.item_id.in_(set(item_ids)))
        .order_by(Material.item_id, Material.position)
    )
    found: dict[int, list[Material]] = defaultdict(list)
    for row in await session.scalars(query):
        found[row.item_id].append(row)
    return found


async def current_digests(session: AsyncSession) -> Mapping[str, str]:
    """By implementation code, the digest of the content in force."""
    query = select(Item.implementation_code, Item.content_digest).where(
        Item.effective_until.is_(None)
    )
    return {row.implementation_code: row.content_digest for row in await session.execute(query)}


async def last_versions(session: AsyncSession) -> Mapping[str, int]:
    """By implementation code, the highest version ever published, in force or ended."""
    query = select(Item.implementation_code, func.max(Item.version).label("version"))
    rows = await session.execute(query.group_by(Item.implementation_code))
    return {row.implementation_code: row.version for row in rows}


async def publish(
    session: AsyncSession,
    rows: Sequence[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]],
) -> None:
    """Insert new versions, each with its materials."""
    for item, materials in rows:
        item_id = await session.scalar(insert(Item).values(**item).returning(Item.id))
        if materials:
            await session.execute(
                insert(Material), [{**one, "item_id": item_id} for one in materials]
            )


async def end_versions(session: AsyncSession, codes: Iterable[str], at: datetime) -> None:
    """The versions in force of these implementation codes are in force no longer."""
    await session.execute(
        update(Item)
        .where(Item.implementation_code.in_(set(codes)), Item.effective_until.is_(None))
        .values(effective_until=at)
    )


async def code_with_most_evidence(session: AsyncSession, types: Collection[str]) -> str:
    """The item in force with the most materials for which one of these licence types stands in."""
    named = cast("$[*][*] ? (@.type == $held[*])", JSONPATH)
    covered = func.jsonb_path_exists(Material.evidence, named, cast({"held": list(types)}, JSONB))
    query = (
        select(Item.code)
        .join(Material, Material.item_id == Item.id)
        .where(Item.effective_until.is_(None), covered)
        .group_by(Item.code)
        .order_by(func.count().desc(), Item.code)
        .limit(1)
    )
    return str(await session.scalar(query))
