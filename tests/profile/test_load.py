"""Load a profile (加载资料): all of it or nothing, and a running hub takes it up."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

import zwhub.app
from othercity import DEED_TYPE, settings, tables, write_city
from samplecity import SampleCity, a_hub
from servers import FreshDatabase, ServerUrls
from zwhub.directory import store as directory
from zwhub.directory.model import LicenceType, Organisation, Region
from zwhub.items import store as items
from zwhub.items.model import Item, Material
from zwhub.platform.database import Database
from zwhub.profile.check import faults_of
from zwhub.profile.folder import BadProfile, read_profile, sample_folder
from zwhub.profile.load import Loaded, load_profile

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


async def load(db: Database, folder: Path, now: datetime = NOW) -> Loaded:
    async with db.write() as session:
        return await load_profile(session, read_profile(folder), now)


async def held(db: Database) -> list[int]:
    """Rows of each table that a load writes."""
    async with db.read() as session:
        tables_written = (Organisation, Region, LicenceType, Item, Material)
        return [
            await session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables_written
        ]


ODD_SETTINGS = (
    ("departments = 2", "departments = 1_000_000_000_000"),
    ("licence_records = 0", f"licence_records = 0\nmore = {2**70}"),
    ("licence_records = 0", "licence_records = 0\nmore = [nan, inf, 2026-01-01, '\\u0000']"),
    ("number = 3", 'number = 3\nmore = "a\\u0000b"'),
    ("[city]", '[city]\nmore = "a\\u0000b"'),
)


@pytest.mark.parametrize(("old", "new"), ODD_SETTINGS)
async def test_settings_without_fault_are_loaded(
    empty_database: Database, tmp_path: Path, old: str, new: str
) -> None:
    assert old in settings()
    folder = write_city(tmp_path, settings().replace(old, new))
    assert faults_of(read_profile(folder)) == []
    assert (await load(empty_database, folder)).new == 2


async def test_tables_without_fault_are_loaded(empty_database: Database, tmp_path: Path) -> None:
    """The longest keys, which do not compress, long words, and a column of the operator's own."""
    rng = Random(1)
    key, words = ("".join(map(chr, rng.choices(range(0x4E00, 0x9FA5), k=k))) for k in (100, 20_000))
    changed = tables()
    changed["matters_summary"][0] |= {"dimension": "lead", "key": key}
    changed["materials"][0] |= {"code": key, "evidence": ""}
    changed["licence_types"][1]["key"] = "".join(rng.choices("abcdefghijklmnop", k=100))
    changed["items"][0] |= {"name": words, "conditions": f"{words}\n{words}"}
    folder = write_city(tmp_path, None, "utf-8", **changed)
    for table in ("organisations", "materials"):
        path = folder / f"{table}.csv"
        header, *rows = path.read_text("utf-8").splitlines()
        path.write_text("\n".join([f"more,{header}", *(f"\0,{row}" for row in rows)]), "utf-8")
    assert faults_of(read_profile(folder)) == []
    assert (await load(empty_database, folder)).new == 2


async def test_a_city_is_loaded(empty_database: Database, tmp_path: Path) -> None:
    loaded = await load(empty_database, write_city(tmp_path))
    assert loaded == Loaded(new=2, revised=0, ended=0, unchanged=0)
    assert await held(empty_database) == [4, 3, 2, 2, 1]
    async with empty_database.read() as session:
        city = await directory.city(session)
        item = await items.item_by_code(session, "980101001001", NOW)
        assert item is not None
        materials = await items.materials_of(session, [item.id])
        calendar = await directory.calendar(session)
    assert city is not None
    assert (city.name, city.expected["items"]) == ("云港市", 2)
    assert (item.results, item.legal_basis) == ([DEED_TYPE], "云港")
    [[first, _], [_]] = materials[item.id][0].evidence
    assert first == {"type": DEED_TYPE, "attributes": ["坐落", "权利人"]}
    assert not calendar.is_working(date(2026, 3, 10))
    assert calendar.is_working(date(2026, 3, 11))
    assert max(calendar.published) == 2026


async def test_the_same_folder_again_changes_nothing(
    empty_database: Database, tmp_path: Path
) -> None:
    folder = write_city(tmp_path)
    await load(empty_database, folder)
    before = await held(empty_database)
    assert await load(empty_database, folder) == Loaded(new=0, revised=0, ended=0, unchanged=2)
    assert await held(empty_database) == before


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("items", {"name": "房屋转移登记"}),
        ("items", {"fee": "80 元"}),
        ("materials", {"evidence": "deed"}),
        ("materials", {"necessity": "容缺后补"}),
    ],
)
async def test_what_changed_becomes_a_version(
    empty_database: Database, tmp_path: Path, table: str, changes: dict[str, str]
) -> None:
    await load(empty_database, write_city(tmp_path))
    first, *rest = tables()[table]
    folder = write_city(tmp_path, None, "utf-8", **{table: [{**first, **changes}, *rest]})
    assert await load(empty_database, folder) == Loaded(new=0, revised=1, ended=0, unchanged=1)


