"""Collecting licences over GraphQL (归集接口)."""

from typing import Annotated

import strawberry

from zwhub.directory import store as directory
from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.errors import InvalidInput, NotAllowed
from zwhub.graph.fields import argument, says
from zwhub.graph.rules import ListSize, access, cost
from zwhub.kernel.actor import Persona, Scope
from zwhub.licences.api.faces import (
    Licence,
    registry_of,
)
from zwhub.licences.collect import collect_licences
from zwhub.licences.judging import Candidate, CollectionOutcome, Problem

SYSTEMS = {Persona.DEPARTMENT}


@strawberry.input(description="待归集的记录 · a record to collect")
class LicenceRecordInput:
    """One signed record (docs/licence-format.md)."""

    jws: str = says(
        "签发机构签名的记录（JWS 紧凑格式）", "the record as its issuer signed it (compact JWS)"
    )


@strawberry.input(description="归集请求 · a delivery of records")
class CollectLicencesInput:
    """1 to 1,000 records, in a body of at most 1 MiB."""

    records: list[LicenceRecordInput] = says(
        "1 至 1000 条记录，请求体不超过 1 MiB",
        "1 to 1,000 records, in a body of at most 1 MiB",
        directives=[cost(0.1)],
    )


@strawberry.type(
    description="归集问题 · why a record was quarantined, or a warning",
    directives=[access(SYSTEMS)],
)
class CollectionProblem:
    """A code for programs, words for people."""

    code: str = says("机器可读的原因", "the reason, for programs")
    message: str = says("说明", "the reason, for people")

    @classmethod
    def of(cls, problem: Problem, ctx: Context) -> "CollectionProblem":
        return cls(code=problem.code, message=ctx.say(problem.words))


@strawberry.type(
    description="单条归集结果 · what became of one record", directives=[access(SYSTEMS)]
)
class CollectedRecord:
    """In the order of the delivery."""

    index: int = says("在请求中的序号，从 0 起", "its place in the delivery, from 0")
    outcome: CollectionOutcome = says("结果", "what became of it")
    licence: Licence | None = says("归集的证照", "the licence, where it is held")
    problems: list[CollectionProblem] = says("原因或警告", "reasons or warnings")

    @classmethod
    def of(cls, one: Candidate, ctx: Context) -> "CollectedRecord":
        held = one.held if one.outcome is not CollectionOutcome.QUARANTINED else None
        return cls(
            index=one.index,
            outcome=one.outcome or CollectionOutcome.QUARANTINED,
            licence=None if held is None else Licence.of(held, ctx),
            problems=[CollectionProblem.of(problem, ctx) for problem in one.problems],
        )


@strawberry.type(description="归集报告 · the report of a delivery", directives=[access(SYSTEMS)])
class CollectionReport:
    """Counts, and each record's outcome."""

    received: int = says("收到", "records received")
    accepted: int = says("已归集", "newly collected")
    unchanged: int = says("已在库", "held already")
    quarantined: int = says("已隔离", "quarantined")
    records: list[CollectedRecord] = says("逐条结果", "each record's outcome")


CollectLicencesResult = Annotated[
    CollectionReport | NotAllowed | InvalidInput,
    strawberry.union(
        "CollectLicencesResult", description="归集结果 · a report, or why there is none"
    ),
]


def _report(candidates: list[Candidate], ctx: Context) -> CollectionReport:
    outcomes = [one.outcome for one in candidates]
    return CollectionReport(
        received=len(candidates),
        accepted=outcomes.count(CollectionOutcome.ACCEPTED),
        unchanged=outcomes.count(CollectionOutcome.UNCHANGED),
        quarantined=outcomes.count(CollectionOutcome.QUARANTINED),
        records=[CollectedRecord.of(one, ctx) for one in candidates],
    )


@strawberry.type
class CollectMutations:
    """Records delivered."""

    @root_field(
        "归集签发机构签名的证照记录；同一记录重复提交无害",
        "collect records that issuers signed; the same record again does no harm",
        matters=("ZW-3-01-001",),
        personas=SYSTEMS,
        scope=Scope.LICENCES_COLLECT,
        points=5,
        size=ListSize(slicing_arguments=["input.records"], sized_fields=["records"]),
    )
    async def collect_licences(
        self, info: Info, input: Annotated[CollectLicencesInput, argument("记录", "the records")]
    ) -> CollectLicencesResult:
        ctx = info.context
        records = [one.jws for one in input.records]
        async with ctx.hub.db.write() as session:
            types = frozenset(row.code for row in await directory.licence_types(session))
            found = await collect_licences(
                session, registry_of(ctx), records, types, ctx.actor, ctx.now
            )
        return _report(found, ctx)
