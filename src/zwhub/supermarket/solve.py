"""Solve (免提交方案求解): cover as many materials as possible, disclosing as little as possible.

Pure; no I/O. A disclosure is one item of one licence's face; the empty name stands for the
licence itself, so that of two equal ways the one with fewer licences wins.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil

Disclosure = tuple[int, str]  # licence id, name of the item on its face
Way = frozenset[Disclosure]

# To find the smallest union is NP-hard. Real bundles take a few hundred looks at a material; a
# contrived one gets the best answer of this many, a fraction of a second. Looks are counted, not
# time, so that the answer is always the same.
MOST_LOOKS = 20_000


def least_disclosure(ways: Mapping[str, Sequence[Way]]) -> dict[str, Way]:
    """For each material that has a way, the way that makes the whole disclose the least.

    `ways` lists, by material, the ways in which licences can stand in for it (OR); each way is
    all it would disclose (AND). The union over all materials is smallest; of equal ones, and
    where the search gave up after `MOST_LOOKS`, the same question has the same answer.
    """
    chosen: dict[str, Way] = {}
    looks = MOST_LOOKS
    for group in _independent({name: _undominated(some) for name, some in ways.items() if some}):
        search = _Search(group, looks)
        looks = search.looks
        chosen |= {
            name: next(way for way in some if way <= search.union) for name, some in group.items()
        }
    return chosen


def _undominated(ways: Sequence[Way]) -> list[Way]:
    """In a fixed order, without the ways that disclose all that another does, and more."""
    distinct = sorted(set(ways), key=_order)
    return [way for way in distinct if not any(other < way for other in distinct)]


def _order(way: Way) -> tuple[int, list[Disclosure]]:
    return len(way), sorted(way)


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
    return sorted((group for group, _ in groups), key=len)


class _Search:
    """Branch and bound over one group, the material with the fewest ways first.

    The bound: a disclosure that n materials could share costs each of them at least 1/n, so what
    the materials still open add is at least the sum of each one's cheapest share.
    """

    def __init__(self, ways: Mapping[str, list[Way]], looks: int) -> None:
        sharing = Counter(one for some in ways.values() for one in frozenset().union(*some))
        self._share = {one: 1 / count for one, count in sharing.items()}
        self._ways = [ways[name] for name in sorted(ways)]
        self._seen: set[Way] = set()
        self.looks = looks
        self._found: Way | None = None
        self._descend(frozenset())

    @property
    def union(self) -> Way:
        return self._found or frozenset()

    def _descend(self, union: Way) -> None:
        if union in self._seen or (self._found is not None and self.looks <= 0):
            return
        self._seen.add(union)
        self.looks -= len(self._ways)
        still_open = self._open(union)
        if self._found is not None and self._least(union, still_open) >= len(self._found):
            return
        if not still_open:
            self._found = union
            return
        for more in min(still_open, key=len):
            self._descend(union | more)

    def _open(self, union: Way) -> list[list[Way]]:
        """What each way would add, for the materials that the union does not cover yet."""
        added = [[way - union for way in some] for some in self._ways]
        return [_undominated(some) for some in added if all(some)]

    def _least(self, union: Way, still_open: list[list[Way]]) -> int:
        """No way on from here discloses less than this."""
        shares = (min(sum(self._share[d] for d in way) for way in some) for some in still_open)
        return len(union) + ceil(sum(shares) - 1e-9)
