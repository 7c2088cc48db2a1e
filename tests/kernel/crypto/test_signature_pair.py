"""Signature pairs (签名值): raw and DER, and what the field does to DER."""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.signature_pair import to_der, to_raw

NUMBERS = st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, 127, 128, 255, 256, 2**255])


@given(NUMBERS, NUMBERS)
def test_der_is_what_another_library_writes_and_comes_back(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert to_der(raw) == encode_dss_signature(r, s)
    assert to_raw(to_der(raw)) == raw


@given(st.binary(max_size=80) | st.binary(max_size=70).map(lambda b: b"\x30" + bytes([len(b)]) + b))
def test_any_bytes_are_a_pair_or_none(octets: bytes) -> None:
    raw = to_raw(octets)
    assert raw is None or len(raw) == 64


def test_one_leading_zero_too_many_is_forgiven_but_not_two() -> None:
    one = bytes.fromhex("3008 0203 000081 0201 05")
    assert to_raw(one) == bytes(31) + b"\x81" + bytes(31) + b"\x05"
    assert to_raw(bytes.fromhex("3009 0204 00000081 0201 05")) is None


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "30",
        "3000",
        "3003 020101",
        "3006 020181 020105",  # negative
        "3006 020101 0201",  # cut off
        "3007 020101 020105 00",  # something after the pair
        "3006 020101 030105",
        "3106 020101 020105",
        "3007 020101 020105",
        "3005 0200 020105",  # an integer without a digit
        "3026 0221" + "01" * 33 + "020105",  # too large
    ],
)
def test_what_is_no_pair_is_none(octets: str) -> None:
    assert to_raw(bytes.fromhex(octets)) is None


def test_raw_of_another_length_has_no_der() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        to_der(bytes(63))
