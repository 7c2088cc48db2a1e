"""Words for people (面向人的文字): both languages, and the one a caller prefers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.words import Language, Words, both, preferred_language


def test_words_speak_either_language() -> None:
    words = Words("有效", "valid")
    assert words.in_(Language.ZH) == "有效"
    assert words.in_(Language.EN) == "valid"
    assert both(words) == "有效 · valid"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ZH),
        ("en", Language.EN),
        ("EN-gb", Language.EN),
        ("zh-Hans-CN", Language.ZH),
        ("fr, de;q=0.9", Language.ZH),
        ("fr, en;q=0.1", Language.EN),
        ("en;q=0.5, zh;q=0.6", Language.ZH),
        ("zh;q=0.5, en", Language.EN),
        ("en;q=0", Language.ZH),
        ("zh;q=0, en;q=0.1", Language.EN),
        ("en;q=abc", Language.ZH),
        ("en ; q=0.7 , zh ; q=0.2", Language.EN),
        ("en;level=1", Language.EN),
        ("en;q=9, zh;q=1", Language.EN),
    ],
)
def test_accept_language(header: str, language: Language) -> None:
    assert preferred_language(header) is language


@given(st.text(max_size=300))
def test_no_header_breaks_it(header: str) -> None:
    assert preferred_language(header) in Language


def test_the_default_is_the_callers_to_choose() -> None:
    assert preferred_language("fr", Language.EN) is Language.EN
