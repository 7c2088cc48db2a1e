"""Digests (摘要): published vectors, and purposes that never meet."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.digests import keyed_digest, same, sha256_hex

SECRET = b"0123456789abcdef"
WORDS = st.text(st.characters(codec="utf-8"), max_size=20)


def test_sha256_of_fips_180() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_hex(b"abc") == expected


def test_keyed_digest_is_hmac_over_length_purpose_and_text() -> None:
    framed = b"\x00\x06holder" + b"11010519491231002X"
    expected = hmac.new(SECRET, framed, hashlib.sha256).digest()
    assert keyed_digest(SECRET, "holder", "11010519491231002X") == expected


@given(WORDS, WORDS, WORDS, WORDS)
def test_two_questions_never_share_a_digest(p: str, t: str, q: str, u: str) -> None:
    alike = keyed_digest(SECRET, p, t) == keyed_digest(SECRET, q, u)
    assert alike == ((p, t) == (q, u))


def test_another_secret_gives_another_digest() -> None:
    assert keyed_digest(SECRET, "p", "t") != keyed_digest(SECRET[::-1], "p", "t")


def test_a_lone_surrogate_is_digested() -> None:
    assert keyed_digest(SECRET, "p", "\ud800") != keyed_digest(SECRET, "p", "?")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        keyed_digest(SECRET[:-1], "p", "t")


def test_same_compares() -> None:
    assert same(b"abc", b"abc")
    assert not same(b"abc", b"abd")
    assert not same(b"abc", b"ab")
