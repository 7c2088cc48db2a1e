"""Check `profile.toml` (检查设置): the city, what it promises, what is to be replaced. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from zwhub.kernel.words import Words
from zwhub.profile.folder import SETTINGS, Fault, Profile, unseen

CITY = ("name", "name_en", "region", "province", "lead")
REPLACEMENT = ("number", "subject_zh", "subject_en", "source_zh", "source_en")
# How many the city says it has, at least: some cities have no districts.
EXPECTED = {"departments": 1, "districts": 0, "items": 1, "licence_types": 1, "licence_records": 0}
_MOST = 10**12  # a slip of the keyboard beyond it: no city has so many records
_LAST_YEAR = 9999


def faults_in_settings(profile: Profile) -> Iterator[Fault]:
    """Every fault of `profile.toml`."""
    yield from _city(profile)
    yield from _expected(profile)
    yield from _replacements(profile)
    yield from _years(profile)


def published_years(profile: Profile) -> list[int]:
    """Years whose holidays stand complete in `calendar.csv`: `[calendar] published` (optional)."""
    years = _section(profile, "calendar").get("published", [])
    return years if isinstance(years, list) else [years]


def _city(profile: Profile) -> Iterator[Fault]:
    city, regions = _section(profile, "city"), profile.codes("regions")
    known = {"lead": profile.codes("organisations"), "region": regions, "province": regions}
    for name in CITY:
        if not _is_text(city.get(name)):
            yield _wrong("city", name)
        if name in known and str(city.get(name)) not in known[name]:
            yield _fault(f"[city] {name} 所指不存在", f"[city] {name} refers to nothing known")


def _expected(profile: Profile) -> Iterator[Fault]:
    expected = _section(profile, "expected")
    for name, least in EXPECTED.items():
        count = expected.get(name)
        if type(count) is not int or not least <= count <= _MOST:
            yield _wrong("expected", name)


def _replacements(profile: Profile) -> Iterator[Fault]:
    listed = profile.settings.get("replacements")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    numbers = [row.get("number") for row in rows]
    if numbers != [1, 2, 3, 4, 5, 6] or {type(number) for number in numbers} != {int}:
        yield _fault(
            "须有 number 为 1 至 6 的六个 [[replacements]]",
            "there must be six [[replacements]], numbered 1 to 6",
        )
    for number, row in enumerate(rows, start=1):
        if not all(_is_text(row.get(name)) for name in REPLACEMENT[1:]):
            yield _fault(
                f"第 {number} 个 [[replacements]] 缺少文字或有误",
                f"words are missing or wrong in [[replacements]] number {number}",
            )


def _years(profile: Profile) -> Iterator[Fault]:
    days = profile.tables["calendar"]
    for year in published_years(profile):
        # A number of thousands of digits cannot even be written out.
        fits = type(year) is int and 0 < year <= _LAST_YEAR
        if not fits or not any(row["date"].startswith(f"{year}-") for row in days):
            yield _fault(
                "[calendar] published 的年份须在 calendar.csv 中有日期",
                "[calendar] published: each year needs its days in calendar.csv",
            )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not unseen(value)


def _section(profile: Profile, name: str) -> Mapping[str, Any]:
    members = profile.settings.get(name)
    return members if isinstance(members, dict) else {}


def _wrong(section: str, name: str) -> Fault:
    return _fault(f"[{section}] {name} 缺少或有误", f"[{section}] {name} is missing or wrong")


def _fault(zh: str, en: str) -> Fault:
    return Fault(SETTINGS, 0, Words(zh, en))
