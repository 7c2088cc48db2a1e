"""Solve (免提交方案求解): cover as many materials as possible, disclosing as little as possible.

Pure; no I/O. A disclosure is one item of one licence's face; the empty name stands for the
licence itself, so that of two equal ways the one with fewer licences wins.
"""

from collections.abc import Mapping, Sequence

Disclosure = tuple[int, str]  # licence id, name of the item on its face
Way = frozenset[Disclosure]


def least_disclosure(ways: Mapping[str, Sequence[Way]]) -> dict[str, Way]:
    """For each material that has a way, the way that makes the whole disclose the least.

    `ways` lists, by material, the ways in which licences can stand in for it (OR); each way is
    all it would disclose (AND). The union over all materials is smallest: first in disclosures,
    then in licences, then in a fixed order, so that the same question has the same answer.
    """
    chosen: dict[str, Way] = {}
    for group in _independent({name: _undominated(some) for name, some in ways.items() if some}):
        chosen |= _Search(group).best
    return chosen


def _undominated(ways: Sequence[Way]) -> list[Way]:
    """Without the ways that disclose all that another does, and more."""
    distinct = sorted(set(ways), key=_cost)
    return [way for way in distinct if not any(other < way for other in distinct)]


def _cost(union: Way) -> tuple[int, int, list[Disclosure]]:
    return len(union), len({licence for licence, _ in union}), sorted(union)


def _independent(ways: Mapping[str, list[Way]]) -> list[dict[str, list[Way]]]:
    """Groups of materials that have no disclosure in common: each can be solved alone."""
    groups: list[tuple[dict[str, list[Way]], set[Disclosure]]] = []
    for name in sorted(ways):
        group, touched = {name: ways[name]}, set().union(*ways[name])
        apart = []
        for other, theirs in groups:
            if touched & theirs:
                group, touched = group | other, touched | theirs
            else:
                apart.append((other, theirs))
        groups = [*apart, (group, touched)]
    return [group for group, _ in groups]


class _Search:
    """Branch and bound over one group: the material with the fewest ways first."""

    def __init__(self, ways: Mapping[str, list[Way]]) -> None:
        self._order = sorted(ways, key=lambda name: (len(ways[name]), name))
        self._ways = ways
        self._seen: set[tuple[int, Way]] = set()
        self._best_cost: tuple[int, int, list[Disclosure]] | None = None
        self.best: dict[str, Way] = {}
        self._descend(0, frozenset(), {})

    def _descend(self, depth: int, union: Way, chosen: dict[str, Way]) -> None:
        if (depth, union) in self._seen or self._is_worse(union):
            return
        self._seen.add((depth, union))
        if depth == len(self._order):
            self._best_cost, self.best = _cost(union), dict(chosen)
            return
        name = self._order[depth]
        for way in sorted(self._ways[name], key=lambda one: _cost(union | one)):
            self._descend(depth + 1, union | way, chosen | {name: way})

    def _is_worse(self, union: Way) -> bool:
        return self._best_cost is not None and _cost(union) >= self._best_cost
