"""Merkle proofs (默克尔证明): reference vectors, every size to 130, and no altered proof holds."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zwhub.kernel.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from zwhub.kernel.merkle_proofs import (
    consistency_plan,
    consistency_proof,
    drawn,
    extends,
    includes,
    inclusion_plan,
    inclusion_proof,
)

SIZE = 130
LEAVES = [leaf_hash(number.to_bytes(2, "big")) for number in range(SIZE)]
NODES = {(node.level, node.position): node.hash for node in Frontier().grown(LEAVES)[1]}
ROOTS = [Frontier().grown(LEAVES[:size])[0].root() for size in range(SIZE + 1)]
OTHER = leaf_hash(b"\xff" * 3)


def node(level: int, position: int) -> bytes:
    return NODES[level, position]


def altered(proof: list[bytes]) -> Iterator[list[bytes]]:
    """Each hash changed, left out and doubled; neighbours exchanged; one more at either end."""
    for at, hash_ in enumerate(proof):
        yield [*proof[:at], bytes([hash_[0] ^ 1]) + hash_[1:], *proof[at + 1 :]]
        yield [*proof[:at], hash_[:-1], *proof[at + 1 :]]
        yield proof[:at] + proof[at + 1 :]
        yield [*proof[:at], hash_, *proof[at:]]
    for at, (left, right) in enumerate(pairwise(proof)):
        yield [*proof[:at], left + right[:1], right[1:], *proof[at + 2 :]]
        yield [*proof[:at], right, left, *proof[at + 2 :]]
    yield [*proof, OTHER]
    yield [OTHER, *proof]


# From the reference implementation of RFC 6962, over the leaves of `test_merkle`.
CT_TEXTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
CT_LEAVES = [*map(bytes.fromhex, CT_TEXTS), bytes(range(0x60, 0x70))]
CT_INCLUSION = {
    (0, 1): "",
    (0, 8): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    (5, 8): "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 3): "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    (1, 5): "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}
CT_CONSISTENCY = {
    (1, 1): "",
    (1, 8): "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    (6, 8): "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    (2, 5): "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
}


def ct_node(level: int, position: int) -> bytes:
    found = Frontier().grown(map(leaf_hash, CT_LEAVES))[1]
    return {(node.level, node.position): node.hash for node in found}[level, position]


@pytest.mark.parametrize(("index", "size"), CT_INCLUSION)
def test_the_reference_inclusion_proofs(index: int, size: int) -> None:
    proof = inclusion_proof(index, size, ct_node)
    assert b"".join(proof).hex() == CT_INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CT_CONSISTENCY)
def test_the_reference_consistency_proofs(old: int, new: int) -> None:
    proof = consistency_proof(old, new, ct_node)
    assert b"".join(proof).hex() == CT_CONSISTENCY[old, new]


def test_every_leaf_of_every_tree_is_proved_and_at_its_place_alone() -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert includes(ROOTS[size], size, index, LEAVES[index], proof)
            assert not includes(ROOTS[size], size, index, OTHER, proof)
            assert not includes(ROOTS[size - 1], size, index, LEAVES[index], proof)
            assert not includes(ROOTS[size], size, (index + 1) % (size + 1), LEAVES[index], proof)


def test_every_tree_extends_every_smaller_one() -> None:
    for new in range(SIZE + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, new, node)
            assert extends(ROOTS[old], old, ROOTS[new], new, proof)
            assert not extends(OTHER, old, ROOTS[new], new, proof)
            if old:
                assert not extends(ROOTS[old], old, OTHER, new, proof)
                assert not extends(ROOTS[old - 1], old, ROOTS[new], new, proof)


@settings(deadline=None)
@given(st.data())
def test_no_altered_inclusion_proof_holds(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, SIZE))
    index = data.draw(st.integers(0, size - 1))
    for proof in altered(inclusion_proof(index, size, node)):
        assert not includes(ROOTS[size], size, index, LEAVES[index], proof)


@settings(deadline=None)
@given(st.data())
def test_no_altered_consistency_proof_holds(data: st.DataObject) -> None:
    new = data.draw(st.integers(0, SIZE))
    old = data.draw(st.integers(0, new))
    for proof in altered(consistency_proof(old, new, node)):
        assert not extends(ROOTS[old], old, ROOTS[new], new, proof)


@settings(deadline=None)
@given(st.data())
def test_garbage_proves_nothing_and_breaks_nothing(data: st.DataObject) -> None:
    sizes = st.integers(-2, 2**63)
    proof = data.draw(st.lists(st.binary(max_size=40) | st.sampled_from(LEAVES), max_size=70))
    assert not includes(OTHER, data.draw(sizes), data.draw(sizes), LEAVES[0], proof)
    assert not extends(OTHER, data.draw(sizes), ROOTS[1], data.draw(sizes), proof)


@settings(deadline=None)
@given(st.integers(0, SIZE), st.integers(0, SIZE))
def test_another_history_has_no_proof(old: int, new: int) -> None:
    """A log that changed an entry it had already vouched for cannot prove its way out."""
    if not 0 < old <= new:
        return
    forged = [OTHER, *LEAVES[1:new]]
    frontier, nodes = Frontier().grown(forged)
    found = {(node.level, node.position): node.hash for node in nodes}
    proof = drawn(consistency_plan(old, new), lambda level, at: found[level, at])
    assert not extends(ROOTS[old], old, frontier.root(), new, proof)


def test_an_inner_node_does_not_pass_for_a_leaf() -> None:
    assert not includes(ROOTS[8], 8, 0, ROOTS[8], [])
    assert not includes(ROOTS[8], 8, 0, ROOTS[4], [node(2, 1)])
    assert not includes(ROOTS[2], 1, 0, LEAVES[1], [LEAVES[0]])


def test_a_consistency_proof_is_neither_too_short_nor_too_long() -> None:
    assert not extends(ROOTS[2], 2, ROOTS[2], 8, [])
    old, new = node_hash(OTHER, ROOTS[3]), node_hash(OTHER, ROOTS[4])
    proof = consistency_proof(3, 4, node)
    assert extends(ROOTS[3], 3, ROOTS[4], 4, proof)
    assert not extends(old, 3, new, 4, [*proof, OTHER])


def test_two_hashes_are_not_divided_elsewhere() -> None:
    left, right = LEAVES[0] + LEAVES[1][:1], LEAVES[1][1:]
    assert not includes(ROOTS[2], 2, 0, left, [right])
    assert not extends(left, 1, ROOTS[2], 2, [right])


def test_the_empty_tree_begins_every_other() -> None:
    assert consistency_plan(0, 7) == []
    assert extends(EMPTY_ROOT, 0, ROOTS[7], 7, [])
    assert not extends(OTHER, 0, ROOTS[7], 7, [])
    assert not extends(EMPTY_ROOT, 0, OTHER, 0, [])
    assert not extends(EMPTY_ROOT, 0, ROOTS[7], 7, [OTHER])


def test_a_plan_names_stored_nodes_and_few_of_them() -> None:
    plan = inclusion_plan(5_000_000, 8_000_000)
    assert len(plan) == 23
    assert sum(map(len, plan)) <= 2 * 23
    for level, position in (place for part in plan for place in part):
        assert (position + 1) << level <= 8_000_000


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_such_leaf(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_plan(index, size)


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_a_tree_never_shrinks(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="never shrinks"):
        consistency_plan(old, new)
