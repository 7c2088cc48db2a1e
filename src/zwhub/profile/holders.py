"""The sample's holders (示例持证主体): people in households, enterprises in trades; all invented.

Nobody is remembered: holder `i` follows from the seed and `i` alone, and its number is unique by
construction, so that a population of any size needs little memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

from zwhub.kernel.identifiers import citizen, uscc

Row = Mapping[str, str]
Tables = Mapping[str, Sequence[Row]]

# Primes that share no factor with what they are reduced by: a walk that visits every value once.
_DAY_STEP, _BODY_STEP = 7919, 48271
_PARENT_DAYS = 18_250  # parents are born within fifty years of 365 days
_HUSBAND, _WIFE, _KIN = range(3)
_SEQUENCES = 166  # a third of the 500 sequence numbers each sex has on one day in one region
_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: without I O S V Z
_BODIES = len(_LETTERS) ** 6


@dataclass(frozen=True, slots=True)
class Holder:
    """One person (111 公民身份号码) or enterprise (001 统一社会信用代码).

    `since` is the day of birth or founding; `roles` are those of `holdings.csv`; `facts` fill the
    fields in braces of `attributes.csv`; `partner` is the other half of a couple.
    """

    name: str
    code: str
    code_type: str
    region: str
    since: date
    roles: frozenset[str]
    facts: Mapping[str, str]
    permits: tuple[str, ...] = ()
    partner: "Holder | None" = None

    def age_on(self, day: date) -> int:
        return (
            day.year - self.since.year - ((day.month, day.day) < (self.since.month, self.since.day))
        )


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    sex: str
    born: date
    code: str


class Holders:
    """All holders of the sample city, by index."""

    def __init__(self, tables: Tables, sample: Mapping[str, Any], today: date) -> None:
        self._sample, self._today, self._seed = sample, today, sample["seed"]
        self._words = {row["list"]: row["values"].split("|") for row in tables["names"]}
        self._city = next(row["name"] for row in tables["regions"] if row["level"] == "市")
        self._districts = [row for row in tables["regions"] if row["level"] == "县"]
        self._trades = tables["trades"]
        self._weights = [int(row["weight"]) for row in self._trades]
        self._personas = {row["key"]: row for row in tables["personas"]}
        self._household = lru_cache(maxsize=4096)(self._make_household)
        self._apart = lru_cache(maxsize=4096)(self._distances)
        self._citizen_born = _birthday(self._personas["citizen"]["number"])

    def person(self, index: int) -> Holder:
        """Person `index`: of each household of three the husband, the wife, a child or father.

        The sandbox's citizen takes the place of the wife of the first household.
        """
        household, place = divmod(index, 3)
        return self._household(household)[place]

    def _make_household(self, household: int) -> list[Holder]:
        region = self._districts[household % len(self._districts)]
        rng = self._drawn(household)
        family = self._family(household, region["code"], rng)
        marital = rng.choices(("已婚", "离婚", "未婚"), self._marital_weights())[0]
        if household == 0:
            family[_WIFE] = _renamed(family[_WIFE], self._personas["citizen"])
            marital = "已婚"
        facts = {
            "address": self._address(region, rng),
            "region_name": region["name"],
            "nation": rng.choice(self._words["nation"]),
            "head": family[_HUSBAND].name,
            "husband": family[_HUSBAND].name,
            "husband_code": family[_HUSBAND].code,
            "wife": family[_WIFE].name,
            "wife_code": family[_WIFE].code,
        }
        return [
            _member(family, place, marital, region["code"], facts)
            for place in (_HUSBAND, _WIFE, _KIN)
        ]

    def enterprise(self, index: int) -> Holder:
        """Enterprise `index`; the first one is the sandbox's."""
        rng = self._founded(index)
        region = self._districts[index % len(self._districts)]
        trade = self._trade(index, rng)
        suffix = rng.choice(trade["suffixes"].split("|"))
        name = f"{self._city}{region['name'][:-1]}{rng.choice(self._words['brand'])}{suffix}"
        code = _uscc(trade["prefix"] + region["code"], self._seed + index)
        if index == 0:
            name, code = (
                self._personas["enterprise"]["name"],
                self._personas["enterprise"]["number"],
            )
        return Holder(
            name=name,
            code=code,
            code_type="001",
            region=region["code"],
            since=self._today - timedelta(days=rng.randrange(400, 6000) if index else 5000),
            roles=frozenset({"enterprise"}),
            facts={
                "address": self._address(region, rng),
                "region_name": region["name"],
                "representative": self._representative(rng),
                "company_type": trade["company_type"],
                "scope": trade["scope"],
            },
            permits=tuple(trade["permits"].split("|")),
        )

    def permits(self, index: int) -> tuple[str, ...]:
        """`enterprise(index).permits`, without making the rest of it."""
        return tuple(self._trade(index, self._founded(index))["permits"].split("|"))

    def _founded(self, index: int) -> Random:
        return Random(f"{self._seed} enterprise {index}")  # noqa: S311 - a sample, not a secret

    def _trade(self, index: int, rng: Random) -> Row:
        return rng.choices(self._trades, self._weights)[0] if index else self._trades[0]

    def _representative(self, rng: Random) -> str:
        """The name of some husband or wife; the rest of the household is not made for it."""
        household = rng.randrange(max(1, self._sample["persons"] // 3))
        wife = rng.randrange(2) == _WIFE
        if household == 0 and wife:
            return self._personas["citizen"]["name"]
        return self._spouses(self._drawn(household))[wife][0]

    def _marital_weights(self) -> tuple[float, float, float]:
        married, divorced = self._sample["married_share"], self._sample["divorced_share"]
        return married, divorced, 1 - married - divorced

    def _family(self, household: int, region: str, rng: Random) -> list[_Person]:
        """Husband, wife, and their child or, where that child is not yet born, his father.

        The husband's birthday walks through all days before any repeats. The distances to the
        others depend only on what the numbers of two households could share besides the
        birthday, so they too never coincide; each third of the sequence numbers serves one kin.
        """
        turn = household % _SEQUENCES
        to_her, to_child, sex, to_father = self._apart(turn, region)
        newest: date = self._sample["parents_born_until"]
        first = (newest - self._citizen_born).days + 500  # a husband of the citizen's age
        his = newest - timedelta(days=(first + household * _DAY_STEP) % _PARENT_DAYS)
        hers = his + timedelta(days=to_her)
        third = hers + timedelta(days=to_child)
        kin = _SEQUENCES
        if third > self._today - timedelta(days=60):
            third = his - timedelta(days=to_father)
            kin, sex = 2 * _SEQUENCES, "男"
        (husband, surname), (wife, _) = self._spouses(rng)
        return [
            _born(husband, "男", his, region, turn),
            _born(wife, "女", hers, region, turn),
            _born(self._name(surname, sex, rng), sex, third, region, kin + turn),
        ]

    def _distances(self, turn: int, region: str) -> tuple[int, int, str, int]:
        apart = Random(f"{self._seed} apart {turn} {region}")  # noqa: S311 - a sample
        to_her, to_child = apart.randrange(-900, 1500), apart.randrange(8400, 12000)
        return to_her, to_child, apart.choice("男女"), apart.randrange(8400, 11000)

    def _drawn(self, household: int) -> Random:
        return Random(f"{self._seed} household {household}")  # noqa: S311 - a sample, not a secret

    def _spouses(self, rng: Random) -> tuple[tuple[str, str], tuple[str, str]]:
        """Husband and wife: the whole name and the surname of each."""
        his, hers = rng.choice(self._words["surname"]), rng.choice(self._words["surname"])
        return (self._name(his, "男", rng), his), (self._name(hers, "女", rng), hers)

    def _name(self, surname: str, sex: str, rng: Random) -> str:
        return surname + rng.choice(self._words["given_male" if sex == "男" else "given_female"])

    def _address(self, region: Row, rng: Random) -> str:
        street, house = rng.choice(self._words["street"]), rng.randrange(1, 400)
        floor, room = rng.randrange(1, 28), rng.randrange(1, 7)
        return f"{self._city}{region['name']}{street}{house}号{floor}{room:02}室"


def _born(name: str, sex: str, day: date, region: str, turn: int) -> _Person:
    sequence = 2 * turn + (sex == "男")  # GB 11643: odd for men, even for women
    head = f"{region}{day:%Y%m%d}{sequence:03}"
    return _Person(name, sex, day, head + citizen.check_character(head))


def _member(
    family: list[_Person], place: int, marital: str, region: str, facts: Mapping[str, str]
) -> Holder:
    me, child = family[place], family[_KIN].born > family[_WIFE].born
    couple = {"已婚": "married", "离婚": "divorced"}.get(marital) if place != _KIN else None
    roles, partner = {"any"}, None
    if couple is not None:
        partner = _member(family, 1 - place, "", region, facts)
    if couple is not None and place == _WIFE:  # one draft stands for both
        roles.add(couple)
    if child and place == _KIN:
        roles.add("child")
    mine = {
        "sex": me.sex,
        "relation": ("户主", "配偶" if couple == "married" else "其他", _relation(family))[place],
        "marital": (marital, marital, "未婚" if child else "丧偶")[place],
        "relative": family[_WIFE if place == _HUSBAND else _HUSBAND].name,
    }
    return Holder(
        name=me.name,
        code=me.code,
        code_type="111",
        region=region,
        since=me.born,
        roles=frozenset(roles),
        facts={**facts, **mine},
        partner=partner,
    )


def _relation(family: list[_Person]) -> str:
    kin = family[_KIN]
    if kin.born < family[_WIFE].born:
        return "父亲"
    return "子" if kin.sex == "男" else "女"


def _renamed(person: _Person, persona: Row) -> _Person:
    number = persona["number"]
    return replace(person, name=persona["name"], born=_birthday(number), code=number)


def _birthday(number: str) -> date:
    return date.fromisoformat(number[6:14])  # GB 11643: positions 7 to 14


def _uscc(prefix: str, index: int) -> str:
    """A unified social credit code whose organisation code is the `index`-th of its kind."""
    rest, body = index * _BODY_STEP % _BODIES, "MA"
    for _ in range(6):
        rest, digit = divmod(rest, len(_LETTERS))
        body += _LETTERS[digit]
    head = prefix + body + uscc.organisation_check_character(body)
    return head + uscc.check_character(head)
