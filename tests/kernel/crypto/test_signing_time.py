"""Signing times: one instant in many forms, and no instant at all."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.der import Node
from zwhub.kernel.crypto.signing_time import instant, time_of

AT = datetime(2024, 5, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "20240501020000Z",
        "20240501020000.123Z",
        "20240501100000+0800",
        "240501020000Z",
        "2405010200Z",
        "240501100000+0800",
        "2024-05-01T10:00:00+08:00",
        "2024-05-01T02:00:00Z",
        "2024-05-01 10:00:00",
        "2024/05/01 10:00",
        "2024年05月01日 10:00:00",
        "20240501100000",
        " 2024.05.01 10:00:00 ",
        "20240430210000-0500",
    ],
)
def test_the_forms_of_one_instant(text: str) -> None:
    assert instant(text) == AT


def test_two_figures_of_a_year() -> None:
    assert instant("991231000000Z") == datetime(1999, 12, 31, tzinfo=UTC)
    assert instant("491231000000Z") == datetime(2049, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2024-13-01 00:00:00",
        "20240230000000Z",
        "20240501",
        "２０２４0501020000Z",
        "00010101000000+2359",
        "20240501020000Z garbage",
        "99991231235959-2359",
    ],
)
def test_no_instant(text: str) -> None:
    assert instant(text) is None


@given(st.text(max_size=60))
def test_noise_raises_nothing(text: str) -> None:
    instant(text)


@given(st.binary(max_size=80))
def test_noise_in_bits_raises_nothing(octets: bytes) -> None:
    time_of(Node(0, 3, False, b"", b"\0" + octets))


def test_a_time_stamp_token() -> None:
    """TimeStampToken → TSTInfo.genTime (RFC 3161 §2.4.2), cut down to what leads there."""
    time = b"\x18\x0f20240501020000Z"

    def tlv(tag: int, content: bytes) -> bytes:
        return bytes([tag, len(content)]) + content

    info = tlv(4, tlv(0x30, tlv(2, b"\1") + time))
    kind = bytes.fromhex("060b2a864886f70d0109100104")
    content = tlv(0x30, kind + tlv(0xA0, info))
    signed = tlv(0x30, tlv(2, b"\3") + tlv(0x31, b"") + content)
    token = tlv(0x30, bytes.fromhex("06092a864886f70d010702") + tlv(0xA0, signed))
    assert time_of(Node.read(tlv(3, b"\0" + token))) == AT
    other = token.replace(kind, bytes.fromhex("060b2a864886f70d0109100105"))
    assert time_of(Node.read(tlv(3, b"\0" + other))) is None
    assert time_of(Node.read(tlv(0x30, time))) is None
