"""Reference data (基础数据): what a profile says about the city; replaced as a whole by a load."""

from datetime import date

from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from zwhub.platform.database import Base

Texts = ARRAY(Text())


class City(Base):
    """The city itself (本市); one row.

    `expected` is how many of each kind of data the profile promises; `replacements` are the
    rows of 数据替换清单, the sample data to be replaced before real use.
    """

    __tablename__ = "city"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]
    lead: Mapped[str]
    expected: Mapped[dict[str, int]] = mapped_column(JSONB)
    replacements: Mapped[list[dict[str, object]]] = mapped_column(JSONB)


class Region(Base):
    """An administrative region (行政区划)."""

    __tablename__ = "regions"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]
    level: Mapped[str]
    parent: Mapped[str | None]


class Organisation(Base):
    """A body (机构), by its unified social credit code (统一社会信用代码)."""

    __tablename__ = "organisations"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    short_name: Mapped[str]
    name_en: Mapped[str]
    kind: Mapped[str]
    level: Mapped[str]
    region: Mapped[str]
    parent: Mapped[str | None]


class BusinessMatter(Base):
    """One of the business matters (业务事项) the hub exists for."""

    __tablename__ = "business_matters"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str]
    description: Mapped[str]
    description_en: Mapped[str]
    kind: Mapped[str]
    lead: Mapped[str]
    supporting: Mapped[str]
    input: Mapped[str]
    output: Mapped[str]
    levels: Mapped[list[str]] = mapped_column(Texts)
    time: Mapped[str | None]
    stars: Mapped[int]


class ClaimedCount(Base):
    """What the source's own summary table claims; compared, never shown as a statistic."""

    __tablename__ = "claimed_counts"
    dimension: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]


class LicenceType(Base):
    """A type of licence (证照类型); `code` = defining body's 18 characters + 3 of a serial."""

    __tablename__ = "licence_types"
    code: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    name_en: Mapped[str]
    holder_kind: Mapped[str]
    validity_years: Mapped[int | None]
    issuing: Mapped[list[str]] = mapped_column(Texts)
    surface: Mapped[list[str]] = mapped_column(Texts)
    multi_holder: Mapped[bool]


class CalendarDay(Base):
    """A day on which the public calendar differs from the plain week (节假日与调休)."""

    __tablename__ = "calendar_days"
    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    note: Mapped[str]


class CalendarYear(Base):
    """A year whose holidays have been published (已公布年度)."""

    __tablename__ = "calendar_years"
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
