"""The sample's licences (示例证照): what each holder holds, as bodies ready to be signed. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from heapq import merge
from itertools import chain, islice
from random import Random
from typing import Any

from zwhub.profile.holders import Holder, Holders, Tables
from zwhub.profile.issuing import Draft, Flaw, Maker, State, fits

__all__ = ["Draft", "Flaw", "State", "drafts"]


def drafts(tables: Tables, sample: Mapping[str, Any], today: date) -> Iterator[Draft]:
    """The sample city's records: `sample["licences"]` of them, always the same for one day.

    `tables` holds a profile's CSV rows by file name without ending (and the trust list as
    "issuers"); `sample` is [sample] of `profile.toml`. The sandbox's own licences come first.
    Raises ValueError where an issuer has no certificate for the day of a signature.
    """
    return islice(_City(tables, sample, today).drafts(), sample["licences"])


class _City:
    def __init__(self, tables: Tables, sample: Mapping[str, Any], today: date) -> None:
        self._sample, self._today = sample, today
        self._rng = Random(f"{sample['seed']} licences")  # noqa: S311 - a sample, not a secret
        self._holders = Holders(tables, sample, today)
        self._maker = Maker(tables, sample, today, self._rng)
        self._rules, self._demo = tables["holdings"], tables["demo_licences"]
        self._serials: Counter[str] = Counter()

    def drafts(self) -> Iterator[Draft]:
        for row in self._demo:
            citizen = row["persona"] == "citizen"
            holder = self._holders.person(1) if citizen else self._holders.enterprise(0)
            yield from self._issue(holder, row["type"], State(row["state"]))
        for holder, key in chain(self._held(), self._more()):
            yield from self._issue(holder, key, self._maker.state(key))

    def _issue(self, holder: Holder, key: str, state: State) -> Iterator[Draft]:
        self._serials[key] += 1
        return self._maker.issue(holder, key, state, self._serials[key])

    def _held(self) -> Iterator[tuple[Holder, str]]:
        """What each holder holds; enterprises stand evenly among the people."""
        for holder in self._everyone():
            for rule in self._rules:
                if fits(rule, holder, self._today) and self._rng.random() < float(rule["share"]):
                    yield holder, rule["type"]
            for key in holder.permits:
                if self._rng.random() < self._sample["permit_share"]:
                    yield holder, key

    def _everyone(self) -> Iterator[Holder]:
        people, firms = self._sample["persons"], self._sample["enterprises"]
        order = merge(
            ((i / people, 0, i) for i in range(people) if i != 1),
            ((i / firms, 1, i) for i in range(1, firms)),
        )
        for _, firm, index in order:
            yield self._holders.enterprise(index) if firm else self._holders.person(index)

    def _more(self) -> Iterator[tuple[Holder, str]]:
        """Without end: further licences of the types of which one can hold several."""
        rules = [rule for rule in self._rules if rule["repeatable"] == "yes"]
        while rules:
            rule = self._rng.choice(rules)
            firm = rule["role"] == "enterprise"
            among = self._sample["enterprises" if firm else "persons"]
            index = self._rng.randrange(2, max(among, 3))
            holder = self._holders.enterprise(index) if firm else self._holders.person(index)
            if fits(rule, holder, self._today):
                yield holder, rule["type"]
