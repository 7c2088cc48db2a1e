"""Pieces (分段): what a file holds, some of it at a time, so that memory does not depend on it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from zwhub.licences.deliveries.rows import Place, Row, Unreadable

MOST_ROWS = 5_000  # of a piece
MOST_CHARACTERS = 16 * 1024 * 1024  # of its records, so that long ones need no more memory

Item = TypeVar("Item")
Piece = tuple[Iterable[Row], Place]  # some rows in their order, and the place behind them


def bounded(items: Iterable[tuple[Item, int, int]]) -> Iterator[tuple[list[Item], int]]:
    """Some items at a time, and the place behind them; each comes with its weight and its end."""
    some: list[Item] = []
    weight = done = 0
    try:
        for item, characters, done in items:
            some.append(item)
            weight += characters
            if len(some) >= MOST_ROWS or weight >= MOST_CHARACTERS:
                yield some, done
                some, weight = [], 0
    except Unreadable:
        if some:  # what lies before the damage is sound
            yield some, done
        raise
    if some:
        yield some, done


def of_rows(rows: Iterable[tuple[Row, int]], hint: Callable[[], str] = str) -> Iterator[Piece]:
    """Rows, each with the place behind it, in pieces; `hint` is asked behind each of them."""
    for some, done in bounded((row, len(row.record or ""), end) for row, end in rows):
        yield some, Place(done, some[-1].number, hint())
