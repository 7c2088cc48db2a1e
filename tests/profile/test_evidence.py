"""Evidence (替代证照表达式): AND inside a list, OR between lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.profile.evidence import BadEvidence, read_evidence

SURFACES = {"deed": {"坐落", "权利人"}, "clinic-permit": {"名称"}}
NEEDS = st.sampled_from(
    [(key, items) for key, face in SURFACES.items() for items in ([], [min(face)], sorted(face))]
)


def test_nothing_stands_in() -> None:
    assert read_evidence("", SURFACES) == []


def test_and_binds_tighter_than_or() -> None:
    assert read_evidence("deed[坐落, 权利人] + clinic-permit | deed", SURFACES) == [
        [
            {"type": "deed", "attributes": ["坐落", "权利人"]},
            {"type": "clinic-permit", "attributes": []},
        ],
        [{"type": "deed", "attributes": []}],
    ]


@given(st.lists(st.lists(NEEDS, min_size=1, max_size=3), min_size=1, max_size=3))
def test_what_is_written_is_read(lists: list[list[tuple[str, list[str]]]]) -> None:
    expression = "|".join(
        "+".join(key + (f"[{','.join(items)}]" if items else "") for key, items in together)
        for together in lists
    )
    assert read_evidence(expression, SURFACES) == [
        [{"type": key, "attributes": items} for key, items in together] for together in lists
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "|",
        "deed|",
        "+deed",
        "deed++deed",
        "deed[",
        "deed[]",
        "deed[坐落",
        "Deed",
        "deed 坐落",
        "[坐落]",
    ],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(BadEvidence, match="cannot be read"):
        read_evidence(expression, SURFACES)


@given(st.text("de[],|+ 坐落", max_size=20))
def test_any_other_text_is_read_or_refused(expression: str) -> None:
    try:
        lists = read_evidence(expression, SURFACES)
    except BadEvidence:
        return
    assert all(lists)


def test_an_unknown_type_or_item_is_named() -> None:
    with pytest.raises(BadEvidence, match="ghost, which is no licence type"):
        read_evidence("ghost", SURFACES)
    with pytest.raises(BadEvidence, match="the face of deed has no: 名称") as raised:
        read_evidence("deed[坐落,名称]", SURFACES)
    assert raised.value.words.zh == "deed 的照面没有：名称"
