"""Plan (免提交材料清单): gather the items' materials and the holder's licences, then decide."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.items import store as items
from zwhub.items.model import Item, Material
from zwhub.kernel.clock import civil_date
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.kernel.working_days import Calendar
from zwhub.licences import policy
from zwhub.licences import store as licences
from zwhub.licences.findings import Finding, Verdict
from zwhub.licences.gather import Registry, questions
from zwhub.licences.held import Held
from zwhub.supermarket.due import decision_due
from zwhub.supermarket.solve import Way, least_disclosure

MOST_ITEMS = 10


class MaterialOutcome(StrEnum):
    """What the applicant does about one material."""

    EXEMPT = "EXEMPT"
    SUBMIT = "SUBMIT"
    DEFERRABLE = "DEFERRABLE"


@dataclass(frozen=True, slots=True)
class Need:
    """A licence of one type, and the items of its face that are used."""

    type_code: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanReason:
    """Why a material is exempt or not."""

    code: str
    words: Words


@dataclass(frozen=True, slots=True)
class Usable:
    """A holder's licence, and why it cannot be used (None = it can)."""

    held: Held
    objection: PlanReason | None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One list of licences that stands in together; `reasons` say what is missing."""

    needs: tuple[Need, ...]
    ways: tuple[Way, ...]
    reasons: tuple[PlanReason, ...]


@dataclass
class PlannedMaterial:
    """One distinct material, who needs it, and what the plan makes of it."""

    material: Material
    needed_by: list[Item]
    alternatives: list[Alternative] = field(default_factory=list)
    covered_by: Way = frozenset()
    outcome: MaterialOutcome = MaterialOutcome.SUBMIT
    reasons: list[PlanReason] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What need not be brought for these items, as of one moment."""

    as_of: datetime
    decision_due_on: date
    provisional: bool
    materials: list[PlannedMaterial]
    licences: Mapping[int, Held]


@dataclass(frozen=True, slots=True)
class Shopper:
    """Whose licences are looked at; has passed the question whether the caller may."""

    number: str


async def plan(
    session: AsyncSession,
    registry: Registry,
    days: Calendar,
    item_codes: Sequence[str],
    shopper: Shopper,
    as_of: datetime,
    now: datetime,
) -> Plan:
    """Raises `Refused` for no items, too many, or a code the library does not have."""
    wanted = await _items(session, item_codes, as_of)
    due, provisional = decision_due(wanted, days, civil_date(as_of))
    found = await items.materials_of(session, [item.id for item in wanted])
    materials = _distinct(wanted, found)
    usable = await _usable(session, registry, shopper, _types(materials), as_of, now, due)
    _decide(materials, usable)
    return Plan(as_of, due, provisional, materials, {one.held.id: one.held for one in usable})


async def _items(session: AsyncSession, codes: Sequence[str], as_of: datetime) -> list[Item]:
    if not 1 <= len(codes) <= MOST_ITEMS or len(set(codes)) != len(codes):
        words = Words(
            f"请给出 1 至 {MOST_ITEMS} 个不重复的事项编码。",
            f"Name 1 to {MOST_ITEMS} different items.",
        )
        raise Refused(Reason.INVALID_INPUT, words, ("input", "itemCodes"))
    wanted = []
    for index, code in enumerate(codes):
        item = await items.item_by_code(session, code, as_of)
        if item is None:
            words = Words("事项库中没有此编码。", "The library has no item of this code.")
            raise Refused(Reason.UNKNOWN_ITEM, words, ("input", "itemCodes", str(index)))
        wanted.append(item)
    return wanted


def _distinct(
    wanted: Sequence[Item], found: Mapping[int, Sequence[Material]]
) -> list[PlannedMaterial]:
    """Each paper once, however many of the items ask for it (一件事一次办)."""
    distinct: dict[tuple[str, str], PlannedMaterial] = {}
    for item in wanted:
        for material in found.get(item.id, ()):
            planned = distinct.setdefault(_paper(material), PlannedMaterial(material, []))
            planned.needed_by.append(item)
    return list(distinct.values())


def _paper(material: Material) -> tuple[str, str]:
    """What makes two materials the same paper, whatever each item calls it in its list."""
    return material.name, repr(material.evidence)


def _needs(material: Material) -> list[tuple[Need, ...]]:
    return [
        tuple(Need(str(one["type"]), tuple(one["attributes"])) for one in together)  # type: ignore[arg-type]
        for together in material.evidence
    ]


def _types(materials: Iterable[PlannedMaterial]) -> set[str]:
    lists = [together for one in materials for together in _needs(one.material)]
    return {need.type_code for together in lists for need in together}