async def test_an_item_that_comes_back_goes_on_counting(
    empty_database: Database, tmp_path: Path
) -> None:
    await load(empty_database, write_city(tmp_path))
    without = write_city(tmp_path, items=tables()["items"][:1])
    day = datetime(2026, 11, 21, tzinfo=UTC)
    assert await load(empty_database, without, day) == Loaded(
        new=0, revised=0, ended=1, unchanged=1
    )
    later = datetime(2026, 11, 22, tzinfo=UTC)
    again = await load(empty_database, write_city(tmp_path), later)
    assert again == Loaded(new=1, revised=0, ended=0, unchanged=1)
    async with empty_database.read() as session:
        seen = [
            await items.item_by_code(session, "980101002001", at)
            for at in (NOW, datetime(2026, 11, 21, 12, tzinfo=UTC), later)
        ]
    assert [one and one.version for one in seen] == [1, None, 2]


async def test_a_bad_profile_leaves_all_as_it_was(empty_database: Database, tmp_path: Path) -> None:
    await load(empty_database, write_city(tmp_path))
    bad = [{**row, "visits": "x"} for row in tables()["items"]]
    with pytest.raises(BadProfile) as raised:
        await load(empty_database, write_city(tmp_path, settings(items=9), items=bad))
    assert [fault.line for fault in raised.value.faults] == [2, 3]
    async with empty_database.read() as session:
        city = await directory.city(session)
    assert city is not None
    assert city.expected["items"] == 2


async def test_a_load_that_fails_half_way_leaves_nothing(
    empty_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(empty_database, write_city(tmp_path))
    before, publish = await held(empty_database), items.publish

    async def breaking(session: Any, rows: Any) -> None:
        await publish(session, rows)
        await session.execute(select(1 / func.length("")))

    monkeypatch.setattr(items, "publish", breaking)
    with pytest.raises(DBAPIError):
        await load(empty_database, sample_folder())
    assert await held(empty_database) == before


async def test_two_loads_at_once_wait_for_each_other(
    empty_database: Database, tmp_path: Path
) -> None:
    folder = write_city(tmp_path)
    loaded = await asyncio.gather(*(load(empty_database, folder) for _ in range(2)))
    assert sorted(one.new for one in loaded) == [0, 2]
    assert sorted(one.unchanged for one in loaded) == [0, 2]


async def test_a_year_published_since_is_the_profiles_to_tell(
    empty_database: Database, tmp_path: Path
) -> None:
    days = [{"date": "2027-01-01", "working": "no", "note": "元旦"}]
    toml = settings() + "\n[calendar]\npublished = [2027]\n"
    await load(empty_database, write_city(tmp_path, toml, calendar=days))
    async with empty_database.read() as session:
        calendar = await directory.calendar(session)
    assert calendar.after(date(2026, 12, 30), 2) == (date(2027, 1, 4), False)


async def test_each_load_is_another_edition(empty_database: Database, tmp_path: Path) -> None:
    editions = []
    for _ in range(3):
        async with empty_database.read() as session:
            editions.append(await directory.edition(session))
        await load(empty_database, write_city(tmp_path))
    assert editions[0] == ""
    assert len(set(editions)) == 3


async def test_a_running_hub_takes_the_new_data_up(
    sample_city: SampleCity,
    fresh_database: FreshDatabase,
    server_urls: ServerUrls,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zwhub.app, "REFERENCE_SECONDS", 0.05)
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url) as one,
    ):
        calendar = one.hub.calendar
        assert calendar.is_working(date(2026, 3, 10))
        await asyncio.sleep(0.2)
        assert one.hub.calendar is calendar  # nothing is read again for nothing
        await load(one.db, write_city(tmp_path))
        async with asyncio.timeout(60):
            while one.hub.calendar is calendar:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
        query = '{workingDays(from:"2026-03-09",days:1){dueOn} businessMatters{code}}'
        answer = await one.ask(query, "anonymous")
        assert answer["data"]["workingDays"]["dueOn"] == "2026-03-11"
        assert one.hub.levels["ZW-1-01-001"] == {"市", "县"}
