"""The node bound (节点上限): how many objects an operation may make the hub gather.

A field whose value is an object, or a list of them, counts once for every object it is asked of:
once, times the sizes of all lists around it (`walk.py`). A batch counts as 1, for its verb bounds
it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    get_named_type,
    is_composite_type,
    is_introspection_type,
)

from zwhub.gateway.walk import Page, Roots


@dataclass(frozen=True, slots=True)
class Bound:
    """The nodes of one operation: for each root field, how many stand in which pages."""

    roots: tuple[tuple[FieldNode, tuple[tuple[int, tuple[Page, ...]], ...]], ...]

    def beyond(self, most: int, variables: Mapping[str, Any]) -> tuple[int, FieldNode] | None:
        """The nodes asked for and the root field with which they pass `most`; None if within."""
        found = 0
        for node, terms in self.roots:
            for times, pages in terms:
                for page in pages:
                    times *= page.of(variables)
                found += times
            if found > most:
                return found, node
        return None


def bound_of(roots: Roots) -> Bound:
    """The bound of a *valid* operation that was walked."""
    return Bound(tuple((node, _terms(seen)) for node, _, seen in roots))


def _terms(seen: Any) -> tuple[tuple[int, tuple[Page, ...]], ...]:
    terms: Counter[tuple[Page, ...]] = Counter()
    for of, around in seen:
        kind = get_named_type(of.type)
        if is_composite_type(kind) and not is_introspection_type(kind):
            pages = tuple(size for size in around.unknown if isinstance(size, Page))
            terms[pages] += around.times
    return tuple((times, pages) for pages, times in terms.items())
