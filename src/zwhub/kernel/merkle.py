"""Merkle trees (默克尔树) over SHA-256 as RFC 6962 §2.1 hashes them, growing at the right edge.

A node stands at a place (level, position): the root of the perfect subtree over the leaves
[position·2^level, (position + 1)·2^level). Only complete subtrees have a place, so a stored node never
changes again: n leaves leave fewer than 2n nodes behind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

HASH = 32  # bytes of every hash
EMPTY_ROOT = sha256().digest()  # RFC 6962 §2.1: the hash of an empty list
_SIZE = 8  # bytes of the number of leaves in a stored frontier


class Place(NamedTuple):
    """Where a complete subtree stands."""

    level: int
    position: int


class Node(NamedTuple):
    """A complete subtree (节点): its place and its root, 32 bytes."""

    level: int
    position: int
    hash: bytes


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf. RFC 6962 §2.1: the 0x00 keeps an entry from passing for a node."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node over two hashes of 32 bytes."""
    return sha256(b"\x01" + left + right).digest()


def root_of(peaks: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that shrink from left to right; of none, `EMPTY_ROOT`."""
    if not peaks:
        return EMPTY_ROOT
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root


def places(start: int, end: int) -> tuple[Place, ...]:
    """The complete subtrees over the leaves [start, end), from the left, largest first.

    `start` must be a multiple of the largest one's size, as it is for each subtree of a tree.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append(Place(level, start >> level))
        start += 1 << level
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree (前沿): all that further growth needs, at most 64 hashes.

    `peaks` are the complete subtrees `places(0, size)` names, one for each bit set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.peaks) != self.size.bit_count():
            raise ValueError("a frontier has one peak for each bit set in its size")
        if any(len(peak) != HASH for peak in self.peaks):
            raise ValueError("a peak has 32 bytes")

    def root(self) -> bytes:
        """The root of the tree, 32 bytes."""
        return root_of(self.peaks)

    def grown(self, leaves: Iterable[bytes]) -> tuple["Frontier", list[Node]]:
        """The frontier after more leaf hashes, and each node they completed, level by level.

        The leaves themselves are among the nodes, at level 0.
        """
        row = list(leaves)
        if any(len(leaf) != HASH for leaf in row):
            raise ValueError("a leaf hash has 32 bytes")
        size = self.size + len(row)
        waiting = list(self.peaks)  # the last one stands lowest
        nodes: list[Node] = []
        peaks: list[bytes] = []
        level, start = 0, self.size
        while row or start:
            nodes += [Node(level, at, hash_) for at, hash_ in enumerate(row, start)]
            if start & 1:  # a peak of this level has waited for its right neighbour
                row.insert(0, waiting.pop())
            if len(row) & 1:
                peaks.append(row.pop())
            row = [node_hash(*pair) for pair in zip(row[::2], row[1::2], strict=True)]
            level, start = level + 1, start >> 1
        return Frontier(size, tuple(reversed(peaks))), nodes

    def dump(self) -> bytes:
        """The frontier as bytes: the size (8, big-endian), then the peaks (32 each)."""
        return self.size.to_bytes(_SIZE, "big") + b"".join(self.peaks)

    @classmethod
    def load(cls, octets: bytes) -> "Frontier":
        """A frontier from `dump`; ValueError when the bytes are none."""
        if len(octets) < _SIZE:
            raise ValueError("a frontier begins with its size")
        peaks = octets[_SIZE:]
        cut = tuple(peaks[at : at + HASH] for at in range(0, len(peaks), HASH))
        return cls(int.from_bytes(octets[:_SIZE], "big"), cut)
