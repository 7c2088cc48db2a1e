"""Signed notes (签名便笺): a text and Ed25519 signatures under it (C2SP signed-note v1.0.0)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256

from zwhub.kernel.crypto.keys import Algorithm, MalformedKey, PrivateKey, PublicKey
from zwhub.kernel.words import Words

MAX_NOTE = 65_536  # bytes; a checkpoint with the 16 signatures a reader must accept fits well
_ED25519 = b"\x01"  # the signature type
_ED25519_SPKI = bytes.fromhex("302A300506032B6570032100")  # RFC 8410 §4, up to the 32 bytes
_ID = 4  # bytes of a key ID
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_ID_HEX = re.compile(r"[0-9a-f]{8}")


class BadNote(Exception):
    """The note does not check out; nothing of its text may be believed."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class NoteKey:
    """The key a note is checked with (便笺公钥), known by its name and a short ID.

    ValueError for a name with a space or a plus, and for a key that is not Ed25519.
    """

    name: str
    public: PublicKey

    def __post_init__(self) -> None:
        if not _is_name(self.name):
            raise ValueError("a key's name has neither spaces nor plus signs")
        if self.public.algorithm is not Algorithm.EDDSA:
            raise ValueError("notes are signed with Ed25519")

    @property
    def id(self) -> bytes:
        """The key ID, 4 bytes: a hint that finds the key, no proof of anything."""
        return sha256(self.name.encode() + b"\n" + self._encoded()).digest()[:_ID]

    def text(self) -> str:
        """The key on one line, `name+id+base64`, as witnesses and monitors are configured."""
        return f"{self.name}+{self.id.hex()}+{b64encode(self._encoded()).decode()}"

    @classmethod
    def parse(cls, text: str) -> "NoteKey":
        """A key from `text()`; ValueError when it is none or its ID belongs to another key."""
        name, _, rest = text.partition("+")
        id_hex, _, encoded = rest.partition("+")
        octets = _base64(encoded)
        if not octets.startswith(_ED25519) or not _ID_HEX.fullmatch(id_hex):
            raise ValueError("this is not the key of a signed note")
        try:
            key = cls(name, PublicKey.from_spki(_ED25519_SPKI + octets[1:]))
        except MalformedKey as error:
            raise ValueError("the key cannot be read") from error
        if key.id.hex() != id_hex:
            raise ValueError("the key's ID is not its own")
        return key

    def _encoded(self) -> bytes:
        return _ED25519 + self.public.der()[len(_ED25519_SPKI) :]


def sign_note(text: str, name: str, private: PrivateKey) -> str:
    """The note: `text`, which ends in a newline, an empty line, and one signature line.

    ValueError for a text no note can carry, a bad name, or a key that is not Ed25519.
    """
    key = NoteKey(name, private.public)
    if not text.endswith("\n") or _CONTROL.search(text):
        raise ValueError("a note's text ends in a newline and has no control characters")
    signature = b64encode(key.id + private.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n"


def open_note(note: str | bytes, keys: Collection[NoteKey]) -> str:
    """The text, once one of `keys` has signed it and none of them wrongly; else BadNote.

    Signatures by keys nobody told us of are ignored, as the format demands: so keys can be
    turned over, and witnesses can add their own.
    """
    octets = note.encode("utf-8", "surrogatepass") if isinstance(note, str) else note
    text, signatures = _parts(octets)
    known = {(key.name, key.id): key.public for key in keys}
    trusted = False
    for name, id_, signature in signatures:
        public = known.get((name, id_))
        if public is None:
            continue
        if not public.verify(signature, text.encode()):
            raise _bad("便笺签名无效", "a signature of the note is not valid")
        trusted = True
    if not trusted:
        raise _bad("便笺未由可信密钥签名", "no trusted key has signed the note")
    return text


def _parts(octets: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text with its last newline, and (name, key ID, signature) of each line below it."""
    if len(octets) > MAX_NOTE:
        raise _bad("便笺过长", "the note is too long")
    try:
        note = octets.decode()
    except UnicodeDecodeError as error:
        raise _malformed() from error
    head, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n") or _CONTROL.search(note):
        raise _malformed()
    return head + "\n", [_signature(line) for line in tail[:-1].split("\n")]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    try:
        octets = _base64(encoded)
    except ValueError as error:
        raise _malformed() from error
    if not line.startswith(_DASH) or not _is_name(name) or len(octets) <= _ID:
        raise _malformed()
    return name, octets[:_ID], octets[_ID:]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def _base64(text: str) -> bytes:
    """The octets behind canonical base64 (RFC 4648 §4); ValueError for anything else."""
    octets = b64decode(text, validate=True)
    if b64encode(octets).decode() != text:
        raise ValueError("the base64 is not canonical")
    return octets


def _malformed() -> BadNote:
    return _bad("这不是签名便笺", "this is not a signed note")


def _bad(zh: str, en: str) -> BadNote:
    return BadNote(Words(zh=zh, en=en))
