"""DER: a tree of raw pieces, or UnknownLayout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.der import SEQUENCE, Node, UnknownLayout

LONG = bytes.fromhex("30820103") + b"\x04\x81\x80" + bytes(128) + b"\x04\x7e" + bytes(126)


def test_the_pieces_are_the_bytes_of_the_file() -> None:
    node = Node.read(LONG + b"")
    first, second = node.sequence()
    assert (node.whole, node.tag, node.kind, node.constructed) == (LONG, SEQUENCE, 0, True)
    assert (len(first.octets()), len(second.octets())) == (128, 126)
    assert first.whole + second.whole == node.content


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",  # indefinite
        b"\x30\x05\x04\x01\x00",  # cut off
        b"\x30\x00\x00",  # something behind
        b"\x1f\x81\x00\x00",  # a long tag
        b"\x30\x85\x00\x00\x00\x00\x00",
        b"\x30\x82\x01",
        b"\x30\xff",
    ],
)
def test_what_is_no_der(octets: bytes) -> None:
    with pytest.raises(UnknownLayout):
        Node.read(octets)


def test_values() -> None:
    assert Node.read(b"\x02\x01\xff").integer() == -1
    assert Node.read(b"\x02\x03\x00\x00\x05").integer() == 5  # a zero too many
    assert Node.read(b"\x03\x02\x00\x07").bits() == b"\x07"
    assert Node.read(bytes.fromhex("06082a811ccf55018375")).oid() == "1.2.156.10197.1.501"


@pytest.mark.parametrize(
    ("octets", "method"),
    [
        ("0200", "integer"),
        ("0401ff", "integer"),
        ("030101", "bits"),
        ("0300", "bits"),
        ("0600", "oid"),
        ("0641" + "01" * 65, "oid"),
        ("0401ff", "children"),
        ("0401ff", "sequence"),
        ("3000", "octets"),
        ("30064e", "sequence"),
    ],
)
def test_what_is_something_else(octets: str, method: str) -> None:
    with pytest.raises(UnknownLayout):
        getattr(Node.read(bytes.fromhex(octets)), method)()


def test_room_that_was_not_used() -> None:
    assert Node.read_padded(b"\x04\x01\x07\x00\x00").octets() == b"\x07"
    for octets in (b"", b"\x04\x01\x07\x00\x01"):
        with pytest.raises(UnknownLayout):
            Node.read_padded(octets)


def test_a_crowd_is_turned_away() -> None:
    with pytest.raises(UnknownLayout):
        Node.read(b"\x30\x83\x00\xea\x60" + b"\x05\x00" * 30_000).children()


@given(st.binary(max_size=200))
def test_noise_is_unknown_or_a_tree(octets: bytes) -> None:
    try:
        node = Node.read(octets)
    except UnknownLayout:
        return
    assert node.whole == octets
    assert octets.endswith(node.content)
