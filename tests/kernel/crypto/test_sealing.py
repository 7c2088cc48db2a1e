"""Sealing (加密存储): opens with its key and its place alone, also after the keys were turned over."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.sealing import OVERHEAD, BadKeys, CannotOpen, DataKeys, Sealer

RING = DataKeys.new()
SEALER = Sealer(lambda: RING)


@given(st.binary(max_size=2_000), st.binary(max_size=50))
def test_what_is_sealed_comes_back(plain: bytes, about: bytes) -> None:
    sealed = SEALER.seal(plain, about)
    assert SEALER.open(sealed, about) == plain
    assert len(sealed) == len(plain) + OVERHEAD
    assert sealed != SEALER.seal(plain, about)  # the same twice does not look the same


@given(st.binary(min_size=1, max_size=200), st.data())
def test_no_changed_bit_opens(plain: bytes, data: st.DataObject) -> None:
    sealed = bytearray(SEALER.seal(plain, b"row 1"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotOpen):
        SEALER.open(bytes(sealed), b"row 1")


def test_elsewhere_it_does_not_open() -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(SEALER.seal(b"a record", b"row 1"), b"row 2")


@pytest.mark.parametrize("rubbish", [b"", b"\1", b"\1" * 28, b"\2" + bytes(60), bytes(60)])
def test_rubbish_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(rubbish, b"")


def test_a_key_that_another_process_added_is_found() -> None:
    rings = [RING]
    running = Sealer(lambda: rings[-1])
    rings.append(DataKeys(2, {**RING.keys, 2: secrets.token_bytes(32)}))
    other = Sealer(lambda: rings[-1])
    sealed = other.seal(b"new", b"")
    assert not running.is_current(sealed)
    assert running.open(sealed, b"") == b"new"
    assert running.is_current(sealed)
    assert running.open(SEALER.seal(b"old", b""), b"") == b"old"


def test_a_ring_is_read_as_it_was_written() -> None:
    ring = DataKeys(7, {3: secrets.token_bytes(32), 7: secrets.token_bytes(32)})
    assert DataKeys.parse(ring.text()) == ring
    assert ring.keys[3].hex() not in repr(ring)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"current": 1, "keys": []}',
        b'{"current": 1, "keys": {}}',
        b'{"current": 1, "keys": {"1": "AAAA"}}',
        b'{"current": 2, "keys": {"1": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}',
        b'{"current": 0, "keys": {"0": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}',
        b'{"current": 256, "keys": {"256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}',
    ],
)
def test_what_is_no_ring(text: bytes) -> None:
    with pytest.raises(BadKeys):
        DataKeys.parse(text)
