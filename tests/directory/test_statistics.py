"""Statistics and consistency (统计与一致性检查), pure."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from zwhub.directory.model import BusinessMatter, ClaimedCount
from zwhub.directory.statistics import DIMENSIONS, by, inconsistencies, tally


def a_matter(code: str = "ZW-1-01-001", **changes: Any) -> BusinessMatter:
    said: dict[str, Any] = {"code": code, "kind": "公共服务", "stars": 2, "lead": "甲"}
    return BusinessMatter(**{**said, "levels": ["省", "市"], **changes})


def a_claim(dimension: str, key: str, count: int) -> ClaimedCount:
    return ClaimedCount(dimension=dimension, key=key, count=count)


def found(
    matters: list[BusinessMatter],
    claims: list[ClaimedCount] | None = None,
    operations: dict[str, list[str]] | None = None,
) -> list[tuple[str, str]]:
    served = {one.code: ["items"] for one in matters} if operations is None else operations
    return [(one.rule, one.subject) for one in inconsistencies(matters, claims or [], served)]


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_a_tally_counts_every_key_once(keys: list[str]) -> None:
    counted = tally(keys, len(keys))
    assert {one.key: one.count for one in counted} == {key: keys.count(key) for key in keys}
    assert [one.count for one in counted] == sorted((one.count for one in counted), reverse=True)
    assert abs(sum(one.share for one in counted) - 1) < 0.001


def test_nothing_is_counted_of_nothing() -> None:
    assert [by(dimension, []) for dimension in DIMENSIONS] == [[], [], [], []]


def test_a_matter_of_several_levels_counts_under_each() -> None:
    matters = [a_matter(), a_matter("ZW-1-01-002", levels=["市"])]
    assert [(one.key, one.count, one.share) for one in by("level", matters)] == [
        ("市", 2, 1.0),
        ("省", 1, 0.5),
    ]


def test_claims_are_compared_with_the_table() -> None:
    matters = [a_matter(), a_matter("ZW-1-01-002", stars=3)]
    right = [a_claim("total", "", 2), a_claim("stars", "3", 1), a_claim("lead", "甲", 2)]
    assert found(matters, right) == []
    wrong = [a_claim("total", "", 3), a_claim("kind", "行政许可", 1)]
    assert found(matters, wrong) == [
        ("SUMMARY_DIFFERS", "total:"),
        ("SUMMARY_DIFFERS", "kind:行政许可"),
    ]


def test_a_gap_in_the_units_is_a_finding() -> None:
    matters = [a_matter("ZW-1-01-001"), a_matter("ZW-1-03-001"), a_matter("ZW-2-02-001")]
    assert found(matters) == [
        ("UNIT_WITHOUT_MATTER", "ZW-1-02"),
        ("UNIT_WITHOUT_MATTER", "ZW-2-01"),
    ]


def test_each_matter_needs_an_operation_and_each_operation_a_matter() -> None:
    matters = [a_matter("ZW-1-01-001"), a_matter("ZW-1-01-002")]
    assert found(matters, None, {"ZW-1-01-001": ["items"], "ZW-9-01-001": ["ghost"]}) == [
        ("MATTER_WITHOUT_OPERATION", "ZW-1-01-002"),
        ("OPERATION_WITHOUT_MATTER", "ZW-9-01-001"),
    ]
