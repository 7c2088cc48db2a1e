"""Working days (工作日): counted by a published calendar, provisional beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

_SATURDAY = 5
# New Year's own notice moves days of the old year too, since 2006 never one before 29 December.
_NOTICE_REACHES_BACK = timedelta(days=3)


class Due(NamedTuple):
    """A due day; `provisional` where it rests on a year whose holidays are not published."""

    on: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """`exceptions`: days that differ from the plain week (True = work), by published year.

    Public calendars move holidays and make-up days by decree (国务院办公厅通知), one year at a
    time; a day of an unpublished year follows the plain week and is provisional.
    """

    exceptions: Mapping[date, bool]
    published: frozenset[int]

    def is_working(self, day: date) -> bool:
        return self.exceptions.get(day, day.weekday() < _SATURDAY)

    def is_published(self, day: date) -> bool:
        """Whether every notice that can speak of `day` is out: late December is two years' day."""
        return {day.year, (day + _NOTICE_REACHES_BACK).year} <= self.published

    def after(self, start: date, days: int) -> Due:
        """The `days`-th working day after `start`; the first counts on the day after `start`.

        Zero days is `start` itself, or the next working day when nobody works on `start`.
        """
        day, left = start, days
        while left > 0 or not self.is_working(day):
            day += timedelta(days=1)
            left -= self.is_working(day)
        return Due(day, provisional=not self._known(start, day))

    def count(self, year: int) -> int:
        """Working days of `year`."""
        first = date(year, 1, 1)
        length = (date(year + 1, 1, 1) - first).days
        return sum(self.is_working(first + timedelta(days=n)) for n in range(length))

    def _known(self, start: date, end: date) -> bool:
        between = range(start.year, end.year + 1)
        return self.published.issuperset(between) and self.is_published(end)
