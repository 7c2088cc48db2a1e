"""Sealing (加密存储): opens with its key and its place alone, also after the keys were turned over."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.sealing import (
    OVERHEAD,
    BadKeys,
    CannotOpen,
    DataKeys,
    Sealer,
    fingerprint,
)

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
    assert running.open(sealed, b"") == b"new"
    assert running.seal(b"", b"")[:1] == sealed[:1]
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


def test_keys_are_turned_over_and_thrown_away() -> None:
    prepared = RING.prepared()
    assert (prepared.current, prepared.old, sorted(prepared.keys)) == (1, [], [1, 2])
    assert prepared.prepared() is prepared
    turned = prepared.turned()
    assert (turned.current, turned.old, turned.keys) == (2, [1], prepared.keys)
    assert (turned.turned().current, turned.turned().old) == (3, [1, 2])
    assert turned.without([1]) == DataKeys(2, {2: turned.keys[2]})
    with pytest.raises(BadKeys):
        DataKeys(255, {255: bytes(32)}).turned()


def test_a_number_never_changes_its_key() -> None:
    rings = [RING]
    running = Sealer(lambda: rings[-1])
    rings.append(DataKeys.new())
    with pytest.raises(BadKeys):
        running.seal(b"", b"")


def test_what_is_sealed_while_keys_turn_over_opens() -> None:
    """Threads that seal meanwhile never put one key's number before another key's ciphertext."""
    rings = [RING]
    running = Sealer(lambda: rings[-1])

    def seal(_: int) -> list[bytes]:
        return [running.seal(b"a", b"") for _ in range(400)]

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(seal, range(8))
        for _ in range(100):
            rings.append(rings[-1].turned())
        values = [one for part in found for one in part]
    assert all(running.open(one, b"") == b"a" for one in values)


def test_fingerprints_tell_keys_apart() -> None:
    one, other = secrets.token_bytes(32), secrets.token_bytes(32)
    assert fingerprint(one) == fingerprint(one) != fingerprint(other)
    assert len(fingerprint(one)) == 8
