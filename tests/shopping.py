"""Shopping (证照超市测试): items that ask for papers, holders with licences, and the question."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from builders import Issuer, a_citizen_number, a_holder, licence_types
from samplecity import SampleHub
from zwhub.items import store as items
from zwhub.licences import store as licences
from zwhub.licences.held import Held

PLAN = """
query Plan($input: LicenceSupermarketInput!) {
  licenceSupermarket(input: $input) {
    __typename
    ... on UserError { code message path }
    ... on SupermarketPlan {
      decisionDueOn provisional saved total
      consents { licence { number } attributes granted }
      materials {
        material { name } neededBy { code } outcome
        coveredBy { licence { number } attributes }
        reasons { code message }
        alternatives { usable allOf { key } reasons { code message } }
      }
    }
  }
}
"""
AS_OF = "2026-02-13T10:00:00+08:00"  # five working days on: 2026-02-27
DUE = date(2026, 2, 27)
VEHICLE, BUSINESS, IDENTITY = "vehicle-licence", "business-licence", "identity-card"
TEXTS = (
    *("name", "name_en", "kind", "level", "case_kind", "legal_basis", "conditions", "fee"),
    *("fee_basis", "contact", "complaint", "status", "search_text", "content_digest"),
)
LISTS = ("served", "topics", "results", "grams")
_numbers = count(1)

Material = dict[str, Any]


def a_material(name: str, *together: str, necessity: str = "必要") -> Material:
    """Each of `together` is one list: "type[x,y]+type[z]", as a profile writes it."""
    evidence = [[_need(part) for part in one.split("+")] for one in together]
    said = {"code": name, "name": name, "name_en": name, "kind": "原件", "form": "均可"}
    return {**said, "necessity": necessity, "source": "政府部门核发", "evidence": evidence}


def _need(part: str) -> dict[str, Any]:
    key, _, listed = part.removesuffix("]").partition("[")
    return {"type": licence_types()[key], "attributes": listed.split(",") if listed else []}


async def an_item(
    hub: SampleHub,
    *materials: Material,
    promised: tuple[int | None, str] = (5, "工作日"),
    statutory: tuple[int | None, str] = (20, "工作日"),
) -> str:
    """A published item; its basic code."""
    code = f"99{next(_numbers):010}"
    body = hub.city.tables["organisations"][0]["code"]
    row: dict[str, Any] = dict.fromkeys(TEXTS, "测试") | {name: [] for name in LISTS}
    row |= {"code": code, "implementation_code": f"{body}3{code}", "organisation": body}
    row |= {"promised_limit": promised[0], "promised_unit": promised[1]}
    row |= {"statutory_limit": statutory[0], "statutory_unit": statutory[1]}
    row |= {"version": 1, "effective_from": datetime(2020, 1, 1, tzinfo=UTC)}
    row |= {"visits": 0, "online_depth": 4}
    listed = [{**one, "position": n} for n, one in enumerate(materials, start=1)]
    async with hub.db.write() as session:
        await items.publish(session, [(row, listed)])
    return code


async def settle(hub: SampleHub, *records: str) -> list[int]:
    """The records as the registry would hold them, forgeries too; their ids."""
    async with hub.db.write() as session:
        first = await licences.reserve_ids(session, len(records))
        held = [Held.read(n, record.encode()) for n, record in enumerate(records, start=first)]
        await licences.add(session, hub.vault, [(one, ()) for one in held], datetime.now(UTC))
    return [one.id for one in held]


class Holder:
    """One person, and licences made for it."""

    def __init__(self, issuer: Issuer) -> None:
        self.code, self.issuer = a_citizen_number(), issuer

    def licence(self, kind: str = VEHICLE, issuer: Issuer | None = None, **changes: Any) -> str:
        said = {"type_code": licence_types()[kind], "holders": [a_holder(code=self.code)]}
        return (issuer or self.issuer).a_licence(**{**said, **changes})


def codes(reasons: Sequence[dict[str, str]]) -> list[str]:
    return [one["code"] for one in reasons]
