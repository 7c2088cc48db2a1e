"""Bodies, regions, licence types and working days (基础数据), asked at the front door."""

from typing import Any

import pytest

from samplecity import Ask, SampleHub

DAYS = """
query ($start: Date!, $days: Int!) {
  workingDays(from: $start, days: $days) {
    dueOn provisional days { date working note provisional }
  }
}
"""


async def test_bodies_by_kind(ask: Ask, hub: SampleHub) -> None:
    rows, expected = hub.city.tables["organisations"], {"department": 28, "district": 15}
    query = (
        "query($k: String){organisations(kind:$k){code name shortName nameEn kind level region}}"
    )
    for kind, count in expected.items():
        found = (await ask(query, "anonymous", k=kind))["data"]["organisations"]
        assert len(found) == count
        assert {one["code"] for one in found} == {r["code"] for r in rows if r["kind"] == kind}
    everyone = (await ask(query, "anonymous"))["data"]["organisations"]
    said = {(o["code"], o["name"], o["shortName"], o["nameEn"], o["level"]) for o in everyone}
    assert said == {(r["code"], r["name"], r["short_name"], r["name_en"], r["level"]) for r in rows}
    refused = await ask(query, language="en", k="nobody")
    assert refused["data"] == {"organisations": None}
    (error,) = refused["errors"]
    assert (error["message"], error["extensions"]["inputPath"]) == (
        "One of department, district, other.",
        ["kind"],
    )


async def test_regions(ask: Ask, hub: SampleHub) -> None:
    found = (await ask("{regions{code name nameEn level parent}}", "anonymous"))["data"]["regions"]
    rows = hub.city.tables["regions"]
    said = {(one["code"], one["name"], one["level"], one["parent"]) for one in found}
    assert said == {(r["code"], r["name"], r["level"], r["parent"] or None) for r in rows}
    assert sum(one["level"] == "县" for one in found) == 15


async def test_licence_types(ask: Ask, hub: SampleHub) -> None:
    query = "{licenceTypes{code key name nameEn holderKind validityYears surface multiHolder}}"
    found = {one["key"]: one for one in (await ask(query, "anonymous"))["data"]["licenceTypes"]}
    rows = hub.city.tables["licence_types"]
    assert len(found) == len(rows) == 36
    for row in rows:
        one = found[row["key"]]
        assert (one["code"], one["name"], one["nameEn"]) == (
            row["code"],
            row["name"],
            row["name_en"],
        )
        assert one["validityYears"] == (int(row["validity"]) if row["validity"] else None)
        assert one["surface"] == row["surface"].split("|")
        assert one["multiHolder"] is (row["multi_holder"] == "yes")


async def working_days(ask: Ask, start: str, days: int) -> dict[str, Any]:
    answer = await ask(DAYS, "anonymous", start=start, days=days)
    found: dict[str, Any] = answer["data"]["workingDays"]
    return found


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2024-02-08", 5, "2024-02-21"),
        ("2025-09-30", 5, "2025-10-14"),
        ("2018-12-28", 3, "2019-01-03"),
        ("2026-02-13", 5, "2026-02-27"),
        ("2020-01-23", 10, "2020-02-14"),
    ],
)
async def test_the_legal_clocks_sums(ask: Ask, start: str, days: int, due: str) -> None:
    found = await working_days(ask, start, days)
    assert (found["dueOn"], found["provisional"]) == (due, False)
    assert sum(one["working"] for one in found["days"][1:]) == days
    assert (found["days"][0]["date"], found["days"][-1]["date"]) == (start, due)


async def test_each_day_says_why(ask: Ask) -> None:
    found = await working_days(ask, "2026-02-13", 5)
    notes = {one["date"]: (one["working"], one["note"]) for one in found["days"]}
    assert notes["2026-02-14"] == (True, "春节调休")
    assert notes["2026-02-17"] == (False, "春节")
    assert notes["2026-02-25"] == (True, None)


async def test_an_unpublished_year_is_provisional(ask: Ask) -> None:
    found = await working_days(ask, "2026-12-25", 5)
    assert (found["dueOn"], found["provisional"]) == ("2027-01-01", True)
    provisional = [one["date"] for one in found["days"] if one["provisional"]]
    assert provisional == ["2026-12-29", "2026-12-30", "2026-12-31", "2027-01-01"]


@pytest.mark.parametrize(
    ("start", "days"),
    [("2026-01-01", -1), ("2026-01-01", 1001), ("1989-12-31", 1), ("3000-01-01", 1)],
)
async def test_out_of_range_is_refused(ask: Ask, start: str, days: int) -> None:
    answer = await ask(DAYS, "anonymous", language="en", start=start, days=days)
    [error] = answer["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["message"] == "The number of days or the first day is out of range."


@pytest.mark.parametrize("start", ["2026-02-30", "20260213", "tomorrow", ""])
async def test_a_day_is_written_one_way(ask: Ask, start: str) -> None:
    answer = await ask(DAYS, "anonymous", start=start, days=1)
    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
