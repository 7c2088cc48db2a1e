"""Proven signatures (已验签名): remembered to the bit, and failures never."""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from effort import ATTEMPTS, effort
from zwhub.kernel.crypto import proven
from zwhub.kernel.crypto.jws import Jws, parse, sign
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey


@pytest.fixture(autouse=True)
def nothing_proven() -> Iterator[None]:
    proven._proven.clear()
    yield
    proven._proven.clear()


def a_record(key: PrivateKey) -> Jws:
    return parse(sign(key, "k-1", b"payload" * 50, "t"))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_what_was_proven_says_nothing_of_anything_else(algorithm: Algorithm) -> None:
    key = PrivateKey.generate(algorithm)
    good = a_record(key)
    assert proven.signed_by(good, key.public)
    assert proven.signed_by(good, key.public)
    assert not proven.signed_by(good, PrivateKey.generate(algorithm).public)
    for position in range(0, len(good.signature) * 8, 7):
        flipped = bytearray(good.signature)
        flipped[position // 8] ^= 1 << position % 8
        assert not proven.signed_by(
            msgspec.structs.replace(good, signature=bytes(flipped)), key.public
        )
    for position in range(0, len(good.signing_input) * 8, 61):
        changed = bytearray(good.signing_input)
        changed[position // 8] ^= 1 << position % 8
        other = msgspec.structs.replace(good, signing_input=bytes(changed))
        assert not proven.signed_by(other, key.public)
    assert len(proven._proven) == 1


def test_bytes_do_not_move_between_the_parts() -> None:
    key = PrivateKey.generate(Algorithm.ES256)
    good = a_record(key)
    assert proven.signed_by(good, key.public)
    moved = msgspec.structs.replace(
        good,
        signature=good.signature + good.signing_input[:1],
        signing_input=good.signing_input[1:],
    )
    assert not proven.signed_by(moved, key.public)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proven, "MOST", 3)
    key = PrivateKey.generate(Algorithm.EDDSA)
    records = [parse(sign(key, "k-1", str(n).encode(), "t")) for n in range(10)]
    for one in records:
        assert proven.signed_by(one, key.public)
        assert len(proven._proven) <= 3
    assert all(proven.signed_by(one, key.public) for one in records)


def test_the_second_time_costs_a_tenth_at_most() -> None:
    key = PrivateKey.generate(Algorithm.SM2)
    good = a_record(key)

    def least(check: Callable[[PublicKey], bool]) -> float:
        found: list[float] = []
        for _ in range(ATTEMPTS):
            with effort() as spent:
                assert all(check(key.public) for _ in range(20))
            found += spent
        return min(found)

    assert proven.signed_by(good, key.public)
    assert least(lambda public: proven.signed_by(good, public)) < least(good.signed_by) / 10
