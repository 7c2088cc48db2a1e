"""Checkpoints (检查点): a log's size and root in a signed note (C2SP tlog-checkpoint)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import dataclass

from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.notes import BadNote, NoteKey, open_note, sign_note
from zwhub.kernel.merkle import HASH
from zwhub.kernel.words import Words

_LARGEST = 2**63 - 1  # leaves; what a database counts
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")  # 32 bytes in base64
_LINES = 3  # origin, size, root; what follows is opaque


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log vouches for (检查点): its origin, its number of leaves, its root (32 bytes).

    `extensions` are further lines, not empty, that this hub neither writes nor interprets.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = (self.origin, *self.extensions)
        if not all(line and "\n" not in line for line in lines):
            raise ValueError("each line of a checkpoint is one line and not empty")
        if not 0 <= self.size <= _LARGEST or len(self.root) != HASH:
            raise ValueError("a tree has 0 to 2^63 - 1 leaves and a root of 32 bytes")

    def text(self) -> str:
        """The text that is signed, each line ended by a newline."""
        root = b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def sign_checkpoint(checkpoint: Checkpoint, private: PrivateKey) -> str:
    """The checkpoint as a note, signed in the name of its origin.

    ValueError when the origin has a space or a plus, or the key is not Ed25519. The caller must
    never sign two checkpoints of one origin that no consistency proof connects.
    """
    return sign_note(checkpoint.text(), checkpoint.origin, private)


def read_checkpoint(note: str | bytes, origin: str, keys: Collection[NoteKey]) -> Checkpoint:
    """What the log `origin` vouches for, once a key of `keys` has signed it; else BadNote."""
    checkpoint = _parsed(open_note(note, keys))
    if checkpoint.origin != origin:
        raise _bad("检查点属于另一日志", "the checkpoint is of another log")
    return checkpoint


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key of one log (台账密钥), Ed25519; the log is named after it."""

    private: PrivateKey

    @classmethod
    def new(cls) -> "LogKey":
        return cls(PrivateKey.generate(Algorithm.EDDSA))

    @property
    def origin(self) -> str:
        return "zwhub-ledger-" + sha256_hex(self.private.public.der())[:16]

    @property
    def public(self) -> NoteKey:
        """What others check the log's checkpoints with."""
        return NoteKey(self.origin, self.private.public)

    def sign(self, size: int, root: bytes) -> str:
        """A checkpoint of this log as a note; what `sign_checkpoint` demands of its caller holds."""
        return sign_checkpoint(Checkpoint(self.origin, size, root), self.private)

    def read(self, note: str | bytes) -> Checkpoint:
        """What this log once vouched for; else BadNote."""
        return read_checkpoint(note, self.origin, [self.public])


def _parsed(text: str) -> Checkpoint:
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES or not _SIZE.fullmatch(lines[1]) or not _ROOT.fullmatch(lines[2]):
        raise _malformed()
    try:
        checkpoint = Checkpoint(lines[0], int(lines[1]), b64decode(lines[2]), tuple(lines[3:]))
    except ValueError as error:
        raise _malformed() from error
    if checkpoint.text() != text:  # spare bits in the root's base64
        raise _malformed()
    return checkpoint


def _malformed() -> BadNote:
    return _bad("这不是检查点", "the note is not a checkpoint")


def _bad(zh: str, en: str) -> BadNote:
    return BadNote(Words(zh=zh, en=en))
