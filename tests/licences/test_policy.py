"""The policy (核验规则) as a pure function: which check decides, and that none may be left out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import Issuer, an_issuer
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import TrustList
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.findings import (
    Check,
    CheckName,
    Finding,
    Outcome,
    Verdict,
    VerificationReason,
)
from zwhub.licences.held import Held
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.status import LicenceState, Standing

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def maker() -> Issuer:
    return an_issuer(Algorithm.EDDSA)


@pytest.fixture
def sound(maker: Issuer) -> Question:
    """A question to which nothing can be objected."""
    held = Held.read(1, maker.a_licence(valid_until="2030-01-01").encode())
    history = [Standing(LicenceState.VALID, held.body.signed_at, NOW)]
    trust = TrustList("1", {maker.kid: maker.trusted()}, (maker.root.certificate,))
    return Question(held.jws, held.body, trust, history, True, None, None, NOW)


def test_a_sound_record_is_genuine(sound: Question) -> None:
    finding = policy.examine(sound)
    assert (finding.verdict, finding.reason) == (Verdict.GENUINE, VerificationReason.OK)
    assert [check.name for check in finding.checks] == list(CheckName)
    assert finding.checks[-1].outcome is Outcome.NOT_CHECKED  # no claim was made


def test_an_empty_policy_is_an_error(sound: Question) -> None:
    with pytest.raises(ValueError, match="proves nothing"):
        policy.examine(sound, [])


def test_what_is_checked_before_collecting_is_part_of_what_is_checked_after() -> None:
    assert set(policy.COLLECTABLE) < set(policy.GENUINE)


def test_without_the_registry_nothing_is_genuine(sound: Question) -> None:
    finding = policy.examine(replace(sound, history=None, same_as_registered=False))
    assert finding.verdict is Verdict.INDETERMINATE
    outcomes = {check.name: check.outcome for check in finding.checks}
    assert outcomes[CheckName.NEWEST_VERSION] is Outcome.NOT_CHECKED
    assert outcomes[CheckName.SIGNATURE] is Outcome.PASS


def test_a_key_withdrawn_later_still_counts_before(sound: Question, maker: Issuer) -> None:
    key = replace(maker.trusted(), withdrawn_since=NOW)
    trust = replace(sound.trust, keys={maker.kid: key})
    assert policy.examine(replace(sound, trust=trust)).reason == "ISSUER_NOT_TRUSTED"
    earlier = NOW.replace(year=2025)
    then = policy.examine(replace(sound, trust=trust, as_of=earlier))
    assert then.verdict is Verdict.GENUINE


def test_a_claim_without_content_is_no_claim(sound: Question) -> None:
    finding = policy.examine(replace(sound, claim=HolderClaim()))
    assert finding.checks[-1].outcome is Outcome.NOT_CHECKED


def test_not_found_and_malformed_have_every_check() -> None:
    for finding in (policy.not_found(), policy.malformed(Words("坏", "bad"))):
        assert [check.name for check in finding.checks] == list(CheckName)
        assert finding.verdict is Verdict.NOT_GENUINE


_CHECKS = st.builds(
    Check,
    st.sampled_from(CheckName),
    st.sampled_from(Outcome),
    st.just(Words("说明", "words")),
    st.just("clause"),
    st.none() | st.sampled_from([VerificationReason.REVOKED, VerificationReason.EXPIRED]),
)


@given(st.lists(_CHECKS, min_size=1, max_size=10))
def test_the_first_failure_decides_and_doubt_is_never_genuine(checks: list[Check]) -> None:
    finding = Finding(tuple(checks))
    failed = [c for c in checks if c.outcome is Outcome.FAIL and c.reason]
    open_ = [c for c in checks if c.outcome is Outcome.NOT_CHECKED and c.reason]
    if failed:
        assert (finding.verdict, finding.reason) == (Verdict.NOT_GENUINE, failed[0].reason)
    elif open_:
        assert (finding.verdict, finding.reason) == (Verdict.INDETERMINATE, open_[0].reason)
    else:
        assert (finding.verdict, finding.reason) == (Verdict.GENUINE, VerificationReason.OK)
