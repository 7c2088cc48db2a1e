"""Working days (工作日): the public calendar's sums, and laws of counting."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zwhub.kernel.working_days import Calendar
from zwhub.profile.load import calendar_rows

DAY = timedelta(days=1)
DAYS, YEARS = calendar_rows([])
PUBLIC = Calendar(
    {row["day"]: row["working"] for row in DAYS}, frozenset(row["year"] for row in YEARS)
)
STARTS = st.dates(date(2004, 1, 1), date(2027, 12, 31))
COUNTS = st.integers(0, 300)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        (date(2024, 2, 8), 5, date(2024, 2, 21)),
        (date(2025, 9, 30), 5, date(2025, 10, 14)),
        (date(2018, 12, 28), 3, date(2019, 1, 3)),
        (date(2026, 2, 13), 5, date(2026, 2, 27)),
        (date(2020, 1, 23), 10, date(2020, 2, 14)),
    ],
)
def test_sums_that_others_made_by_hand(start: date, days: int, due: date) -> None:
    assert PUBLIC.after(start, days) == (due, False)


@pytest.mark.parametrize(("year", "count"), [(2024, 251), (2025, 248), (2026, 248)])
def test_working_days_of_a_year(year: int, count: int) -> None:
    assert PUBLIC.count(year) == count


def test_an_unpublished_year_is_provisional() -> None:
    assert PUBLIC.after(date(2027, 3, 1), 1) == (date(2027, 3, 2), True)
    assert PUBLIC.after(date(2026, 12, 21), 10).provisional
    assert PUBLIC.after(date(2026, 12, 21), 5) == (date(2026, 12, 28), False)


def test_the_last_days_of_a_year_wait_for_the_next_years_notice() -> None:
    assert not PUBLIC.is_published(date(2026, 12, 29))
    assert PUBLIC.is_published(date(2026, 12, 28))
    assert PUBLIC.is_published(date(2025, 12, 31))
    assert PUBLIC.after(date(2026, 12, 28), 3) == (date(2026, 12, 31), True)


def test_no_notice_ever_reached_back_further() -> None:
    """The days of December in the calendar are those of New Year: from the 29th on."""
    assert min(day.day for day in PUBLIC.exceptions if day.month == 12) == 29


@given(STARTS, COUNTS)
@settings(deadline=None)
def test_a_due_day_is_a_working_day_and_counts_right(start: date, days: int) -> None:
    due = PUBLIC.after(start, days).on
    assert PUBLIC.is_working(due)
    passed = [start + n * DAY for n in range(1, (due - start).days + 1)]
    rest = 0 if PUBLIC.is_working(start) or days else 1
    assert sum(map(PUBLIC.is_working, passed)) == days + rest


@given(STARTS, COUNTS, COUNTS)
@settings(deadline=None)
def test_counting_on_from_a_due_day_adds_up(start: date, first: int, then: int) -> None:
    once = PUBLIC.after(start, first + then).on
    if first or PUBLIC.is_working(start):
        assert PUBLIC.after(PUBLIC.after(start, first).on, then).on == once


@given(STARTS, COUNTS)
@settings(deadline=None)
def test_more_days_are_due_later_and_a_later_start_not_earlier(start: date, days: int) -> None:
    due = PUBLIC.after(start, days).on
    if days or PUBLIC.is_working(start):
        assert PUBLIC.after(start, days + 1).on > due
    assert PUBLIC.after(start + DAY, days).on >= due


@given(STARTS, COUNTS)
@settings(deadline=None)
def test_what_is_provisional_stays_so_later(start: date, days: int) -> None:
    if PUBLIC.after(start, days).provisional:
        assert PUBLIC.after(start, days + 1).provisional


@given(st.dictionaries(st.dates(date(2025, 1, 1), date(2025, 12, 31)), st.booleans(), max_size=40))
def test_a_years_count_is_the_plain_weeks_and_its_exceptions(exceptions: dict[date, bool]) -> None:
    plain, moved = Calendar({}, frozenset({2025})), Calendar(exceptions, frozenset({2025}))
    shift = sum(working - plain.is_working(day) for day, working in exceptions.items())
    assert moved.count(2025) == plain.count(2025) + shift
