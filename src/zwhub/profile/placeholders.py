"""Placeholders (数据替换清单): for each row of the list, whether sample data is still in place."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.directory import store as directory
from zwhub.directory.model import City
from zwhub.items import store as items
from zwhub.kernel.words import Words
from zwhub.licences import store as licences
from zwhub.profile.folder import Profile, read_profile, sample_folder


class PlaceholderStatus(StrEnum):
    """What is in place where real data belongs."""

    SAMPLE = "SAMPLE"
    MIXED = "MIXED"
    MISSING = "MISSING"
    REPLACED = "REPLACED"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One row of the list, as it stands now."""

    number: int
    subject: Words
    status: PlaceholderStatus
    detail: Words
    source: Words


@dataclass(frozen=True, slots=True)
class Stand:
    """What the hub holds, as far as the list asks."""

    expected: Mapping[str, int]
    departments: Collection[str]
    districts: Collection[str]
    items: Collection[str]
    types: Collection[str]
    records: int
    exact: bool
    sandbox_issuers: bool
    times: Mapping[str, str | None]
    lead: str


@cache
def sample() -> Profile:
    """The sample's own folder, to compare with."""
    return read_profile(sample_folder())


async def placeholders(session: AsyncSession) -> list[Placeholder]:
    """The six rows, compared with the sample that the hub ships; empty before a profile is loaded."""
    city = await directory.city(session)
    if city is None:
        return []
    stand = await _stand(session, city)
    return [_row(row, stand) for row in city.replacements]


async def _stand(session: AsyncSession, city: City) -> Stand:
    bodies = await directory.organisations(session, None)
    records, exact = await licences.count_licences(session)
    return Stand(
        expected=city.expected,
        departments={f"{row.code} {row.name}" for row in bodies if row.kind == "department"},
        districts={
            f"{row.code} {row.name}"
            for row in await directory.regions(session)
            if row.level == "县"
        },
        items=set(await items.current_digests(session)),
        types={f"{row.code} {row.name}" for row in await directory.licence_types(session)},
        records=records,
        exact=exact,
        sandbox_issuers=await licences.trusts_sandbox(session),
        times={row.code: row.time for row in await directory.matters(session)},
        lead=f"{city.lead} {next((row.name for row in bodies if row.code == city.lead), '')}",
    )


def _row(row: Mapping[str, Any], stand: Stand) -> Placeholder:
    status, detail = _JUDGES[row["number"]](stand)
    subject = Words(row["subject_zh"], row["subject_en"])
    return Placeholder(
        row["number"], subject, status, detail, Words(row["source_zh"], row["source_en"])
    )


Judged = tuple[PlaceholderStatus, Words]


def _compared(held: Collection[str], shipped: Collection[str], expected: int) -> Judged:
    """How many of the rows held are the sample's own, and whether all are there."""
    same = len(set(held) & set(shipped))
    words = Words(
        f"共 {len(held)} 条（应有 {expected} 条），其中 {same} 条为示例数据",
        f"{len(held)} held of {expected} expected; {same} of them are the sample's",
    )
    if not held:
        return PlaceholderStatus.MISSING, words
    if same == len(held):
        return PlaceholderStatus.SAMPLE, words
    if same or len(held) < expected:
        return PlaceholderStatus.MIXED, words
    return PlaceholderStatus.REPLACED, words


def _departments(stand: Stand) -> Judged:
    rows = sample().tables["organisations"]
    shipped = {f"{row['code']} {row['name']}" for row in rows if row["kind"] == "department"}
    return _compared(stand.departments, shipped, stand.expected["departments"])


def _districts(stand: Stand) -> Judged:
    rows = sample().tables["regions"]
    shipped = {f"{row['code']} {row['name']}" for row in rows if row["level"] == "县"}
    return _compared(stand.districts, shipped, stand.expected["districts"])


def _items(stand: Stand) -> Judged:
    shipped = {row["implementation_code"] for row in sample().tables["items"]}
    return _compared(stand.items, shipped, stand.expected["items"])


def _licences(stand: Stand) -> Judged:
    shipped = {f"{row['code']} {row['name']}" for row in sample().tables["licence_types"]}
    status, types = _compared(stand.types, shipped, stand.expected["licence_types"])
    wanted = stand.expected["licence_records"]
    about_zh, about_en = ("", "") if stand.exact else ("约 ", "about ")
    words = Words(
        f"证照类型：{types.zh}；证照记录：{about_zh}{stand.records} 条（应有 {wanted} 条）"
        + ("，信任列表含沙箱密钥" if stand.sandbox_issuers else ""),
        f"types: {types.en}; records: {about_en}{stand.records} of {wanted} expected"
        + (", and the trust list holds a sandbox's keys" if stand.sandbox_issuers else ""),
    )
    if status is PlaceholderStatus.REPLACED and (stand.sandbox_issuers or stand.records < wanted):
        status = PlaceholderStatus.MIXED
    return status, words


def _times(stand: Stand) -> Judged:
    empty = sorted(code for code, said in stand.times.items() if not said)
    if not empty:
        return PlaceholderStatus.REPLACED, Words("均已填写", "every matter has its time")
    listed = "、".join(empty)
    words = Words(f"待填写：{listed}", f"to be filled in: {', '.join(empty)}")
    return PlaceholderStatus.MISSING, words


def _lead(stand: Stand) -> Judged:
    lead = sample().settings["city"]["lead"]
    names = {row["code"]: row["name"] for row in sample().tables["organisations"]}
    words = Words(f"牵头部门：{stand.lead}", f"lead department: {stand.lead}")
    same = stand.lead == f"{lead} {names[lead]}"
    return (PlaceholderStatus.SAMPLE if same else PlaceholderStatus.REPLACED), words


_JUDGES = {1: _departments, 2: _districts, 3: _items, 4: _licences, 5: _times, 6: _lead}
