"""An item (事项): complete, and in the version that was in force."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from samplecity import Ask, SampleHub
from zwhub.profile.folder import Profile, Row, read_profile, sample_folder
from zwhub.profile.load import load_profile

ITEM = """
query ($by: ItemBy!, $asOf: DateTime) {
  item(by: $by, asOf: $asOf) {
    id code implementationCode version name nameEn kind level served caseKind status
    statutoryLimit { amount unit } promisedLimit { amount unit }
    legalBasis conditions fee feeBasis visits onlineDepth topics contact complaint
    effectiveFrom effectiveUntil
    organisation { code name } results { key }
    materials { code name nameEn kind form necessity source
      evidence { attributes allOf { key } } }
  }
}
"""


async def item(ask: Ask, as_of: datetime | None = None, **by: str) -> dict[str, Any] | None:
    said = as_of.isoformat() if as_of else None
    answer = await ask(ITEM, "anonymous", by=by, asOf=said)
    assert "errors" not in answer, answer
    found: dict[str, Any] | None = answer["data"]["item"]
    return found


def limit(row: Mapping[str, str], name: str) -> dict[str, Any] | None:
    amount = row[f"{name}_limit"]
    return {"amount": int(amount), "unit": row[f"{name}_unit"]} if amount else None


def listed(text: str) -> list[str]:
    return text.split("|") if text else []


@pytest.mark.parametrize("index", [0, 40, 127])
async def test_every_field_is_the_profiles(ask: Ask, hub: SampleHub, index: int) -> None:
    row = hub.city.tables["items"][index]
    found = await item(ask, code=row["code"])
    assert found is not None
    plain = ("code", "name", "kind", "level", "conditions", "fee", "contact", "complaint")
    assert {name: found[name] for name in plain} == {name: row[name] for name in plain}
    assert found["implementationCode"] == row["implementation_code"]
    assert (found["nameEn"], found["caseKind"]) == (row["name_en"], row["case_kind"])
    assert (found["feeBasis"], found["status"]) == (row["fee_basis"], "在用")
    assert (found["visits"], found["onlineDepth"]) == (int(row["visits"]), int(row["online_depth"]))
    assert found["statutoryLimit"] == limit(row, "statutory")
    assert found["promisedLimit"] == limit(row, "promised")
    for name, column in (("served", "served"), ("topics", "topics"), ("legalBasis", "legal_basis")):
        assert found[name] == listed(row[column])
    assert found["organisation"]["code"] == row["organisation"]
    assert [one["key"] for one in found["results"]] == listed(row["results"])
    materials = [one for one in hub.city.tables["materials"] if one["item"] == row["code"]]
    assert [one["name"] for one in found["materials"]] == [one["name"] for one in materials]
    for ours, theirs in zip(found["materials"], materials, strict=True):
        keys = ["+".join(kind["key"] for kind in one["allOf"]) for one in ours["evidence"]]
        alternatives = listed(theirs["evidence"])
        assert [key.split("+")[0] for key in keys] == [a.split("[")[0] for a in alternatives]
        for name in ("code", "kind", "form", "necessity", "source"):
            assert ours[name] == theirs[name]


async def test_three_ways_to_name_an_item(ask: Ask, hub: SampleHub) -> None:
    row = hub.city.tables["items"][7]
    by_code = await item(ask, code=row["code"])
    assert by_code is not None
    assert await item(ask, implementationCode=row["implementation_code"]) == by_code
    assert await item(ask, id=by_code["id"]) == by_code
    answer = await ask("query($id: ID!){node(id:$id){id ... on Item{code}}}", id=by_code["id"])
    assert answer["data"]["node"] == {"id": by_code["id"], "code": row["code"]}


@pytest.mark.parametrize(
    "by",
    [{"code": "999"}, {"code": ""}, {"implementationCode": "%"}, {"id": "SXRlbTo5OTk5OQ"}]
    + [{"id": text} for text in ("", "x", "SXRlbTphYmM", "TGljZW5jZTox", "é")],
)
async def test_what_is_not_there_is_null(ask: Ask, by: dict[str, str]) -> None:
    assert await item(ask, None, **by) is None


def with_items(profile: Profile, rows: list[Row]) -> Profile:
    """The profile with other items, and the materials of those alone."""
    codes = {row["code"] for row in rows}
    kept = [row for row in profile.tables["materials"] if row["item"] in codes]
    tables = {**profile.tables, "items": rows, "materials": kept}
    lines = {name: list(range(2, len(rows) + 2)) for name, rows in tables.items()}
    return replace(profile, tables=tables, lines=lines)


async def test_a_changed_item_is_a_new_version_and_the_old_one_stays(
    ask: Ask, hub: SampleHub
) -> None:
    profile = read_profile(sample_folder())
    rows = list(profile.tables["items"])
    changed, gone = rows[3], rows[5]
    new_rows = [{**row, "promised_limit": "1"} if row is changed else row for row in rows]
    new_rows = [row for row in new_rows if row is not gone]
    moment = datetime.now(UTC)
    before = moment - timedelta(seconds=1)

    async with hub.db.write() as session:
        loaded = await load_profile(session, with_items(profile, new_rows), moment)
    assert (loaded.new, loaded.revised, loaded.ended) == (0, 1, 1)
    assert loaded.unchanged == len(rows) - 2

    newer, older = (
        await item(ask, code=changed["code"]),
        await item(ask, before, code=changed["code"]),
    )
    assert newer is not None
    assert older is not None
    assert (older["version"], newer["version"]) == (1, 2)
    assert older["promisedLimit"] == limit(changed, "promised")
    assert newer["promisedLimit"] == {"amount": 1, "unit": changed["promised_unit"]}
    assert older["effectiveUntil"] == newer["effectiveFrom"]
    assert newer["effectiveUntil"] is None
    assert len(older["materials"]) == len(newer["materials"]) > 0
    assert await item(ask, id=older["id"]) == older

    assert await item(ask, code=gone["code"]) is None
    ended = await item(ask, before, code=gone["code"])
    assert ended is not None
    assert ended["effectiveUntil"] == newer["effectiveFrom"]
    answer = await ask("items", "anonymous", text=gone["code"], first=10)
    assert answer["data"]["items"]["edges"] == []

    async with hub.db.write() as session:
        back = await load_profile(session, profile, datetime.now(UTC))
    assert (back.new, back.revised, back.ended) == (1, 1, 0)
    again = await item(ask, code=gone["code"])
    assert again is not None
    assert again["version"] == 2
    restored = await item(ask, code=changed["code"])
    assert restored is not None
    assert (restored["version"], restored["promisedLimit"]) == (3, older["promisedLimit"])
