"""Holders (持证主体): what counts as the same, and what a mask lets through."""

from importlib.resources import files
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.identifiers.holder import (
    HolderKind,
    mask_name,
    mask_number,
    matches_code,
    matches_name,
    normalise_code,
    normalise_name,
)

KINDS = ("001", "099", "111", "114", "115", "118", "411", "412", "414", "511", "516", "999")


def test_the_twelve_kinds() -> None:
    assert sorted(HolderKind) == list(KINDS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("11010519491231002X", "11010519491231002x"),
        ("11010519491231002X", "１１０１０５１９４９１２３１００２Ｘ"),
        ("11010519491231002X", " 110105 19491231 002X\u200b"),
        ("11010519491231002X", "110105491231002"),
        ("G12345678", "ｇ12345678\t"),
    ],
)
def test_the_same_code_written_differently(one: str, other: str) -> None:
    assert matches_code(one, other)
    assert matches_code(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张三", " 张 三"),
        ("买买提·艾力", "买买提•艾力"),
        ("买买提·艾力", "买买提・艾力"),
        ("买买提·艾力", "买买提･艾力"),
        ("John Smith", "ＪＯＨＮ　smith"),
        ("样例（北）有限公司", "样例(北)有限公司"),
        ("买买提·艾力", "买买提．艾力"),
        ("买买提·艾力", "买买提.艾力"),
        ("陳小龍", "陈小龙"),
        ("葉劍英", "叶剑英"),
        ("張乾", "张干"),  # 乾 is itself in one name, 干 in another's spelling
        ("張乾", "张乾"),
        ("沈著", "瀋着"),
        ("周髮", "周發"),
        ("臺北市示例公司", "台北市示例公司"),
        ("買買提・艾力", "买买提•艾力"),
        ("羅鏈", "罗\U0002b500"),  # simplified outside the basic plane
    ],
)
def test_the_same_name_written_differently(one: str, other: str) -> None:
    assert matches_name(one, other)
    assert matches_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("陈三", "程三"),
        ("陳三", "阵三"),
        ("闫三", "阎三"),
        ("付三", "傅三"),
        ("买买提·艾力", "买买提"),
    ],
)
def test_names_of_others(one: str, other: str) -> None:
    assert not matches_name(one, other)
    assert not matches_name(other, one)


@pytest.mark.parametrize(("one", "other"), [("张三", "张山"), ("", ""), (" ", ""), ("张三", "")])
def test_what_does_not_match(one: str, other: str) -> None:
    assert not matches_name(one, other)
    assert not matches_code(one, other)


_TABLE = files("zwhub.kernel.identifiers").joinpath("han_forms.txt").read_text("utf-8")
_FORMS = [line for line in _TABLE.splitlines() if not line.startswith("#")]


def test_every_character_stands_in_one_line_of_the_table() -> None:
    chars = "".join(_FORMS)
    assert len(chars) == len(set(chars)) > 8_000
    assert all(len(line) > 1 for line in _FORMS)


@given(st.lists(st.sampled_from(_FORMS), min_size=1, max_size=4), st.randoms())
def test_any_two_ways_to_write_a_name_are_one(lines: list[str], random: Random) -> None:
    one, other = ("".join(random.choice(line) for line in lines) for _ in range(2))
    assert matches_name(one, other)
    assert normalise_name(one) == "".join(line[0] for line in lines)


@given(*(st.text(st.sampled_from("陈陳程·•．. aAａ乾干幹"), max_size=4) for _ in range(3)))
def test_comparing_is_even_handed(one: str, other: str, third: str) -> None:
    assert matches_name(one, other) == matches_name(other, one)
    if matches_name(one, other) and matches_name(other, third):
        assert matches_name(one, third)


@given(st.text(max_size=20))
def test_normal_forms_are_final(text: str) -> None:
    assert normalise_code(normalise_code(text)) == normalise_code(text)
    assert normalise_name(normalise_name(text)) == normalise_name(text)


@pytest.mark.parametrize(
    ("code", "masked"),
    [
        ("11010519491231002X", "110***********002X"),
        ("110105491231002", "110*********002"),
        ("G12345678", "G1*****78"),
        ("1234", "1**4"),
        ("123", "1**"),
        ("1", "*"),
        ("", ""),
    ],
)
def test_masked_numbers(code: str, masked: str) -> None:
    assert mask_number(code) == masked


@given(st.text("0123456789X", max_size=40))
def test_a_mask_keeps_the_length_and_hides_half(code: str) -> None:
    masked = mask_number(code)
    assert len(masked) == len(code)
    assert 2 * masked.count("*") >= len(code)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张*"),
        ("欧阳娜娜", "欧***"),
        ("买买提·艾力", "买**·艾*"),
        ("John Smith", "J*** S****"),
        ("Anne-Marie O'Neill", "A***-M**** *'N****"),
        ("李", "*"),
        (" ", ""),
        ("", ""),
    ],
)
def test_masked_names(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@given(st.text(st.characters(categories=["L"]), min_size=2, max_size=12))
def test_a_masked_name_shows_one_character(name: str) -> None:
    assert len(mask_name(name).replace("*", "")) <= 1