async def _usable(
    session: AsyncSession,
    registry: Registry,
    shopper: Shopper,
    types: set[str],
    as_of: datetime,
    now: datetime,
    due: date,
) -> list[Usable]:
    key = registry.vault.holder_key(shopper.number)
    rows = await licences.all_held_by(session, key, types)
    held = [registry.vault.held(row) for row in rows]
    asked = await questions(registry, held, as_of, now) if held else []
    return _judged(zip(held, asked, strict=True), due)


def _judged(asked: Iterable[tuple[Held, policy.Question]], due: date) -> list[Usable]:
    """The licences with what speaks against each, the fullest faces first.

    A licence whose face tells nothing that a usable one of its type does not tell too changes no
    plan and is left out: a fleet of a thousand vehicle licences costs as much as one.
    """
    judged: list[Usable] = []
    told: dict[str, list[frozenset[str]]] = defaultdict(list)
    for held, question in sorted(asked, key=lambda pair: -len(pair[0].body.surface)):
        face, faces = frozenset(held.body.surface), told[held.body.type_code]
        if any(face <= other for other in faces):
            continue
        objection = _objection(held, policy.examine(question), due)
        judged.append(Usable(held, objection))
        if objection is None:
            faces.append(face)
    return judged


def _objection(held: Held, finding: Finding, due: date) -> PlanReason | None:
    if finding.verdict is not Verdict.GENUINE:
        why = next(one.detail for one in finding.checks if one.reason is finding.reason)
        words = Words(f"证照核验未通过：{why.zh}", f"the licence does not verify: {why.en}")
        return PlanReason(finding.reason, words)
    if held.body.valid_until is not None and held.body.valid_until < due:
        words = Words(
            f"有效期止 {held.body.valid_until}，早于预计办结日 {due}",
            f"it is valid until {held.body.valid_until}, before the decision is due on {due}",
        )
        return PlanReason("EXPIRES_BEFORE_DECISION", words)
    return None


def _decide(materials: Sequence[PlannedMaterial], usable: Sequence[Usable]) -> None:
    by_type: dict[str, list[Usable]] = {}
    for one in usable:
        by_type.setdefault(one.held.body.type_code, []).append(one)
    for planned in materials:
        planned.alternatives = [_alternative(needs, by_type) for needs in _needs(planned.material)]
    ways = {
        str(_paper(planned.material)): [way for one in planned.alternatives for way in one.ways]
        for planned in materials
    }
    chosen = least_disclosure(ways)
    for planned in materials:
        _conclude(planned, chosen.get(str(_paper(planned.material))))


def _alternative(needs: tuple[Need, ...], by_type: Mapping[str, list[Usable]]) -> Alternative:
    """Every way in which the holder's licences fill this list (AND), or why there is none."""
    ways: list[Way] = [frozenset()]
    reasons: list[PlanReason] = []
    for need in needs:
        fitting, missing = _fitting(need, by_type.get(need.type_code, []))
        reasons += missing
        ways = [way | more for way in ways for more in fitting]
    return Alternative(needs, tuple(ways), () if ways else tuple(reasons))


def _fitting(need: Need, licences_held: Sequence[Usable]) -> tuple[list[Way], list[PlanReason]]:
    fitting: list[Way] = []
    missing: list[PlanReason] = []
    for one in licences_held:
        lacking = [name for name in need.attributes if name not in one.held.body.surface]
        if one.objection is not None:
            missing.append(one.objection)
        elif lacking:
            listed = "、".join(lacking)
            words = Words(f"照面缺少：{listed}", f"its face lacks: {listed}")
            missing.append(PlanReason("ATTRIBUTE_MISSING", words))
        else:
            named = {(one.held.id, name) for name in ("", *need.attributes)}
            fitting.append(frozenset(named))
    if not licences_held:
        words = Words("名下没有此类证照", "no licence of this type is held")
        missing.append(PlanReason("NO_SUCH_LICENCE", words))
    return fitting, missing


def _conclude(planned: PlannedMaterial, way: Way | None) -> None:
    if way is not None:
        planned.outcome, planned.covered_by = MaterialOutcome.EXEMPT, way
        words = Words("使用证照须经持证主体同意", "its use needs the holder's consent")
        planned.reasons = [PlanReason("CONSENT_REQUIRED", words)]
        return
    planned.reasons = list(dict.fromkeys(r for one in planned.alternatives for r in one.reasons))
    if not planned.alternatives:
        words = Words("没有可替代此材料的证照", "no licence stands in for this material")
        planned.reasons.append(PlanReason("NO_EVIDENCE", words))
    if planned.material.necessity == "容缺后补":
        planned.outcome = MaterialOutcome.DEFERRABLE
    elif planned.material.necessity == "非必要":
        planned.outcome = MaterialOutcome.DEFERRABLE
        planned.reasons.append(
            PlanReason("OPTIONAL", Words("非必要材料", "the material is optional"))
        )
