"""Time (时间): instants are UTC, days are Beijing days."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")


def civil_date(at: datetime) -> date:
    """The calendar day a citizen reads on the wall at `at`.

    A UTC date is yesterday in Beijing until 08:00, so validity is never judged by it.
    """
    return at.astimezone(BEIJING).date()


def first_moment(day: date) -> datetime:
    """When that day begins in Beijing."""
    return datetime.combine(day, time(), BEIJING)
