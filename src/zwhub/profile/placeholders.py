"""Placeholders (数据替换清单): for each row of the list, whether sample data is still in place."""

from collections.abc import Collection, Iterable, Mapping
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
from zwhub.profile.folder import Profile, Row, read_profile, sample_folder


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
class Records:
    """The licences a hub holds: how many, whether counted exactly, and whose keys are trusted."""

    count: int
    exact: bool
    sandbox_keys: bool


@dataclass(frozen=True, slots=True)
class Stand:
    """What a hub or a folder holds, as far as the list asks; `records` None = a folder's."""

    expected: Mapping[str, int]
    departments: Collection[str]
    districts: Collection[str]
    items: Collection[str]
    types: Collection[str]
    records: Records | None
    times: Mapping[str, str | None]
    lead: tuple[str, str]  # code and name


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


def placeholders_in(profile: Profile) -> list[Placeholder]:
    """The six rows for a folder that was checked, before it is loaded. Pure."""
    stand = _stand_of(profile)
    return [_row(row, stand) for row in profile.settings["replacements"]]


def _stand_of(profile: Profile) -> Stand:
    tables, lead = profile.tables, profile.settings["city"]["lead"]
    bodies = tables["organisations"]
    return Stand(
        expected=profile.settings["expected"],
        departments=_named(row for row in bodies if row["kind"] == "department"),
        districts=_named(row for row in tables["regions"] if row["level"] == "县"),
        items={row["implementation_code"] for row in tables["items"]},
        types=_named(tables["licence_types"]),
        records=None,
        times={row["code"]: row["time"] for row in tables["matters"]},
        lead=(lead, next((row["name"] for row in bodies if row["code"] == lead), "")),
    )


def _named(rows: Iterable[Row]) -> set[str]:
    return {f"{row['code']} {row['name']}" for row in rows}


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
        records=Records(records, exact, await licences.trusts_sandbox(session)),
        times={row.code: row.time for row in await directory.matters(session)},
        lead=(city.lead, next((row.name for row in bodies if row.code == city.lead), "")),
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
    shipped = _stand_of(sample()).departments
    return _compared(stand.departments, shipped, stand.expected["departments"])


def _districts(stand: Stand) -> Judged:
    return _compared(stand.districts, _stand_of(sample()).districts, stand.expected["districts"])


def _items(stand: Stand) -> Judged:
    return _compared(stand.items, _stand_of(sample()).items, stand.expected["items"])


def _licences(stand: Stand) -> Judged:
    expected = stand.expected["licence_types"]
    status, types = _compared(stand.types, _stand_of(sample()).types, expected)
    wanted = stand.expected["licence_records"]
    said = _records(stand.records, wanted)
    words = Words(
        f"证照类型：{types.zh}；证照记录：{said.zh}", f"types: {types.en}; records: {said.en}"
    )
    held = stand.records
    short = held is not None and (held.sandbox_keys or held.count < wanted)
    if status is PlaceholderStatus.REPLACED and short:
        status = PlaceholderStatus.MIXED
    return status, words


def _records(held: Records | None, wanted: int) -> Words:
    if held is None:
        return Words(
            f"应有 {wanted} 条，由签发系统归集，不在资料文件夹内",
            f"{wanted} expected; they are collected from the issuing systems, not in this folder",
        )
    about_zh, about_en = ("", "") if held.exact else ("约 ", "about ")
    keys_zh, keys_en = "，信任列表含沙箱密钥", ", and the trust list holds a sandbox's keys"
    return Words(
        f"{about_zh}{held.count} 条（应有 {wanted} 条）" + keys_zh * held.sandbox_keys,
        f"{about_en}{held.count} of {wanted} expected" + keys_en * held.sandbox_keys,
    )


def _times(stand: Stand) -> Judged:
    """The times that the source left to be filled in, and whatever else has none."""
    empty = sorted(code for code, said in stand.times.items() if not said)
    if not empty:
        return PlaceholderStatus.REPLACED, Words("均已填写", "every matter has its time")
    asked = {code for code, said in _stand_of(sample()).times.items() if not said}
    filled = [code for code in asked if stand.times.get(code)]
    status = PlaceholderStatus.MIXED if filled else PlaceholderStatus.MISSING
    words = Words(f"待填写：{'、'.join(empty)}", f"to be filled in: {', '.join(empty)}")
    return status, words


def _lead(stand: Stand) -> Judged:
    """The body's code and its name: each can still be the sample's."""
    code, name = stand.lead
    words = Words(f"牵头部门：{name}（{code}）", f"lead department: {name} ({code})")
    if not name:
        return PlaceholderStatus.MISSING, words
    same = [
        ours == theirs for ours, theirs in zip(stand.lead, _stand_of(sample()).lead, strict=True)
    ]
    if all(same):
        return PlaceholderStatus.SAMPLE, words
    return (PlaceholderStatus.MIXED if any(same) else PlaceholderStatus.REPLACED), words


_JUDGES = {1: _departments, 2: _districts, 3: _items, 4: _licences, 5: _times, 6: _lead}
