"""Time (时间): the day is the one in Beijing."""

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.clock import civil_date

INSTANTS = st.integers(694_224_000, 4_102_444_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)  # from 1992: Beijing kept summer time until 1991


def test_a_utc_evening_is_tomorrow_in_beijing() -> None:
    assert civil_date(datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert civil_date(datetime(2026, 11, 20, 16, 0, tzinfo=UTC)) == date(2026, 11, 21)


@given(INSTANTS, st.integers(-12, 14))
def test_the_day_does_not_depend_on_how_the_instant_is_written(at: datetime, offset: int) -> None:
    elsewhere = at.astimezone(timezone(timedelta(hours=offset)))
    assert civil_date(elsewhere) == civil_date(at) == (at + timedelta(hours=8)).date()
