"""Solve (免提交方案求解): against brute force, and within a second whatever is asked."""

from collections.abc import Mapping
from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import effort
from zwhub.profile.folder import read_rows, sample_folder
from zwhub.supermarket import solve
from zwhub.supermarket.solve import Way, least_disclosure

Ways = Mapping[str, list[Way]]


def a_way(needs: list[tuple[int, str]]) -> Way:
    """Items of licences' faces, with the mark of each licence itself."""
    return frozenset(needs) | {(licence, "") for licence, _ in needs}


NEEDS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from("abcd")), min_size=1, max_size=3)
WAYS = st.dictionaries(
    st.sampled_from([f"m{n}" for n in range(6)]),
    st.lists(NEEDS.map(a_way), max_size=4),
    max_size=6,
)


def cost(chosen: Mapping[str, Way]) -> int:
    return len(frozenset().union(*chosen.values()))


def brute_force(ways: Ways) -> int:
    offered = [some for some in ways.values() if some]
    return min(len(frozenset().union(*picked)) for picked in product(*offered))


@given(WAYS)
@settings(max_examples=300, deadline=None)
def test_nothing_discloses_less(ways: Ways) -> None:
    chosen = least_disclosure(ways)
    assert chosen.keys() == {name for name, some in ways.items() if some}
    assert all(way in ways[name] for name, way in chosen.items())
    assert cost(chosen) == brute_force(ways)


@given(WAYS, st.randoms())
@settings(deadline=None)
def test_the_order_of_asking_changes_nothing(ways: Ways, random: Random) -> None:
    names = random.sample(sorted(ways), len(ways))
    shuffled = {name: random.sample(ways[name], len(ways[name])) for name in names}
    assert least_disclosure(shuffled) == least_disclosure(ways)


@given(WAYS)
@settings(deadline=None)
def test_a_material_more_never_discloses_less(ways: Ways) -> None:
    chosen = least_disclosure(ways)
    for name in chosen:
        others = {other: some for other, some in ways.items() if other != name}
        assert cost(least_disclosure(others)) <= cost(chosen)


def test_one_licence_for_all_beats_one_for_each() -> None:
    shared = a_way([(1, "name"), (1, "number")])
    ways = {
        "a": [a_way([(2, "name")]), shared],
        "b": [a_way([(3, "name")]), shared],
        "c": [a_way([(4, "name")]), shared],
    }
    assert set(least_disclosure(ways).values()) == {shared}


def test_of_equal_items_the_fewer_licences_win() -> None:
    one, two = a_way([(2, "x"), (2, "y")]), a_way([(1, "x"), (3, "y")])
    assert least_disclosure({"a": [two, one]}) == {"a": one}


def test_nothing_asked_nothing_chosen() -> None:
    assert least_disclosure({}) == {}
    assert least_disclosure({"a": []}) == {}


def contrived(seed: int, materials: int) -> Ways:
    """Four alternatives each, of one or two types of the sample with one to three items."""
    random = Random(seed)
    faces = [row["surface"].split("|") for row in read_rows(sample_folder() / "licence_types.csv")]

    def one_way() -> Way:
        types = random.sample(range(len(faces)), random.choice([1, 1, 2]))
        return a_way(
            [
                (kind, item)
                for kind in types
                for item in random.sample(faces[kind], random.randint(1, min(3, len(faces[kind]))))
            ]
        )

    return {f"m{n}": [one_way() for _ in range(4)] for n in range(materials)}


@pytest.mark.parametrize("seed", range(3))
def test_sixty_materials_of_four_alternatives_within_a_second(seed: int) -> None:
    ways = contrived(seed, 60)
    with effort() as spent:
        chosen = least_disclosure(ways)
    assert spent < [1.0]
    assert all(way in ways[name] for name, way in chosen.items())
    assert len(chosen) == 60


def test_where_it_gives_up_it_has_something_and_the_same_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways = contrived(7, 12)
    best = cost(least_disclosure(ways))
    monkeypatch.setattr(solve, "MOST_LOOKS", 0)
    hasty = least_disclosure(ways)
    assert hasty.keys() == ways.keys()
    assert all(way in ways[name] for name, way in hasty.items())
    assert cost(hasty) >= best
    assert least_disclosure({name: ways[name] for name in sorted(ways, reverse=True)}) == hasty
