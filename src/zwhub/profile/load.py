"""Load a profile (加载资料): the whole folder in one transaction, or nothing."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import chinese_calendar
from chinese_calendar.constants import holidays, workdays
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.directory import store as directory
from zwhub.directory.model import (
    BusinessMatter,
    CalendarDay,
    CalendarYear,
    City,
    ClaimedCount,
    LicenceType,
    Organisation,
    Region,
)
from zwhub.items import store as items
from zwhub.kernel.search import grams, normalised
from zwhub.profile.check import faults_of
from zwhub.profile.evidence import read_evidence
from zwhub.profile.folder import BadProfile, Profile, Row
from zwhub.profile.settings import EXPECTED, REPLACEMENT, published_years


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did to the items: how many are new, revised (a next version), ended, as before."""

    new: int
    revised: int
    ended: int
    unchanged: int


async def load_profile(session: AsyncSession, profile: Profile, now: datetime) -> Loaded:
    """Replace the directory, publish what changed of the items.

    Raises `BadProfile` before anything is written. A published version of an item never
    changes: an item that differs gets a new version, one that is gone is ended.
    """
    faults = faults_of(profile)
    if faults:
        raise BadProfile(faults)
    await directory.one_load_at_a_time(session)
    for table, rows in _directory(profile):
        await directory.replace(session, table, rows)
    return await _publish_items(session, profile, now)


def _directory(profile: Profile) -> Iterator[tuple[type[Any], list[dict[str, Any]]]]:
    tables = profile.tables
    yield City, [_city(profile.settings)]
    yield Region, [_optional(row, "parent") for row in tables["regions"]]
    yield Organisation, [_optional(row, "parent") for row in tables["organisations"]]
    yield BusinessMatter, [_matter(row) for row in tables["matters"]]
    yield ClaimedCount, [{**row, "count": int(row["count"])} for row in tables["matters_summary"]]
    yield LicenceType, [_licence_type(row) for row in tables["licence_types"]]
    days, years = calendar_rows(tables["calendar"], published_years(profile))
    yield CalendarDay, days
    yield CalendarYear, years


def _city(settings: Mapping[str, Any]) -> dict[str, Any]:
    city = settings["city"]
    return {
        "code": city["region"],
        "name": city["name"],
        "name_en": city["name_en"],
        "lead": city["lead"],
        "expected": {name: settings["expected"][name] for name in EXPECTED},
        "replacements": [
            {name: row[name] for name in REPLACEMENT} for row in settings["replacements"]
        ],
    }


def _optional(row: Row, *names: str) -> dict[str, Any]:
    return {**row, **{name: row[name] or None for name in names}}


def _matter(row: Row) -> dict[str, Any]:
    read = {"levels": row["levels"].split("|"), "stars": int(row["stars"])}
    return {**_optional(row, "time"), **read}


def _licence_type(row: Row) -> dict[str, Any]:
    return {
        "code": row["code"],
        "key": row["key"],
        "name": row["name"],
        "name_en": row["name_en"],
        "holder_kind": row["holder_kind"],
        "validity_years": int(row["validity"]) if row["validity"] else None,
        "issuing": row["issuing"].split("|"),
        "surface": row["surface"].split("|"),
        "multi_holder": row["multi_holder"] == "yes",
    }


def calendar_rows(
    overrides: Sequence[Row], further_years: Collection[int] = ()
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Days and years: the published holidays (国务院办公厅通知), the profile's own on top.

    `further_years` were published after this hub was: the profile has all of their days.
    """
    chinese = {one.value: one.chinese for one in chinese_calendar.Holiday}
    noted = {day: (False, chinese[name]) for day, name in holidays.items()}
    noted |= {day: (True, f"{chinese[name]}调休") for day, name in workdays.items()}
    own = {date.fromisoformat(r["date"]): (r["working"] == "yes", r["note"]) for r in overrides}
    days = [
        {"day": day, "working": working, "note": note}
        for day, (working, note) in sorted((noted | own).items())
    ]
    years = {day.year for day in holidays} | set(further_years)
    return days, [{"year": year} for year in sorted(years)]


async def _publish_items(session: AsyncSession, profile: Profile, now: datetime) -> Loaded:
    current = await items.current_digests(session)
    versions = await items.last_versions(session)
    wanted = {row["implementation_code"]: (row, materials) for row, materials in _items(profile)}
    kept = {code for code, (row, _) in wanted.items() if current.get(code) == row["content_digest"]}
    changed = []
    for code, (row, materials) in wanted.items():
        if code not in kept:
            version = versions.get(code, 0)
            # The very first version is the one that was in force before the hub knew of it.
            since = now if version else _BEFORE
            changed.append(({**row, "version": version + 1, "effective_from": since}, materials))
    await items.end_versions(session, current.keys() - kept, now)
    await items.publish(session, changed)
    revised = len(current.keys() & wanted.keys()) - len(kept)
    return Loaded(
        new=len(changed) - revised,
        revised=revised,
        ended=len(current.keys() - wanted.keys()),
        unchanged=len(kept),
    )


_BEFORE = datetime(2000, 1, 1, tzinfo=UTC)


def _items(profile: Profile) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    tables = profile.tables
    codes = {row["key"]: row["code"] for row in tables["licence_types"]}
    surfaces = {row["key"]: set(row["surface"].split("|")) for row in tables["licence_types"]}
    bodies = {row["code"]: row for row in tables["organisations"]}
    asked: dict[str, list[dict[str, Any]]] = {}
    for row in tables["materials"]:
        asked.setdefault(row["item"], []).append(_material(row, codes, surfaces))
    for row in tables["items"]:
        materials = sorted(asked.get(row["code"], []), key=lambda one: int(one["position"]))
        yield _item(row, bodies[row["organisation"]], codes, materials), materials


def _material(
    row: Row, codes: Mapping[str, str], surfaces: Mapping[str, set[str]]
) -> dict[str, Any]:
    evidence = [
        [{**need, "type": codes[need["type"]]} for need in together]
        for together in read_evidence(row["evidence"], surfaces)
    ]
    said = {name: value for name, value in row.items() if name != "item"}
    return {**said, "position": int(row["position"]), "evidence": evidence}


def _item(
    row: Row, body: Row, codes: Mapping[str, str], materials: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    names = [
        "name",
        "name_en",
        "code",
        "implementation_code",
        "kind",
        "organisation",
        "level",
        "case_kind",
    ]
    words = ["legal_basis", "conditions", "fee", "fee_basis", "contact", "complaint"]
    units = ["statutory_unit", "promised_unit"]
    said: dict[str, Any] = {name: row[name] for name in (*names, *words, *units)}
    for name in ("statutory_limit", "promised_limit"):
        said[name] = int(row[name]) if row[name] else None
    for name in ("visits", "online_depth"):
        said[name] = int(row[name])
    for name in ("served", "topics"):
        said[name] = _listed(row[name])
    said["results"] = [codes[key] for key in _listed(row["results"])]
    said["status"] = "在用"
    searched = " ".join(
        [row["name"], row["name_en"], row["code"], body["name"], body["short_name"]]
    )
    said["search_text"] = normalised(searched)
    said["grams"] = grams(searched)
    content = json.dumps([said, materials], ensure_ascii=False, sort_keys=True)
    said["content_digest"] = hashlib.sha256(content.encode()).hexdigest()
    return said


def _listed(text: str) -> list[str]:
    return [part for part in text.split("|") if part]
