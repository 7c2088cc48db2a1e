"""Merkle trees (默克尔树): the vectors of the CT reference code, and the recursion of RFC 6962."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zwhub.kernel.merkle import EMPTY_ROOT, Frontier, Node, leaf_hash, node_hash, places, root_of

# The leaves and the roots of 0 to 8 of them in the reference implementation of RFC 6962.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
LEAVES = [leaf_hash(f"第{number}条".encode()) for number in range(131)]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 §2.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


@pytest.mark.parametrize("size", range(9))
def test_the_reference_roots(size: int) -> None:
    frontier, _ = Frontier().grown(map(leaf_hash, CT_LEAVES[:size]))
    assert frontier.root() == CT_ROOTS[size]


def test_a_leaf_is_no_node() -> None:
    left, right = CT_ROOTS[1], CT_ROOTS[2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_every_size_agrees_with_the_recursion_one_leaf_at_a_time_and_at_once() -> None:
    slow = Frontier()
    for size in range(131):
        at_once, _ = Frontier().grown(LEAVES[:size])
        assert slow == at_once
        assert slow.root() == naive_root(LEAVES[:size])
        slow, _ = slow.grown(LEAVES[size : size + 1])


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_batches_of_any_size_make_one_tree(batches: list[int]) -> None:
    frontier, stored, taken = Frontier(), dict[tuple[int, int], bytes](), 0
    for count in batches:
        leaves = [leaf_hash(str(taken + number).encode()) for number in range(count)]
        frontier, nodes = frontier.grown(leaves)
        places_ = [(node.level, node.position) for node in nodes]
        assert len(set(places_)) == len(places_)
        assert stored.keys().isdisjoint(places_)  # a stored node never changes
        stored |= {(node.level, node.position): node.hash for node in nodes}
        taken += count
    all_leaves = [leaf_hash(str(number).encode()) for number in range(taken)]
    assert frontier.size == taken
    assert frontier.root() == naive_root(all_leaves)
    # Every complete subtree is stored, and nothing else.
    complete = {(level, at) for level in range(taken.bit_length()) for at in range(taken >> level)}
    assert stored.keys() == complete
    for level, at in complete:
        assert stored[level, at] == naive_root(all_leaves[at << level : (at + 1) << level])
    assert tuple(stored[place] for place in places(0, taken)) == frontier.peaks


def test_the_nodes_come_level_by_level() -> None:
    three, _ = Frontier().grown(LEAVES[:3])
    _, nodes = three.grown(LEAVES[3:4])
    right = node_hash(LEAVES[2], LEAVES[3])
    assert nodes == [Node(0, 3, LEAVES[3]), Node(1, 1, right), Node(2, 0, naive_root(LEAVES[:4]))]


def test_the_root_of_no_peak_is_that_of_the_empty_tree() -> None:
    assert root_of([]) == Frontier().root() == EMPTY_ROOT == CT_ROOTS[0]


@given(st.integers(0, 130))
def test_a_frontier_survives_storage(size: int) -> None:
    frontier, _ = Frontier().grown(LEAVES[:size])
    octets = frontier.dump()
    assert len(octets) == 8 + 32 * size.bit_count()
    assert Frontier.load(octets) == frontier


@given(st.binary(max_size=100))
def test_other_bytes_are_no_frontier(octets: bytes) -> None:
    size = int.from_bytes(octets[:8], "big")
    if len(octets) >= 8 and len(octets) == 8 + 32 * size.bit_count():
        assert Frontier.load(octets).dump() == octets
    else:
        with pytest.raises(ValueError, match=r"frontier|peak"):
            Frontier.load(octets)


@pytest.mark.parametrize("octets", [b"", bytes(7), bytes(9), bytes(40), b"\0" * 7 + b"\1"])
def test_a_cut_or_padded_frontier_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"frontier|peak"):
        Frontier.load(octets)


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="a leaf hash has 32 bytes"):
        Frontier().grown([bytes(31)])
    with pytest.raises(ValueError, match="a peak has 32 bytes"):
        Frontier(1, (bytes(33),))
    with pytest.raises(ValueError, match="one peak"):
        Frontier(-1, ())
