"""Checkpoints (检查点): what the log signs is what a reader believes, of that log alone."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.checkpoints import Checkpoint, read_checkpoint, sign_checkpoint
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.notes import BadNote, NoteKey, sign_note
from zwhub.kernel.merkle import EMPTY_ROOT, Frontier, leaf_hash

ORIGIN = "hub.example/ledger"
PRIVATE = PrivateKey.generate(Algorithm.EDDSA)
KEY = NoteKey(ORIGIN, PRIVATE.public)
ROOT = b64encode(EMPTY_ROOT).decode()
# The example of the specification: its text. (Its key is not published with it.)
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"


def signed(text: str, origin: str = ORIGIN) -> str:
    return sign_note(text, origin, PRIVATE)


def test_the_example_of_the_specification() -> None:
    origin = "example.com/behind-the-sofa"
    root = b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    checkpoint = Checkpoint(origin, 20852163, root)
    assert checkpoint.text() == EXAMPLE
    note, key = signed(EXAMPLE, origin), NoteKey(origin, PRIVATE.public)
    assert sign_checkpoint(checkpoint, PRIVATE) == note
    assert read_checkpoint(note, origin, [key]) == checkpoint


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_comes_back(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert read_checkpoint(sign_checkpoint(checkpoint, PRIVATE), ORIGIN, [KEY]) == checkpoint


def test_a_tree_is_vouched_for() -> None:
    frontier, _ = Frontier().grown([leaf_hash(b"1"), leaf_hash(b"2")])
    note = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), PRIVATE)
    assert note.startswith(f"{ORIGIN}\n2\n{b64encode(frontier.root()).decode()}\n\n— {ORIGIN} ")


def test_further_lines_are_kept() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT, ("第一", "第二"))
    found = read_checkpoint(sign_checkpoint(checkpoint, PRIVATE), ORIGIN, [KEY])
    assert found.extensions == ("第一", "第二")


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n0\n",
        f"{ORIGIN}\n\n{ROOT}\n",
        f"\n0\n{ROOT}\n",
        f"{ORIGIN}\n00\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n+1\n{ROOT}\n",
        f"{ORIGIN}\n1_0\n{ROOT}\n",
        f"{ORIGIN}\n１\n{ROOT}\n",
        f"{ORIGIN}\n9223372036854775808\n{ROOT}\n",
        f"{ORIGIN}\n0\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n0\n{ROOT[:-2]}V=\n",
        f"{ORIGIN}\n0\n{ROOT} \n",
        f"{ORIGIN}\n0\n{ROOT}\n\n",
        f"{ORIGIN}\n0\n{ROOT}\n\n扩展\n",
    ],
)
def test_another_text_is_no_checkpoint(text: str) -> None:
    with pytest.raises(BadNote, match="the note is not a checkpoint"):
        read_checkpoint(signed(text), ORIGIN, [KEY])


def test_another_log_or_another_key_is_not_believed() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 0, EMPTY_ROOT), PRIVATE)
    with pytest.raises(BadNote, match="of another log") as refused:
        read_checkpoint(note, "hub.example/other", [KEY])
    assert refused.value.words.zh == "检查点属于另一日志"
    stranger = NoteKey(ORIGIN, PrivateKey.generate(Algorithm.EDDSA).public)
    with pytest.raises(BadNote, match="no trusted key"):
        read_checkpoint(note, ORIGIN, [stranger])


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 0, EMPTY_ROOT, ()),
        ("a\nb", 0, EMPTY_ROOT, ()),
        ("a", -1, EMPTY_ROOT, ()),
        ("a", 2**63, EMPTY_ROOT, ()),
        ("a", 0, EMPTY_ROOT[:-1], ()),
        ("a", 0, EMPTY_ROOT, ("",)),
        ("a", 0, EMPTY_ROOT, ("b\nc",)),
    ],
)
def test_what_cannot_be_written_is_no_checkpoint(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|tree"):
        Checkpoint(origin, size, root, extensions)


def test_an_origin_that_is_no_name_does_not_sign() -> None:
    with pytest.raises(ValueError, match="a key's name"):
        sign_checkpoint(Checkpoint("城市 台账", 0, EMPTY_ROOT), PRIVATE)
