"""Business matters (业务事项): as the source has them, counted by the hub and not by the source."""

from typing import Any

import pytest

from samplecity import Ask, SampleHub

MATTERS = """
{
  businessMatters {
    code name nameEn description descriptionEn kind supporting input output levels time stars
    operations leadOrganisation { code name }
  }
}
"""
STATISTICS = """
{
  businessMatterStatistics {
    total byKind { key count share } byStars { key count share }
    byLead { key count share } byLevel { key count share }
  }
}
"""
FINDINGS = "{ consistencyFindings { rule subject message } }"


async def matters(ask: Ask) -> list[dict[str, Any]]:
    answer = await ask(MATTERS, "anonymous")
    found: list[dict[str, Any]] = answer["data"]["businessMatters"]
    return found


async def test_the_eleven_matters_word_for_word(ask: Ask, hub: SampleHub) -> None:
    found, table = await matters(ask), hub.city.tables["matters"]
    assert len(found) == 11
    assert [one["code"] for one in found] == [row["code"] for row in table]
    for one, row in zip(found, table, strict=True):
        for name in ("name", "description", "kind", "supporting", "input", "output"):
            assert one[name] == row[name]
        assert (one["nameEn"], one["descriptionEn"]) == (row["name_en"], row["description_en"])
        assert (one["levels"], one["stars"]) == (row["levels"].split("|"), int(row["stars"]))
        assert one["time"] == (row["time"] or None)
        assert one["leadOrganisation"]["code"] == row["lead"]


async def test_stars_and_codes(ask: Ask) -> None:
    found = await matters(ask)
    assert sorted(one["stars"] for one in found) == [2] * 6 + [3] * 5
    assert sum(one["time"] is None for one in found) == 6
    one = await ask(
        "query($code: String!){businessMatter(code:$code){name}}", code=found[4]["code"]
    )
    assert one["data"]["businessMatter"]["name"] == found[4]["name"]
    none = await ask('{businessMatter(code:"ZW-9-99-999"){name}}')
    assert none["data"]["businessMatter"] is None


async def test_matters_name_the_operations_that_serve_them(ask: Ask) -> None:
    by_code = {one["code"]: one["operations"] for one in await matters(ask)}
    assert "licenceSupermarket" in by_code["ZW-3-02-001"]
    assert "items" in by_code["ZW-1-01-001"]


async def test_statistics_are_counted(ask: Ask) -> None:
    counted = (await ask(STATISTICS, "anonymous"))["data"]["businessMatterStatistics"]
    assert counted["total"] == 11
    assert counted["byKind"] == [
        {"key": "公共服务", "count": 9, "share": round(9 / 11, 4)},
        {"key": "行政确认", "count": 1, "share": round(1 / 11, 4)},
        {"key": "行政许可", "count": 1, "share": round(1 / 11, 4)},
    ]
    assert [(one["key"], one["count"]) for one in counted["byStars"]] == [("2", 6), ("3", 5)]
    assert [one["count"] for one in counted["byLead"]] == [11]
    levels = [level for one in await matters(ask) for level in one["levels"]]
    assert {one["key"]: one["count"] for one in counted["byLevel"]} == {
        level: levels.count(level) for level in levels
    }


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh", "来源汇总称 3 有 4 项，事项表实有 5 项，以事项表为准"),
        ("en", "the source's summary claims 4 for 3, its table holds 5: the table wins"),
    ],
)
async def test_the_sources_own_contradiction_is_reported(
    ask: Ask, language: str, words: str
) -> None:
    found = (await ask(FINDINGS, "anonymous", language=language))["data"]["consistencyFindings"]
    assert [one for one in found if one["rule"] == "SUMMARY_DIFFERS"] == [
        {"rule": "SUMMARY_DIFFERS", "subject": "stars:3", "message": words}
    ]


async def test_matters_without_an_operation_are_reported(ask: Ask) -> None:
    found = (await ask(FINDINGS, "anonymous"))["data"]["consistencyFindings"]
    unserved = {one["subject"] for one in found if one["rule"] == "MATTER_WITHOUT_OPERATION"}
    assert unserved == {one["code"] for one in await matters(ask) if not one["operations"]}
    assert not [one for one in found if one["rule"] == "OPERATION_WITHOUT_MATTER"]
