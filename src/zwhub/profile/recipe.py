"""A recipe (生成配方): how many licences, of which sorts; and the part files they make. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from zwhub.profile.bodies import IssuingKey, sample_types
from zwhub.profile.holders import Row, Tables

FORMAT = "zwhub-recipe/2"
_FIRMS_PER_PERSON = 0.2
_BY_HAND = 20  # one part in so many comes without a batch signature
_SMALL_FILE, _FILES = (
    1_000,
    16,
)  # so many files at least, or there is nothing for the cores to share
_SEED_ROOM = 10**9  # serials of one seed: two recipes never give out the same


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is asked for. `mix` weighs the algorithms; `forged` is a share from 0 to 1.

    `keys` names each signing key's public half, so that a folder is not filled by two hubs.
    """

    count: int
    seed: int
    kind: str
    per_file: int
    mix: Mapping[str, float]
    forged: float
    today: date
    keys: Mapping[str, str]

    @property
    def persons(self) -> int:
        """About two licences for a holder; never so few that a role finds nobody."""
        return max(4_500, self.count * 42 // 100)

    @property
    def enterprises(self) -> int:
        return max(3_000, self.count * 8 // 100)

    def said(self) -> dict[str, Any]:
        """As written into `recipe.json`."""
        return {
            "format": FORMAT,
            "count": self.count,
            "seed": self.seed,
            "kind": self.kind,
            "perFile": self.per_file,
            "mix": dict(self.mix),
            "forged": self.forged,
            "today": self.today.isoformat(),
            "keys": dict(self.keys),
        }


@dataclass(frozen=True, slots=True)
class Stream:
    """Licences `first` to `last` (excluded) of the `whole` that an issuer issues of one type.

    `serial` is the serial of licence 0.
    """

    type: str
    first: int
    last: int
    whole: int
    serial: int


@dataclass(frozen=True, slots=True)
class Part:
    """One file: records of one issuer alone. `vouched`: a batch signature lies beside it."""

    number: int
    issuer: tuple[IssuingKey, ...]
    streams: tuple[Stream, ...]
    vouched: bool

    @property
    def records(self) -> int:
        return sum(stream.last - stream.first for stream in self.streams)

    def name(self, kind: str) -> str:
        return f"part-{self.number:06}.{kind}"


def parts(recipe: Recipe, tables: Tables) -> list[Part]:
    """Every part of a recipe, those of the largest issuers first."""
    algorithms = {row["kid"]: row["algorithm"] for row in tables["issuers"]}
    weights = _weights(tables)
    of_algorithm = apportioned(recipe.count, list(recipe.mix.values()))
    issuers = {issuer[0].issuer["code"]: issuer for issuer, _, _ in weights}
    shares: dict[str, list[tuple[str, int]]] = {}
    for algorithm, total in zip(recipe.mix, of_algorithm, strict=True):
        own = [one for one in weights if algorithms[one[0][-1].kid] == algorithm]
        amounts = apportioned(total, [weight for _, _, weight in own])
        for (issuer, key, _), amount in zip(own, amounts, strict=True):
            shares.setdefault(issuer[0].issuer["code"], []).append((key, amount))
    serials = _Serials(recipe.seed)
    most = min(recipe.per_file, max(_SMALL_FILE, recipe.count // _FILES))
    order = sorted(shares.items(), key=lambda one: -sum(amount for _, amount in one[1]))
    numbers, made = count(), []
    for code, amounts_of in order:
        whole = [Stream(key, 0, n, n, serials.take(key, n)) for key, n in amounts_of if n]
        for slices in _sliced(whole, most):
            number = next(numbers)
            made.append(Part(number, issuers[code], slices, vouched=number % _BY_HAND != 1))
    return made


def apportioned(total: int, weights: Sequence[float]) -> list[int]:
    """`total` by weights, the largest remainders rounded up; at least 1 each where that fits."""
    least = 1 if total >= 2 * len(weights) else 0
    rest, whole = total - least * len(weights), sum(weights)
    exact = [rest * weight / whole for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
    for index in by_remainder[: rest - sum(shares)]:
        shares[index] += 1
    return [share + least for share in shares]


class _Serials:
    """Serials of a type, over all its issuers: a number pattern may not name the issuer."""

    def __init__(self, seed: int) -> None:
        self._begin, self._next = (seed + 1) * _SEED_ROOM, dict[str, int]()

    def take(self, key: str, amount: int) -> int:
        first = self._next.get(key, self._begin)
        self._next[key] = first + amount
        return first


def _sliced(whole: Sequence[Stream], per_file: int) -> Iterator[tuple[Stream, ...]]:
    """Equal slices of each stream, as many as there must be files."""
    files = -(-sum(stream.whole for stream in whole) // per_file)
    for turn in range(files):
        cut = [
            Stream(
                s.type, s.whole * turn // files, s.whole * (turn + 1) // files, s.whole, s.serial
            )
            for s in whole
        ]
        yield tuple(stream for stream in cut if stream.first < stream.last)


def _weights(tables: Tables) -> list[tuple[tuple[IssuingKey, ...], str, float]]:
    """How often each issuer issues each type, as holders and trades of the sample have it."""
    districts = sum(row["level"] == "县" for row in tables["regions"])
    found = []
    for key, kind in sample_types(tables).items():
        near = [issuer for issuer in kind.trusted if issuer[0].issuer["level"] == "县"]
        for issuer in kind.trusted:
            part = 1 / districts if issuer in near else 1 - len(near) / districts
            found.append((issuer, key, part * sum(type_weights(tables, key))))
    return found


def type_weights(tables: Tables, key: str) -> tuple[float, float]:
    """How many licences of a type a person has, and how many stand beside for an enterprise."""
    rules = [row for row in tables["holdings"] if row["type"] == key]
    persons = sum(float(row["share"]) for row in rules if row["role"] != "enterprise")
    firms = sum(float(row["share"]) for row in rules if row["role"] == "enterprise")
    if not rules:
        trades: Sequence[Row] = tables["trades"]
        having = sum(int(row["weight"]) for row in trades if key in row["permits"].split("|"))
        firms = having / sum(int(row["weight"]) for row in trades)
    return persons, firms * _FIRMS_PER_PERSON
