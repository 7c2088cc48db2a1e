"""Time (时间): instants are UTC, days are Beijing days."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
CLOCKS_DIFFER = timedelta(minutes=5)  # honest ones, by no more than this


def civil_date(at: datetime) -> date:
    """The calendar day a citizen reads on the wall at `at`.

    A UTC date is yesterday in Beijing until 08:00, so validity is never judged by it.
    """
    return at.astimezone(BEIJING).date()


def first_moment(day: date) -> datetime:
    """When that day begins in Beijing."""
    return datetime.combine(day, time(), BEIJING)


def lies_ahead(at: datetime, now: datetime) -> bool:
    """Whether it lies in the future, whichever of two honest clocks is right."""
    return at > now + CLOCKS_DIFFER
