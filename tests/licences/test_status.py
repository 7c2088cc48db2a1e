"""Standing (证照状态): which entry holds at a moment, by all that is known now."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zwhub.licences.status import CODES, LicenceState, Standing, present, standing_at

START = datetime(2025, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def entry(code: str, since: int, recorded: int, *, always: bool = False) -> Standing:
    return Standing(CODES[code], day(since), day(recorded), "", always)


VALID = entry("01", 0, 0)


def test_before_the_first_entry_there_is_no_standing() -> None:
    assert standing_at([VALID], day(-1)) is None
    assert standing_at([], day(1)) is None


def test_suspended_and_given_back() -> None:
    history = [VALID, entry("02", 10, 11), entry("01", 20, 21)]
    states = [standing_at(history, day(n)) for n in (5, 10, 19, 20)]
    assert [one.state for one in states if one] == [
        LicenceState.VALID,
        LicenceState.SUSPENDED,
        LicenceState.SUSPENDED,
        LicenceState.VALID,
    ]


def test_void_from_the_beginning_counts_always() -> None:
    history = [VALID, entry("03", 10, 11, always=True)]
    for moment in (day(-100), day(5), day(15)):
        found = standing_at(history, moment)
        assert found is not None
        assert found.state is LicenceState.REVOKED


def test_a_correction_learned_later_wins_over_a_later_date() -> None:
    history = [VALID, entry("04", 10, 10), entry("01", 5, 30)]  # the cancelling was a mistake
    found = standing_at(history, day(20))
    assert found is not None
    assert found.state is LicenceState.VALID


_ENTRIES = st.builds(
    entry,
    st.sampled_from(sorted(CODES)),
    st.integers(-50, 50),
    st.integers(-50, 50),
    always=st.booleans(),
)


@given(st.lists(_ENTRIES, max_size=8, unique_by=lambda e: e.recorded_at), st.integers(-60, 60))
def test_the_newest_knowledge_in_effect_holds_in_any_order(
    history: list[Standing], moment: int
) -> None:
    found = standing_at(history, day(moment))
    in_effect = [e for e in history if e.from_the_beginning or e.since <= day(moment)]
    assert (found is None) == (not in_effect)
    if found is not None:
        assert found.version == max(one.version for one in in_effect)
    assert standing_at(list(reversed(history)), day(moment)) == found


@given(st.lists(_ENTRIES, max_size=8, unique_by=lambda e: e.recorded_at), st.integers(-60, 60))
def test_a_clock_that_lags_hides_nothing_that_was_recorded(
    history: list[Standing], moment: int
) -> None:
    now = present(day(moment), history)
    assert now >= day(moment)
    assert all(one.recorded_at <= now for one in history)
    assert now == day(moment) or now in {one.recorded_at for one in history}
