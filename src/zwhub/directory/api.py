"""The directory over GraphQL (目录接口): types and fields."""

from datetime import date
from typing import Annotated

import strawberry

from zwhub.directory import model, statistics, store
from zwhub.graph.access import root_field
from zwhub.graph.context import Context, Info
from zwhub.graph.fields import argument, batched, says
from zwhub.graph.rules import EVERYONE, access
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

PUBLIC = [access(EVERYONE)]
KINDS = ("department", "district", "other")
MOST_DAYS = 1_000


@strawberry.type(description="机构 · a body", directives=PUBLIC)
class Organisation:
    """A department, a district's government, or another body."""

    code: str = says("统一社会信用代码", "unified social credit code")
    name: str = says("名称", "name")
    short_name: str = says("简称", "short name")
    name_en: str = says("英文名称", "English name")
    kind: str = says("类别：部门、区县或其他", "department, district or other")
    level: str = says("层级", "administrative level")
    region: str = says("行政区划代码", "region code")

    @classmethod
    def of(cls, row: model.Organisation) -> "Organisation":
        return cls(
            code=row.code,
            name=row.name,
            short_name=row.short_name,
            name_en=row.name_en,
            kind=row.kind,
            level=row.level,
            region=row.region,
        )


async def organisations_of(codes: list[str], ctx: Context) -> list[Organisation | None]:
    """Bodies by code, in the order of `codes`; one statement."""
    async with ctx.hub.db.read() as session:
        found = await store.organisations_by_code(session, codes)
    return [Organisation.of(found[code]) if code in found else None for code in codes]


@strawberry.type(description="行政区划 · an administrative region", directives=PUBLIC)
class Region:
    """Province, city or district."""

    code: str = says("行政区划代码", "region code")
    name: str = says("名称", "name")
    name_en: str = says("英文名称", "English name")
    level: str = says("层级", "level")
    parent: str | None = says("上级区划代码", "the region it belongs to")

    @classmethod
    def of(cls, row: model.Region) -> "Region":
        return cls(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            level=row.level,
            parent=row.parent,
        )


@strawberry.type(description="证照类型 · a type of licence", directives=PUBLIC)
class LicenceType:
    """One of the types of the licence repository."""

    code: str = says("证照类型代码（21 位）", "type code (21 characters)")
    key: str = says("英文简写", "short English key")
    name: str = says("名称", "name")
    name_en: str = says("英文名称", "English name")
    holder_kind: str = says("持证主体类别", "who may hold it: person, enterprise or either")
    validity_years: int | None = says("有效年限；空为长期", "years of validity; null = unlimited")
    surface: list[str] = says("照面信息项", "the items on its face")
    multi_holder: bool = says("可有多个持证主体", "whether several may hold one together")

    @classmethod
    def of(cls, row: model.LicenceType) -> "LicenceType":
        return cls(
            code=row.code,
            key=row.key,
            name=row.name,
            name_en=row.name_en,
            holder_kind=row.holder_kind,
            validity_years=row.validity_years,
            surface=row.surface,
            multi_holder=row.multi_holder,
        )


async def licence_types_of(codes: list[str], ctx: Context) -> list[LicenceType | None]:
    """Licence types by code, in the order of `codes`; one statement."""
    async with ctx.hub.db.read() as session:
        found = await store.licence_types_by_code(session, codes)
    return [LicenceType.of(found[code]) if code in found else None for code in codes]


