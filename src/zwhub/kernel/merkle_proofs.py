"""Merkle proofs (默克尔证明): an entry is in the tree, an old tree lives on in a new one.

A proof is planned first, from sizes alone: the plan names the stored nodes behind each hash, so
that a database fetches all of them, for one proof or for a thousand, in one statement.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from zwhub.kernel.merkle import EMPTY_ROOT, HASH, Place, node_hash, places, root_of

Nodes: TypeAlias = Callable[[int, int], bytes]  # the hash at (level, position)
Plan: TypeAlias = list[tuple[Place, ...]]  # for each hash of a proof, the nodes it is made of
Proof: TypeAlias = Sequence[bytes]


def inclusion_plan(index: int, size: int) -> Plan:
    """What proves leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1).

    ValueError when the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    plan, start, end = [], 0, size
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            plan.append(places(split, end))
            end = split
        else:
            plan.append(places(start, split))
            start = split
    return plan[::-1]


def consistency_plan(old: int, new: int) -> Plan:
    """What proves that the tree of `old` leaves is the beginning of `new` (RFC 6962 §2.1.2).

    Nothing is needed from an empty tree, or to itself. ValueError when a tree would have shrunk.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree never shrinks")
    plan, start, end = [], 0, new
    while end != old and old:
        split = _split(start, end)
        if old <= split:
            plan.append(places(split, end))
            end = split
        else:
            plan.append(places(start, split))
            start = split
    if start:  # the old root is not itself a node of the new tree, so its last part is needed
        plan.append(places(start, end))
    return plan[::-1]


def drawn(plan: Plan, nodes: Nodes) -> list[bytes]:
    """The proof that a plan describes, its hashes read from `nodes`."""
    return [root_of([nodes(*place) for place in part]) for part in plan]


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """The proof that leaf `index` is in the tree of `size` leaves; errors as `inclusion_plan`."""
    return drawn(inclusion_plan(index, size), nodes)


def consistency_proof(old: int, new: int, nodes: Nodes) -> list[bytes]:
    """The proof that the tree of `old` leaves became `new`; errors as `consistency_plan`."""
    return drawn(consistency_plan(old, new), nodes)


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Proof) -> bool:
    """Whether the tree (`root`, `size`) has the leaf hash at `index` (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _hashes(leaf, *proof):
        return False
    found, position, last = leaf, index, size - 1
    for hash_ in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(hash_, found)
            position, last = _climbed(position, last)
        else:
            found = node_hash(found, hash_)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def extends(old_root: bytes, old: int, new_root: bytes, new: int, proof: Proof) -> bool:
    """Whether the tree (`new_root`, `new`) begins with (`old_root`, `old`), RFC 9162 §2.1.4.2."""
    if not 0 <= old <= new or not _hashes(old_root, new_root, *proof):
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    # Of 2^k leaves the old root is a node of the new tree, and the proof leaves it out.
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    return bool(path) and _roots(path, *_stripped(old - 1, new - 1)) == (old_root, new_root)


def _roots(path: list[bytes], position: int, last: int) -> tuple[bytes, bytes] | None:
    """Both roots that a consistency proof leads to; None when it is too long or too short."""
    old_root = new_root = path[0]
    for hash_ in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            old_root, new_root = node_hash(hash_, old_root), node_hash(hash_, new_root)
            position, last = _climbed(position, last)
        else:
            new_root = node_hash(new_root, hash_)
        position, last = position >> 1, last >> 1
    return None if last else (old_root, new_root)


def _split(start: int, end: int) -> int:
    """Where a subtree divides: the largest power of two below its size (RFC 6962 §2.1)."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _climbed(position: int, last: int) -> tuple[int, int]:
    """Up the right edge to where the subtree is a right child: there is no sibling before."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _stripped(position: int, last: int) -> tuple[int, int]:
    """Up from the last old leaf to the root of the largest old subtree that ends in it."""
    while position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _hashes(*found: bytes) -> bool:
    # 31 and 33 bytes side by side would hash like 32 and 32.
    return all(len(hash_) == HASH for hash_ in found)
