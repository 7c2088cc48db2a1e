"""Bit flips (位翻转): no altered record passes what the hub itself applies."""

import random
from collections import Counter
from datetime import UTC, datetime

import pytest

from builders import Issuer, an_issuer
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import TrustList
from zwhub.licences import policy
from zwhub.licences.body import MalformedBody
from zwhub.licences.findings import Verdict
from zwhub.licences.held import Held
from zwhub.licences.policy import Question
from zwhub.licences.status import LicenceState, Standing

SEED = 20261122
FEW, MANY = 1_000, 100_000  # over all algorithms together
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def makers() -> list[Issuer]:
    return [an_issuer(algorithm) for algorithm in Algorithm]


def flipped(record: bytes, chance: random.Random) -> bytes:
    """The record with one bit turned over."""
    at, bit = chance.randrange(len(record)), chance.randrange(8)
    return record[:at] + bytes([record[at] ^ 1 << bit]) + record[at + 1 :]


def accepted(record: bytes, trust: TrustList) -> Verdict:
    """The hub's own way: parse, read the body, then the whole policy.

    The registry is taken to hold these very bytes, so that only the record itself can object.
    """
    try:
        held = Held.read(1, record)
    except (MalformedJws, MalformedBody):
        return Verdict.NOT_GENUINE
    history = [Standing(LicenceState.VALID, datetime.min.replace(tzinfo=UTC), NOW)]
    question = Question(held.jws, held.body, trust, history, True, None, None, NOW)
    return policy.examine(question).verdict


def verdicts(makers: list[Issuer], count: int) -> Counter[Verdict]:
    chance = random.Random(SEED)
    keys = {one.kid: one.trusted() for one in makers}
    trust = TrustList("1", keys, tuple(one.root.certificate for one in makers))
    records = [one.a_licence().encode() for one in makers for _ in range(5)]
    for record in records:
        assert accepted(record, trust) is Verdict.GENUINE
    flips = (flipped(records[turn % len(records)], chance) for turn in range(count))
    return Counter(accepted(one, trust) for one in flips)


def test_a_thousand_flips(makers: list[Issuer]) -> None:
    assert verdicts(makers, FEW) == {Verdict.NOT_GENUINE: FEW}


@pytest.mark.long
def test_a_hundred_thousand_flips(makers: list[Issuer]) -> None:
    assert verdicts(makers, MANY) == {Verdict.NOT_GENUINE: MANY}
