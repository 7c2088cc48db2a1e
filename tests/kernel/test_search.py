"""Text search (文本检索): what a text holds, its grams hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.search import LONGEST_QUERY, grams, normalised, words_of


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("企业 备案", ["企业", "备案"]),
        ("  企业　备案 ", ["企业", "备案"]),
        ("企业，备案（核准）", ["企业", "备案", "核准"]),
        ("ＢＵＳＩＮＥＳＳ licence", ["business", "licence"]),
        ("992001-001000", ["992001", "001000"]),
        ("Straße", ["strasse"]),
        ("", []),
        ("   ", []),
        ("%", ["%"]),
        ("_ \\", ["_", "\\"]),
        ("100%", ["100"]),
    ],
)
def test_words_of_what_was_typed(typed: str, words: list[str]) -> None:
    assert words_of(typed) == words


def test_grams_of_both_scripts() -> None:
    assert grams("企业a1") == sorted(["企", "业", "a", "1", "企业", "业a", "a1"])
    assert grams("企 业") == ["业", "企"]
    assert grams("，。") == []


@given(st.text(max_size=40), st.data())
def test_a_text_is_a_candidate_for_every_piece_of_its_words(text: str, data: st.DataObject) -> None:
    for word in normalised(text).split():
        start = data.draw(st.integers(0, len(word) - 1))
        piece = word[start : data.draw(st.integers(start + 1, len(word)))]
        assert set(grams(piece)) <= set(grams(text))


@given(st.text(max_size=40))
def test_words_are_letters_and_digits_or_signs_that_no_text_holds(typed: str) -> None:
    for word in words_of(typed):
        assert word.isalnum() or not any(char.isalnum() for char in word)


def test_a_query_is_read_up_to_a_length() -> None:
    assert words_of("企" * 5000) == ["企" * LONGEST_QUERY]