@strawberry.type(description="业务事项 · a business matter", directives=PUBLIC)
class BusinessMatter:
    """One of the matters that the hub exists for."""

    code: str = says("事项编码 ZW-模块-单元-事项", "code: ZW-module-unit-matter")
    name: str = says("名称", "name")
    name_en: str = says("英文名称", "English name")
    description: str = says("说明", "what it is, in Chinese")
    description_en: str = says("英文说明", "what it is, in English")
    kind: str = says("事项类型", "kind of matter")
    supporting: str = says("配合单位", "supporting bodies")
    input: str = says("输入", "what goes in")
    output: str = says("输出", "what comes out")
    levels: list[str] = says("行使层级", "levels that handle it")
    time: str | None = says("办理时限；空为待补充", "handling time; null = to be filled in")
    stars: int = says("星级", "stars")
    operations: list[str] = says("服务于该事项的接口操作", "operations of this API that serve it")
    lead: strawberry.Private[str]

    @batched("牵头单位", "the body in the lead")
    async def lead_organisation(
        matters: list["BusinessMatter"], ctx: Context
    ) -> list[Organisation | None]:
        return await organisations_of([matter.lead for matter in matters], ctx)

    @classmethod
    def of(cls, row: model.BusinessMatter, ctx: Context) -> "BusinessMatter":
        return cls(
            code=row.code,
            name=row.name,
            name_en=row.name_en,
            description=row.description,
            description_en=row.description_en,
            kind=row.kind,
            supporting=row.supporting,
            input=row.input,
            output=row.output,
            levels=row.levels,
            time=row.time,
            stars=row.stars,
            operations=list(ctx.hub.operations.get(row.code, ())),
            lead=row.lead,
        )


@strawberry.type(description="分组计数 · one group of a count", directives=PUBLIC)
class Tally:
    """How many fall under one key."""

    key: str = says("分组", "the group")
    count: int = says("数量", "how many")
    share: float = says("占比 0–1", "share of the whole, 0–1")

    @classmethod
    def of(cls, one: statistics.Tally) -> "Tally":
        return cls(key=one.key, count=one.count, share=one.share)


@strawberry.type(description="业务事项统计 · the matters counted", directives=PUBLIC)
class BusinessMatterStatistics:
    """Always computed from the table."""

    total: int = says("总数", "how many there are")
    by_kind: list[Tally] = says("按类型", "by kind")
    by_stars: list[Tally] = says("按星级", "by stars")
    by_lead: list[Tally] = says("按牵头单位代码", "by the code of the body in the lead")
    by_level: list[Tally] = says(
        "按层级（可重复计）", "by level; a matter counts under each of its levels"
    )


@strawberry.type(description="一致性问题 · an inconsistency", directives=PUBLIC)
class ConsistencyFinding:
    """Where the source contradicts itself, or nothing serves a matter."""

    rule: str = says("规则", "the rule")
    subject: str = says("对象", "what it is about")
    message: str = says("说明", "what differs")


@strawberry.type(description="工作日 · a day of the calendar", directives=PUBLIC)
class WorkingDay:
    """One calendar day."""

    day: date = says("日期", "the day", name="date")
    working: bool = says("是否工作日", "whether it is a working day")
    note: str | None = says("节假日或调休说明", "holiday or make-up day")
    provisional: bool = says("该年度日历尚未公布", "the year's holidays are not published yet")


@strawberry.type(description="工作日推算 · working days counted", directives=PUBLIC)
class WorkingDays:
    """The due day after so many working days, and every day on the way."""

    due_on: date = says("到期日", "the last of the days counted")
    provisional: bool = says("含未公布年度，暂定", "rests on a year not published yet")
    days: list[WorkingDay] = says("逐日", "each day on the way")


async def _business_matters(ctx: Context) -> list[BusinessMatter]:
    async with ctx.hub.db.read() as session:
        return [BusinessMatter.of(row, ctx) for row in await store.matters(session)]


REFERENCE = ("ZW-1-01-001",)
TYPES = ("ZW-3-01-001",)
CLOCK = ("ZW-2-01-001",)


