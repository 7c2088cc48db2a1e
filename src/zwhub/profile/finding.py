"""Whose licence it is (找持证主体): the holder of licence k of a stream, from k alone. Pure."""

from collections.abc import Iterator
from random import Random
from typing import Any

from zwhub.profile.holders import Holder, Holders, Row, Tables
from zwhub.profile.issuing import fits
from zwhub.profile.recipe import Recipe, Stream, type_weights

_TRIES = 5_000


class Finder:
    """Finds holders for licences, apart from those of the sandbox itself.

    Of the `whole` licences of a stream, each looks in a stretch of its own among all people or
    enterprises; so nobody is given two of a kind as long as the stretches suffice.
    """

    def __init__(self, recipe: Recipe, tables: Tables, sample: dict[str, Any], rng: Random) -> None:
        self._rng, self._today = rng, recipe.today
        self._sizes: dict[bool, int] = {False: recipe.persons, True: recipe.enterprises}
        self._holders = Holders(tables, {**sample, "persons": recipe.persons}, recipe.today)
        regions = [row["code"] for row in tables["regions"] if row["level"] == "县"]
        self._places, self._turn = {code: i for i, code in enumerate(regions)}, len(regions)
        # The sandbox's own people come first; a whole turn through the districts keeps the order.
        self._begin: dict[bool, int] = {
            False: -(-sample["persons"] // (3 * self._turn)) * self._turn,
            True: -(-sample["enterprises"] // self._turn) * self._turn,
        }
        self._rules: dict[str, list[tuple[Row | None, float]]] = {}
        self._tables = tables

    def find(self, stream: Stream, k: int, region: str | None) -> Holder:
        """The holder of licence `k`; one of `region`, a district, where that is given."""
        rule = self._rule(stream.type)
        firm = rule is None or rule["role"] == "enterprise"
        for index in self._stretch(stream, k, firm, region):
            if rule is None and stream.type not in self._holders.permits(index):
                continue
            holder = self._holders.enterprise(index) if firm else self._holders.person(index)
            if rule is None or fits(rule, holder, self._today):
                return holder
        raise ValueError(f"nobody in the sample city can hold {stream.type}")

    def _rule(self, key: str) -> Row | None:
        """A row of `holdings.csv`, drawn by weight; None for what a trade needs a permit for."""
        if key not in self._rules:
            rules = [row for row in self._tables["holdings"] if row["type"] == key]
            of = dict(zip((False, True), type_weights(self._tables, key), strict=True))
            self._rules[key] = [(rule, of[rule["role"] == "enterprise"]) for rule in rules]
        options = self._rules[key]
        if len(options) <= 1:
            return options[0][0] if options else None
        rows, weights = zip(*options, strict=True)
        chosen: Row | None = self._rng.choices(rows, weights)[0]
        return chosen

    def _stretch(self, stream: Stream, k: int, firm: bool, region: str | None) -> Iterator[int]:
        size = self._sizes[firm] if region is None else self._sizes[firm] // self._turn
        start = k * size // stream.whole
        for place in range(start, start + _TRIES):
            yield self._index(place % size, firm, region)

    def _index(self, place: int, firm: bool, region: str | None) -> int:
        if region is None:
            return place + self._begin[firm] * (1 if firm else 3)
        group, member = (place, 0) if firm else divmod(place, 3)
        index = self._begin[firm] + group * self._turn + self._places[region]
        return index if firm else 3 * index + member
