"""Placeholders (数据替换清单): what is still the sample's, from a folder and from the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders import an_issuer, trusting
from othercity import HOUSING, settings, tables, write_city
from samplecity import Ask, SampleHub
from zwhub.kernel.crypto.sealing import DataKeys, Sealer
from zwhub.licences import store
from zwhub.licences.held import Held
from zwhub.licences.trust import trust
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database
from zwhub.profile.folder import Row, read_profile, sample_folder
from zwhub.profile.load import load_profile
from zwhub.profile.placeholders import (
    Placeholder,
    PlaceholderStatus,
    placeholders,
    placeholders_in,
)

SAMPLE, MIXED, MISSING, REPLACED = (
    PlaceholderStatus.SAMPLE,
    PlaceholderStatus.MIXED,
    PlaceholderStatus.MISSING,
    PlaceholderStatus.REPLACED,
)


def statuses(rows: Sequence[Placeholder]) -> list[PlaceholderStatus]:
    assert [one.number for one in rows] == [1, 2, 3, 4, 5, 6]
    return [one.status for one in rows]


def shipped(table: str) -> list[Row]:
    return list(read_profile(sample_folder()).tables[table])


def test_the_sample_is_all_sample_but_for_the_empty_times() -> None:
    found = placeholders_in(read_profile(sample_folder()))
    assert statuses(found) == [SAMPLE, SAMPLE, SAMPLE, SAMPLE, MISSING, SAMPLE]
    assert found[0].detail.en == "28 held of 28 expected; 28 of them are the sample's"
    assert "8000000" in found[3].detail.en
    assert found[4].detail.zh.startswith("待填写：ZW-1-01-001、")


def test_another_city_has_replaced_everything(tmp_path: Path) -> None:
    found = placeholders_in(read_profile(write_city(tmp_path)))
    assert statuses(found) == [REPLACED] * 6
    assert [one.subject.zh for one in found] == [f"subject_zh {n}" for n in range(1, 7)]
    assert found[0].detail.zh == "共 2 条（应有 2 条），其中 0 条为示例数据"
    assert found[5].detail.en == f"lead department: 云港市住房局 ({HOUSING})"


def test_fewer_than_promised_is_not_done(tmp_path: Path) -> None:
    toml = settings(departments=3, districts=2, items=3, licence_types=3)
    found = placeholders_in(read_profile(write_city(tmp_path, toml)))
    assert statuses(found) == [MIXED, MIXED, MIXED, MIXED, REPLACED, REPLACED]


def test_a_row_of_the_sample_among_ones_own(tmp_path: Path) -> None:
    """Regions, bodies, items and types of the sample beside the city's own; the lead's name too."""
    district = next(row for row in shipped("regions") if row["level"] == "县")
    body = next(row for row in shipped("organisations") if row["kind"] == "department")
    lead = read_profile(sample_folder()).settings["city"]["lead"]
    lead_name = next(row["name"] for row in shipped("organisations") if row["code"] == lead)
    own = tables()
    bodies = [
        {**row, "name": lead_name} if row["code"] == HOUSING else row
        for row in own["organisations"]
    ]
    matters = [{**own["matters"][0], "time": ""}, *own["matters"][1:]]
    folder = write_city(
        tmp_path,
        regions=[*own["regions"], {**district, "parent": "980100"}],
        organisations=[*bodies, {**body, "region": "980100", "parent": ""}],
        items=[*own["items"], {**shipped("items")[0], "organisation": HOUSING}],
        licence_types=[*own["licence_types"], {**shipped("licence_types")[0], "issuing": HOUSING}],
        matters=matters,
    )
    found = placeholders_in(read_profile(folder))
    assert statuses(found) == [MIXED, MIXED, MIXED, MIXED, MISSING, MIXED]


def test_nothing_at_all_is_missing(tmp_path: Path) -> None:
    own = tables()
    folder = write_city(
        tmp_path,
        regions=[row for row in own["regions"] if row["level"] != "县"],
        organisations=[{**row, "kind": "other"} for row in own["organisations"]],
        items=[],
        materials=[],
        licence_types=[],
        matters=[{**row, "time": ""} for row in own["matters"]],
    )
    toml = (folder / "profile.toml").read_text("utf-8").replace(HOUSING, "nobody")
    (folder / "profile.toml").write_text(toml, "utf-8")
    assert statuses(placeholders_in(read_profile(folder))) == [MISSING] * 6


def test_some_of_the_open_times_filled_in(tmp_path: Path) -> None:
    rows = shipped("matters")
    empty = [row for row in rows if not row["time"]]
    filled = [{**row, "time": "5 个工作日"} if row is empty[0] else row for row in rows]
    [*_, times, _] = placeholders_in(read_profile(write_city(tmp_path, matters=filled)))
    assert times.status is MIXED
    assert empty[0]["code"] not in times.detail.en
    assert empty[1]["code"] in times.detail.en


async def test_before_a_profile_is_loaded_there_is_no_list(empty_database: Database) -> None:
    async with empty_database.read() as session:
        assert await placeholders(session) == []


@pytest.mark.parametrize(
    ("wanted", "sandbox", "status"),
    [(0, False, REPLACED), (1, False, REPLACED), (2, False, MIXED), (0, True, MIXED)],
)
async def test_licences_count_only_as_promised_and_without_a_sandbox(
    empty_database: Database, tmp_path: Path, wanted: int, sandbox: bool, status: PlaceholderStatus
) -> None:
    profile, now = (
        read_profile(write_city(tmp_path, settings(licence_records=wanted))),
        datetime.now(UTC),
    )
    issuer = an_issuer()
    await trusting(empty_database, issuer)
    async with empty_database.write() as session:
        await load_profile(session, profile, now)
        ring = DataKeys.new()
        vault = Vault(b"a secret of the tests", Sealer(lambda: ring))
        await store.add(session, vault, [(Held.read(1, issuer.a_licence().encode()), ())], now)
        if sandbox:
            await trust(session, [an_issuer().root.certificate], [], now, sandbox=True)
    async with empty_database.read() as session:
        found = await placeholders(session)
    assert statuses(found) == [REPLACED, REPLACED, REPLACED, status, REPLACED, REPLACED]
    assert f"1 of {wanted} expected" in found[3].detail.en
    assert ("sandbox" in found[3].detail.en) is sandbox


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_asked_at_the_front_door(ask: Ask, hub: SampleHub, language: str) -> None:
    query = "{placeholders{number subject status detail source}}"
    answer = await ask(query, "anonymous", language=language)
    rows = answer["data"]["placeholders"]
    assert [row["status"] for row in rows] == [SAMPLE, SAMPLE, SAMPLE, SAMPLE, MISSING, SAMPLE]
    async with hub.db.read() as session:
        held, _ = await store.count_licences(session)
    assert f"{held} " in rows[3]["detail"]
    assert ("部门" in rows[0]["subject"]) is (language == "zh")
    assert all(row["source"] for row in rows)
