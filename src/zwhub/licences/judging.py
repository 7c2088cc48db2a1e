"""Judge delivered records (归集审查): each on its own merits, before the registry is asked. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from zwhub.kernel.crypto.certificates import chain_problem
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustList
from zwhub.kernel.identifiers import citizen, uscc
from zwhub.kernel.identifiers.licence import CheckState
from zwhub.kernel.words import Words
from zwhub.licences import policy, succession
from zwhub.licences.body import Body, MalformedBody
from zwhub.licences.findings import Outcome
from zwhub.licences.held import Held
from zwhub.licences.policy import Question

LONGEST_RECORD = 65_536
Window = tuple[datetime, datetime]
_NEVER: Window = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


class CollectionOutcome(StrEnum):
    """What became of one record."""

    ACCEPTED = "ACCEPTED"
    UNCHANGED = "UNCHANGED"
    QUARANTINED = "QUARANTINED"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a record was quarantined, or (with ACCEPTED) a warning."""

    code: str
    words: Words


IDENTIFIER_TAKEN = Problem(
    "IDENTIFIER_TAKEN",
    Words("同一证照标识已有不同内容的记录", "another record with this identifier is registered"),
)
NUMBER_TAKEN = Problem(
    "NUMBER_TAKEN", Words("证照编号已属于另一证照", "the number belongs to another licence")
)


@dataclass(slots=True)
class Candidate:
    """One delivered record on its way in."""

    index: int
    text: str
    held: Held | None = None
    problems: list[Problem] = field(default_factory=list)
    outcome: CollectionOutcome | None = None

    def refuse(self, code: str, words: Words) -> None:
        self.outcome = CollectionOutcome.QUARANTINED
        self.problems.append(Problem(code, words))


@dataclass(frozen=True, slots=True)
class Standards:
    """What records are judged by. `vouched` tells whose signatures somebody vouched for already."""

    trust: TrustList
    known_types: frozenset[str]
    now: datetime
    vouched: Callable[[Body], bool] = lambda _: False
    _windows: dict[tuple[str, str, str], Window] = field(default_factory=dict)

    def signed_in_order(self, held: Held) -> bool:
        """A quick yes to all of `policy.COLLECTABLE` but its signature, or no answer."""
        body = held.body
        asked = held.jws.kid, body.issuer_code, body.type_code
        window = self._windows.get(asked)
        if window is None:
            window = self._windows[asked] = self._window(*asked)
        in_time = window[0] <= body.signed_at <= window[1]
        return in_time and body.identifier.check_state is CheckState.VALID

    def _window(self, kid: str, issuer: str, type_code: str) -> Window:
        """From when to when a key may have signed such licences; never = that needs a closer look."""
        key = self.trust.keys.get(kid)
        if key is None or key.issuer != issuer or not key.signs_freely(type_code):
            return _NEVER
        begin, end = key.certificate.not_before, key.certificate.not_after
        roots = [one for one in self.trust.roots if one.subject_name == key.certificate.issuer_name]
        ends = [chain_problem(key.certificate, roots, at) for at in (begin, end)]
        good = len(roots) == 1 and ends == [None, None]
        return (begin, end) if good else _NEVER


def judge(candidates: Sequence[Candidate], by: Standards) -> None:
    """What each record says of itself, and whether its signature holds.

    Step by step for all of them: what a step needs then stays in the processor's caches, which
    halves its time.
    """
    for one in candidates:
        _read(one)
    read = [(one, one.held) for one in candidates if one.held is not None]
    for one, held in read:
        _judge_body(one, held, by)
    for one, held in read:
        _judge_signature(one, held, by)


def _read(one: Candidate) -> None:
    if len(one.text) > LONGEST_RECORD:
        words = Words("记录过长（上限 64 KiB）", "the record is longer than 64 KiB")
        one.refuse("MALFORMED", words)
        return
    try:
        one.held = Held.read(0, one.text.encode("utf-8", "replace"))
    except (MalformedJws, MalformedBody) as malformed:
        one.refuse("MALFORMED", malformed.words)


def _judge_signature(one: Candidate, held: Held, by: Standards) -> None:
    vouched = by.vouched(held.body)
    if by.signed_in_order(held) and (vouched or _signed(held, by.trust)):
        return
    question = Question(held.jws, held.body, by.trust, None, True, None, None, by.now)
    checks = policy.VOUCHED if vouched else policy.COLLECTABLE
    for check in policy.examine(question, checks).checks:
        if check.outcome is Outcome.FAIL and check.reason is not None:
            one.refuse(check.reason, check.detail)
        elif "CHECK_DIGIT_VARIANT" in check.detail.en:
            one.problems.append(Problem("CHECK_DIGIT_VARIANT", check.detail))


def _signed(held: Held, trust: TrustList) -> bool:
    return held.jws.signed_by(trust.keys[held.jws.kid].certificate.public_key)


def _judge_body(one: Candidate, held: Held, by: Standards) -> None:
    body = held.body
    if body.type_code not in by.known_types:
        one.refuse("UNKNOWN_TYPE", Words("证照类型代码不在目录中", "the licence type is not known"))
    if body.signed_at > by.now:
        one.refuse("SIGNED_IN_FUTURE", Words("签章时间在将来", "signedAt lies in the future"))
    unrelated = succession.problem(body) if body.previous is not None else None
    if unrelated is not None:
        one.refuse("PREVIOUS_UNRELATED", unrelated)
    for position, holder in enumerate(body.holders):
        if holder.code_type == "111" and not citizen.is_valid(holder.code):
            place = _place(position)
            words = Words(f"{place} 公民身份号码无效", f"{place} is not a valid identity number")
            one.refuse("HOLDER_NUMBER_INVALID", words)
        if holder.code_type == "001":
            _judge_uscc(one, uscc.check(holder.code), _place(position))


def _place(position: int) -> str:
    return f"$.holders[{position}].code"


def _judge_uscc(one: Candidate, state: uscc.State, place: str) -> None:
    if state is uscc.State.MALFORMED:
        words = Words(f"{place} 统一社会信用代码无效", f"{place} is not a social credit code")
        one.refuse("HOLDER_NUMBER_INVALID", words)
    elif state is uscc.State.CHECK_FAILS:  # a few early codes really fail: named, never guessed
        words = Words(f"{place} 校验位不符（警告）", f"{place} fails its check character (warning)")
        one.problems.append(Problem("USCC_CHECK_WARNING", words))
