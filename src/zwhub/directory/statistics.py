"""Statistics and consistency of the matters (统计与一致性检查): computed, never stored. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zwhub.directory.model import BusinessMatter, ClaimedCount
from zwhub.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Tally:
    """How many matters fall under one key, and which share of the whole (0–1)."""

    key: str
    count: int
    share: float


@dataclass(frozen=True, slots=True)
class Inconsistency:
    """One finding of the consistency check: the rule, the subject, and what differs."""

    rule: str
    subject: str
    words: Words


def tally(keys: Iterable[str], total: int) -> list[Tally]:
    """Counts by key, the largest first. A matter of several levels counts under each."""
    counted = sorted(Counter(keys).items(), key=lambda pair: (-pair[1], pair[0]))
    return [Tally(key, count, round(count / total, 4)) for key, count in counted]


DIMENSIONS: Mapping[str, Callable[[BusinessMatter], Sequence[str]]] = {
    "kind": lambda matter: [matter.kind],
    "stars": lambda matter: [str(matter.stars)],
    "lead": lambda matter: [matter.lead],
    "level": lambda matter: matter.levels,
}


def by(dimension: str, matters: Sequence[BusinessMatter]) -> list[Tally]:
    """The matters counted by `kind`, `stars`, `lead` or `level`."""
    keys = [key for matter in matters for key in DIMENSIONS[dimension](matter)]
    return tally(keys, len(matters))


def inconsistencies(
    matters: Sequence[BusinessMatter],
    claims: Sequence[ClaimedCount],
    operations: Mapping[str, Sequence[str]],
) -> list[Inconsistency]:
    """Where the source contradicts itself, and what is served by nothing.

    The table wins over its own summary; each unit has its matter, each matter its operations.
    """
    return [
        *_claims_unlike_table(matters, claims),
        *_units_without_sequence(matters),
        *_matters_without_operation(matters, operations),
        *_operations_without_matter(matters, operations),
    ]


def _claims_unlike_table(
    matters: Sequence[BusinessMatter], claims: Sequence[ClaimedCount]
) -> Iterable[Inconsistency]:
    for claim in claims:
        counted = _counted(matters, claim)
        if counted != claim.count:
            words = Words(
                f"来源汇总称 {claim.key} 有 {claim.count} 项，事项表实有 {counted} 项，以事项表为准",
                f"the source's summary claims {claim.count} for {claim.key}, its table holds "
                f"{counted}: the table wins",
            )
            yield Inconsistency("SUMMARY_DIFFERS", f"{claim.dimension}:{claim.key}", words)


def _counted(matters: Sequence[BusinessMatter], claim: ClaimedCount) -> int:
    if claim.dimension == "total":
        return len(matters)
    return {one.key: one.count for one in by(claim.dimension, matters)}.get(claim.key, 0)


def _units_without_sequence(matters: Sequence[BusinessMatter]) -> Iterable[Inconsistency]:
    """Codes are ZW-module-unit-matter; units of a module and matters of a unit count from 1."""
    units: dict[str, set[int]] = {}
    for matter in matters:
        _, module, unit, _ = matter.code.split("-")
        units.setdefault(module, set()).add(int(unit))
    for module, numbers in sorted(units.items()):
        for missing in sorted(set(range(1, max(numbers) + 1)) - numbers):
            subject = f"ZW-{module}-{missing:02d}"
            words = Words("该单元没有业务事项", "this unit has no matter")
            yield Inconsistency("UNIT_WITHOUT_MATTER", subject, words)


def _matters_without_operation(
    matters: Sequence[BusinessMatter], operations: Mapping[str, Sequence[str]]
) -> Iterable[Inconsistency]:
    for matter in matters:
        if not operations.get(matter.code):
            words = Words(
                "尚无接口操作服务于该事项", "no operation of the API serves this matter yet"
            )
            yield Inconsistency("MATTER_WITHOUT_OPERATION", matter.code, words)


def _operations_without_matter(
    matters: Sequence[BusinessMatter], operations: Mapping[str, Sequence[str]]
) -> Iterable[Inconsistency]:
    known = {matter.code for matter in matters}
    for code in sorted(set(operations) - known):
        words = Words(
            f"接口操作所指的事项不在事项表中：{'、'.join(operations[code])}",
            f"operations name a matter that is not in the table: {', '.join(operations[code])}",
        )
        yield Inconsistency("OPERATION_WITHOUT_MATTER", code, words)
