"""The judge of stale answers (过时结论判定): what a licence was, and what may be said of it when.

One writer at a time changes a licence. A change counts from its acknowledgement on, and may count
from the moment it was sent; an answer may rest on any state between those two, and on no other.
All times are of one monotonic clock, in seconds.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import NamedTuple

VALID, SUSPENDED, REVOKED = "VALID", "SUSPENDED", "REVOKED"
GENUINE, NOT_GENUINE = "GENUINE", "NOT_GENUINE"
NOT_FOUND = "NOT_FOUND"

State = tuple[str, ...]  # the standing of each collected version, the first version first
ABSENT: State = ()


class Way(StrEnum):
    """How a reader names the licence."""

    NUMBER = "number"
    FIRST = "identifier of 001"
    SECOND = "identifier of 002"

    def found(self, state: State) -> int | None:
        """The version that a look-up leads to."""
        if self is Way.NUMBER:
            return len(state) or None
        version = 1 if self is Way.FIRST else 2
        return version if version <= len(state) else None


class Verdict(NamedTuple):
    """What a verification said: of which version, and why."""

    version: int | None
    verdict: str
    reason: str


class Look(NamedTuple):
    """What `licence(by:)` said: version, status, and the reason of its `verification`."""

    version: int | None
    status: str | None
    reason: str | None


@dataclass
class Change:
    """One change of one licence; `acked` is infinite while nobody was told that it happened."""

    state: State
    sent: float
    acked: float = inf


@dataclass
class Life:
    """Everything that was done to one licence, in order."""

    changes: list[Change] = field(default_factory=lambda: [Change(ABSENT, -inf, -inf)])

    @property
    def state(self) -> State:
        return self.changes[-1].state

    def change(self, state: State, sent: float) -> Change:
        """The next change; the one before it must have been acknowledged."""
        assert self.changes[-1].acked <= sent
        self.changes.append(Change(state, sent))
        return self.changes[-1]

    def window(self, started: float, ended: float) -> list[State]:
        """The states that somebody who asked then may have been told of, oldest first."""
        settled = max(n for n, one in enumerate(self.changes) if one.acked < started)
        return [one.state for one in self.changes[settled:] if one.sent < ended]


def reason_of(version: int, state: State) -> str:
    """The verdict's reason for a version that exists in that state."""
    standing = state[version - 1]
    if standing != VALID:
        return standing
    return "SUPERSEDED" if version < len(state) else "OK"


def may_be_said(window: list[State], way: Way) -> Iterator[Verdict]:
    """A record is found first and judged then: the second state may be later than the first."""
    for n, found_in in enumerate(window):
        version = way.found(found_in)
        if version is None:
            yield Verdict(None, NOT_GENUINE, NOT_FOUND)
            continue
        for judged_in in window[n:]:
            reason = reason_of(version, judged_in)
            yield Verdict(version, GENUINE if reason == "OK" else NOT_GENUINE, reason)


def may_be_shown(window: list[State], way: Way) -> Iterator[Look]:
    """Status and verification are read side by side, once the record was found."""
    for n, found_in in enumerate(window):
        version = way.found(found_in)
        if version is None:
            yield Look(None, None, None)
            continue
        for listed in window[n:]:
            for judged in window[n:]:
                yield Look(version, listed[version - 1], reason_of(version, judged))


@dataclass
class Judge:
    """Counts answers, and keeps the wrong ones."""

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    certain: int = 0  # answers of which one state alone was possible
    stale: list[str] = field(default_factory=list)  # GENUINE, and it must not be
    wrong: list[str] = field(default_factory=list)  # any other answer that was out of date

    @property
    def verifications(self) -> int:
        return self.verdicts.total()

    def verdict(self, life: Life, way: Way, said: Verdict, started: float, ended: float) -> None:
        window = life.window(started, ended)
        self.verdicts[said.verdict] += 1
        self.reasons[said.reason] += 1
        self.certain += len(window) == 1
        if said not in may_be_said(window, way):
            kind = self.stale if said.verdict == GENUINE else self.wrong
            kind.append(f"{way}: {tuple(said)} while {window}")

    def look(self, life: Life, way: Way, said: Look, started: float, ended: float) -> None:
        window = life.window(started, ended)
        self.looks += 1
        if said not in may_be_shown(window, way):
            kind = self.stale if said.reason == "OK" or said.status == VALID else self.wrong
            kind.append(f"licence by {way}: {tuple(said)} while {window}")
