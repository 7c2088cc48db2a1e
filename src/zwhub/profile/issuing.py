"""Issuing a sample licence (签发示例证照): its days, its versions, what becomes of it. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from zwhub.kernel.clock import BEIJING
from zwhub.profile.bodies import (
    IssuingKey,
    SampleLicence,
    SampleType,
    Version,
    identifier,
    key_on,
    payload,
    sample_types,
    years_later,
)
from zwhub.profile.holders import Holder, Row, Tables

_DAY = timedelta(days=1)
_LOOK_BACK = 15  # years within which a licence without term was issued


class Flaw(StrEnum):
    """What is done to a record when it is signed, so that the hub has something to find."""

    NONE = "NONE"
    ALTERED_PAYLOAD = "ALTERED_PAYLOAD"
    WRONG_KEY = "WRONG_KEY"
    UNTRUSTED_ISSUER = "UNTRUSTED_ISSUER"


class State(StrEnum):
    """The states of `profile.toml` [sample.states]; `VALID` is what remains."""

    VALID = "valid"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    REVOKED_AS_PENALTY = "revoked_as_penalty"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    SUPERSEDED = "superseded"
    UNTRUSTED_ISSUER = "untrusted_issuer"
    ALTERED_PAYLOAD = "altered_payload"
    WRONG_KEY = "wrong_key"


_WITH_TERM = frozenset({State.EXPIRED, State.NOT_YET_VALID})
_FLAWS = {
    State.UNTRUSTED_ISSUER: Flaw.UNTRUSTED_ISSUER,
    State.ALTERED_PAYLOAD: Flaw.ALTERED_PAYLOAD,
    State.WRONG_KEY: Flaw.WRONG_KEY,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """One record to be signed with the key `kid`.

    `payload` is the body (format "zwhub-licence/1") in the order of its members; `flaw` is what
    the signer must get wrong. `status` is the code the registry holds for it (01 有效, 02 暂扣,
    03 撤销, 04 注销, 07 吊销) since `status_since`.
    """

    payload: dict[str, Any]
    kid: str
    flaw: Flaw
    status: str
    status_since: date
    status_reason: str


def fits(rule: Row, holder: Holder, today: date) -> bool:
    """Whether a holder is of the role and age of a row of `holdings.csv`."""
    if rule["role"] not in holder.roles:
        return False
    firm = rule["role"] == "enterprise"
    return firm or int(rule["min_age"]) <= holder.age_on(today) <= int(rule["max_age"])


class Maker:
    """Makes licences for given holders: what `rng` draws is all that differs from one to another.

    Which serial a licence has, and so that no two are alike, is the caller's to say.
    """

    def __init__(self, tables: Tables, sample: Mapping[str, Any], today: date, rng: Random) -> None:
        self._sample, self._today, self._rng = sample, today, rng
        self._types = sample_types(tables)
        self._rules_of = {
            key: [rule for rule in tables["holdings"] if rule["type"] == key] for key in self._types
        }
        self._states = {State(name): row for name, row in sample["states"].items()}

    def state(self, key: str) -> State:
        """Draw a state for a licence of that type."""
        draw = self._rng.random()
        for state, row in self._states.items():
            draw -= row["share"]
            if draw < 0:
                spared = row["status"] != "01" and key in self._sample["never_withdrawn"]
                return State.VALID if spared else state
        return State.VALID

    def issue(
        self,
        holder: Holder,
        key: str,
        state: State,
        serial: int,
        issuer: tuple[IssuingKey, ...] | None = None,
    ) -> Iterator[Draft]:
        """The records of one licence: two when a second version supersedes the first.

        A state that the type cannot have (no term to expire, no untrusted signer) falls to valid.
        Without an `issuer`, the holder's own district's or a city's.
        """
        kind = self._types[key]
        untrusted = state is State.UNTRUSTED_ISSUER and kind.untrusted
        keys = self._rng.choice(kind.untrusted) if untrusted else issuer
        keys = keys or self._issuer(kind, holder)
        low, high = self._issuing_days(holder, key, kind, state, keys)
        if state in _WITH_TERM and (kind.years is None or low > high):
            state = State.VALID
            low, high = self._issuing_days(holder, key, kind, state, keys)
        if state is State.UNTRUSTED_ISSUER and not untrusted:
            state = State.VALID
        issued = self._between(low, high)
        one = self._licence(holder, kind, keys, issued, serial)
        version = self._first(one, issued, state)
        yield self._draft(one, version, state)
        if state is State.SUPERSEDED:
            yield self._draft(one, self._second(one, version), State.VALID)

    def _issuer(self, kind: SampleType, holder: Holder) -> tuple[IssuingKey, ...]:
        """The keys of the district's own issuer where there is one, else of a city's."""
        near = [keys for keys in kind.trusted if keys[0].issuer["region"] == holder.region]
        city = [keys for keys in kind.trusted if keys[0].issuer["level"] == "市"]
        return self._rng.choice(near or city)

    def _issuing_days(
        self, holder: Holder, key: str, kind: SampleType, state: State, keys: tuple[IssuingKey, ...]
    ) -> tuple[date, date]:
        """The days on which a licence in this state can have been issued."""
        rule = next((r for r in self._rules_of[key] if r["role"] in holder.roles), None)
        latest = min(self._today - _DAY, keys[-1].last)
        earliest = years_later(holder.since, int(rule["min_age"]) if rule else 0)
        if state is State.EXPIRED:
            ended = years_later(latest, -(kind.years or 0))
            return max(earliest, ended - 800 * _DAY), ended
        if rule and rule["issued"] == "start" and kind.years is None:
            return min(earliest + 3 * _DAY, latest), min(earliest + 30 * _DAY, latest)
        if state is State.NOT_YET_VALID:
            earliest = max(earliest, latest - 60 * _DAY)
        if state is State.SUPERSEDED:
            latest = max(earliest, latest - 200 * _DAY)
        earliest = max(earliest, years_later(self._today, -(kind.years or _LOOK_BACK)) + 30 * _DAY)
        return min(earliest, latest), latest

    def _licence(
        self,
        holder: Holder,
        kind: SampleType,
        keys: tuple[IssuingKey, ...],
        issued: date,
        serial: int,
    ) -> SampleLicence:
        number = kind.row["number_pattern"].format(
            region=holder.region, year=issued.year, date=f"{issued:%Y%m%d}", serial=serial
        )
        chance = self._rng.randrange(10**6)
        shared = kind.row["multi_holder"] == "yes" and holder.partner is not None
        holders = (holder, holder.partner) if shared and holder.partner else (holder,)
        facts = {
            "name": holder.name,
            "code": holder.code,
            "holders": "、".join(one.name for one in holders),
            "ownership": "共同共有" if shared else "单独所有",
            "issuer": keys[0].issuer["name"],
            "number": number,
            "since": holder.since.isoformat(),
            "first_issued": issued.isoformat(),
            "serial": serial,
            "digits": chance,
            "small": 1 + chance % 9,
            "medium": 10 + chance // 9 % 290,
        }
        surface = {
            name: self._rng.choice(samples) if len(samples) > 1 else samples[0]
            for name, samples in kind.surface
        }
        facts = {**holder.facts, **facts}
        return SampleLicence(kind, holders, keys, serial, issued.year, number, surface, facts)

    def _first(self, one: SampleLicence, issued: date, state: State) -> Version:
        start, years = issued, one.type.years
        if state is State.NOT_YET_VALID:
            start = self._today + self._rng.randrange(10, 120) * _DAY
        until = None if years is None else years_later(start, years) - _DAY
        return Version(issued, start, until, self._signing_day(one, issued))

    def _second(self, one: SampleLicence, first: Version) -> Version:
        """A renewal starts a new term, a change keeps the old one."""
        latest = min(self._today - _DAY, one.keys[-1].last)
        issued = self._between(min(first.signed + _DAY, latest), latest)
        renewed = one.type.years is not None and self._rng.random() < 0.5  # noqa: PLR2004 - a coin
        until = years_later(issued, one.type.years or 0) - _DAY if renewed else first.until
        operation = "延续" if renewed else "变更"
        before = identifier(one, first)
        return Version(issued, issued, until, issued, 2, operation, before)

    def _signing_day(self, one: SampleLicence, issued: date) -> date:
        """The day of issue; older licences were signed when the issuer went digital."""
        first = one.keys[0].first
        if issued >= first:
            return issued
        latest = min(self._today - _DAY, one.keys[-1].last)
        return min(first + self._rng.randrange(600) * _DAY, latest)

    def _draft(self, one: SampleLicence, version: Version, state: State) -> Draft:
        row = self._states.get(state, {"status": "01", "reasons": []})
        key = key_on(one.keys, version.signed)
        since = version.signed
        if row["status"] != "01":
            since = self._between(version.signed, self._today - _DAY)
        reason = self._rng.choice(row["reasons"]) if row["reasons"] else ""
        second = timedelta(seconds=self._rng.randrange(8 * 3600))  # in office hours
        signed_at = datetime.combine(version.signed, time(9), BEIJING) + second
        flaw = _FLAWS.get(state, Flaw.NONE)
        signed = payload(one, version, signed_at)
        return Draft(signed, key.kid, flaw, row["status"], since, reason)

    def _between(self, low: date, high: date) -> date:
        return low + self._rng.randrange((high - low).days + 1) * _DAY if low <= high else high
