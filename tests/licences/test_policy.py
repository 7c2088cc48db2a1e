"""The policy (核验规则) as a pure function: which check decides, and that none may be left out."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import Issuer, an_issuer
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import Term, TrustList
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
from zwhub.licences.judging import Standards
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


def under(question: Question, **changes: Any) -> Question:
    """The same question under a trust list that says something else of the key."""
    key = question.key
    assert key is not None
    return replace(question, trust=replace(question.trust, keys={key.kid: replace(key, **changes)}))


@pytest.mark.parametrize("as_of", [NOW, NOW.replace(year=2025)])
def test_a_key_in_other_hands_is_believed_only_where_the_hub_held_the_record_before(
    sound: Question, as_of: datetime
) -> None:
    """Whoever has the key dates records back, so neither `signedAt` nor `asOf` helps."""
    asked = replace(sound, as_of=as_of)
    assert sound.body.signed_at < NOW
    held_before = under(asked, withdrawn_since=NOW + timedelta(seconds=1))
    assert policy.examine(held_before).verdict is Verdict.GENUINE
    held_since = under(asked, withdrawn_since=NOW)
    assert policy.examine(held_since).reason == "ISSUER_NOT_TRUSTED"
    for unproved in (
        replace(held_before, same_as_registered=False),
        replace(held_before, history=None),
        replace(held_before, history=[]),
    ):
        checks = {one.name: one for one in policy.examine(unproved).checks}
        assert checks[CheckName.ISSUER_TRUSTED].outcome is Outcome.FAIL


def test_nothing_was_signed_later_than_now(sound: Question) -> None:
    """Whatever moment is asked about: `asOf` makes no clock run faster."""
    signed = sound.body.signed_at
    for ahead, reason in ((timedelta(minutes=5), "OK"), (timedelta(minutes=6), "SIGNED_IN_FUTURE")):
        for as_of in (NOW, NOW.replace(year=2025)):
            asked = replace(sound, as_of=as_of, now=signed - ahead)
            assert policy.examine(asked).reason == reason


def test_a_retired_key_is_believed_for_what_it_signed_before(sound: Question) -> None:
    signed = sound.body.signed_at
    moment = timedelta(microseconds=1)
    assert policy.examine(under(sound, retired_from=signed + moment)).verdict is Verdict.GENUINE
    for begin in (signed, signed - moment):
        assert policy.examine(under(sound, retired_from=begin)).reason == "ISSUER_NOT_TRUSTED"


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        (Term(), "OK"),
        (Term(first=date(2024, 5, 1)), "OK"),
        (Term(last=date(2024, 5, 1)), "OK"),
        (Term(date(2024, 5, 2)), "ISSUER_NOT_AUTHORISED"),
        (Term(date(2020, 1, 1), date(2024, 4, 30)), "ISSUER_NOT_AUTHORISED"),
    ],
)
def test_the_right_to_issue_counts_on_the_day_of_signing(
    sound: Question, term: Term, reason: str
) -> None:
    """Signed on 1 May 2024 in Beijing; the day of asking is no matter."""
    assert policy.examine(under(sound, terms={sound.body.type_code: term})).reason == reason
    other = under(sound, terms={"1" * 21: Term(last=date(2000, 1, 1))})
    assert policy.examine(other).verdict is Verdict.GENUINE


def test_the_day_of_signing_is_a_day_in_beijing(maker: Issuer, sound: Question) -> None:
    """Half past seven on 1 May in Beijing is still April in Greenwich."""
    early = Held.read(1, maker.a_licence(signed_at="2024-04-30T23:30:00Z").encode())
    asked = replace(sound, jws=early.jws, body=early.body)
    of_may = {early.body.type_code: Term(first=date(2024, 5, 1))}
    assert policy.examine(under(asked, terms=of_may)).verdict is Verdict.GENUINE


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "withdrawn_since": st.just(NOW),
            "retired_from": st.just(NOW),
            "may_sign": st.just(frozenset()),
            "issuer": st.just("11990100009810667L"),
            "terms": st.sampled_from([Term(last=date(2024, 4, 30)), Term(last=date(2030, 1, 1))]),
        },
    ),
    st.sampled_from(["2014-12-31T23:59:59Z", "2024-05-01T10:00:00+08:00", "2026-06-01T00:00:00Z"]),
)
def test_a_quick_yes_at_collection_is_a_yes_of_the_policy(
    changes: dict[str, Any], signed_at: str
) -> None:
    held = Held.read(0, _MAKER.a_licence(signed_at=signed_at).encode())
    if "terms" in changes:
        changes = {**changes, "terms": {held.body.type_code: changes["terms"]}}
    key = replace(_MAKER.trusted(), **changes)
    trust = TrustList("1", {key.kid: key}, (_MAKER.root.certificate,))
    by = Standards(trust, frozenset({held.body.type_code}), NOW)
    asked = Question(held.jws, held.body, trust, None, True, None, None, NOW)
    quick = by.signed_in_order(held)
    exact = policy.examine(asked, policy.VOUCHED).verdict is Verdict.GENUINE
    assert exact or not quick
    if not changes and "2024" in signed_at:
        assert quick


_MAKER = an_issuer(Algorithm.EDDSA)


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