@strawberry.type
class DirectoryQueries:
    """Questions about the city's directory; public reference data."""

    @root_field("业务事项", "the business matters", matters=REFERENCE, personas=EVERYONE)
    async def business_matters(self, info: Info) -> list[BusinessMatter] | None:
        return await _business_matters(info.context)

    @root_field("一个业务事项", "one business matter", matters=REFERENCE, personas=EVERYONE)
    async def business_matter(
        self, info: Info, code: Annotated[str, argument("事项编码", "its code")]
    ) -> BusinessMatter | None:
        found = [one for one in await _business_matters(info.context) if one.code == code]
        return found[0] if found else None

    @root_field("业务事项统计", "the matters counted", matters=REFERENCE, personas=EVERYONE)
    async def business_matter_statistics(self, info: Info) -> BusinessMatterStatistics | None:
        async with info.context.hub.db.read() as session:
            rows = await store.matters(session)
        counted = {
            name: [Tally.of(one) for one in statistics.by(name, rows)]
            for name in statistics.DIMENSIONS
        }
        return BusinessMatterStatistics(
            total=len(rows),
            by_kind=counted["kind"],
            by_stars=counted["stars"],
            by_lead=counted["lead"],
            by_level=counted["level"],
        )

    @root_field("一致性检查", "the consistency check", matters=REFERENCE, personas=EVERYONE)
    async def consistency_findings(self, info: Info) -> list[ConsistencyFinding] | None:
        ctx = info.context
        async with ctx.hub.db.read() as session:
            matters, claims = await store.matters(session), await store.claimed_counts(session)
        found = statistics.inconsistencies(matters, claims, ctx.hub.operations)
        return [
            ConsistencyFinding(rule=one.rule, subject=one.subject, message=ctx.say(one.words))
            for one in found
        ]

    @root_field("机构", "the bodies", matters=REFERENCE, personas=EVERYONE)
    async def organisations(
        self,
        info: Info,
        kind: Annotated[
            str | None,
            argument("类别：department、district、other", "department, district or other"),
        ] = None,
    ) -> list[Organisation] | None:
        if kind not in {None, *KINDS}:
            words = Words(f"类别须为 {'、'.join(KINDS)} 之一。", f"One of {', '.join(KINDS)}.")
            raise Refused(Reason.INVALID_INPUT, words, ("kind",))
        async with info.context.hub.db.read() as session:
            return [Organisation.of(row) for row in await store.organisations(session, kind)]

    @root_field("行政区划", "the regions", matters=REFERENCE, personas=EVERYONE)
    async def regions(self, info: Info) -> list[Region] | None:
        async with info.context.hub.db.read() as session:
            return [Region.of(row) for row in await store.regions(session)]

    @root_field("证照类型", "the types of licence", matters=TYPES, personas=EVERYONE)
    async def licence_types(self, info: Info) -> list[LicenceType] | None:
        async with info.context.hub.db.read() as session:
            return [LicenceType.of(row) for row in await store.licence_types(session)]

    @root_field("工作日推算", "count working days", matters=CLOCK, personas=EVERYONE)
    async def working_days(
        self,
        info: Info,
        from_: Annotated[
            date,
            strawberry.argument(
                name="from", description="起算日（次日为第一天） · the day before the first"
            ),
        ],
        days: Annotated[int, argument("工作日数 0–1000", "how many working days, 0–1000")],
    ) -> WorkingDays | None:
        return await _working_days(info.context, from_, days)


async def _working_days(ctx: Context, start: date, days: int) -> WorkingDays:
    if not 0 <= days <= MOST_DAYS or not date(1990, 1, 1) <= start <= date(2999, 1, 1):
        words = Words(
            "天数或起算日超出范围。", "The number of days or the first day is out of range."
        )
        raise Refused(Reason.INVALID_INPUT, words, ("days",))
    calendar = ctx.hub.calendar
    due = calendar.after(start, days)
    async with ctx.hub.db.read() as session:
        notes = await store.calendar_notes(session, start, due.on)
    passed = [date.fromordinal(n) for n in range(start.toordinal(), due.on.toordinal() + 1)]
    return WorkingDays(
        due_on=due.on,
        provisional=due.provisional,
        days=[
            WorkingDay(
                day=day,
                working=calendar.is_working(day),
                note=notes.get(day),
                provisional=not calendar.is_published(day),
            )
            for day in passed
        ],
    )
