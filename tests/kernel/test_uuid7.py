"""Identifiers in time order (时间有序标识): RFC 9562 version 7."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.uuid7 import uuid7

MOMENTS = st.integers(0, 32_503_680_000_000).map(
    lambda milliseconds: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
)


@given(MOMENTS)
def test_version_variant_and_time(at: datetime) -> None:
    made = uuid7(at)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(at.timestamp() * 1000)


@given(MOMENTS, st.integers(1, 10**9))
def test_later_ones_sort_later(at: datetime, milliseconds: int) -> None:
    assert uuid7(at) < uuid7(at + timedelta(milliseconds=milliseconds + 1))


def test_no_two_are_the_same() -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC)
    assert len({uuid7(at) for _ in range(1000)}) == 1000
