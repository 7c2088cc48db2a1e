"""Signed notes (签名便笺): the reference implementation's note, byte for byte, and no altered note opens."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.notes import MAX_NOTE, BadNote, NoteKey, open_note, sign_note

# The key and the note in the tests of the reference implementation (Go, sumdb/note).
VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNATURE = (
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
LINE = f"— PeterNeumann {SIGNATURE}\n"
NOTE = f"{TEXT}\n{LINE}"
KEY = NoteKey.parse(VKEY)


def private_of(seed: bytes) -> PrivateKey:
    der = bytes.fromhex("302e020100300506032b657004220420") + seed  # PKCS#8, RFC 8410 §7
    body = b64encode(der).decode()
    return PrivateKey.from_pem(f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")


def test_the_reference_note_opens() -> None:
    assert open_note(NOTE, [KEY]) == TEXT
    assert open_note(NOTE.encode(), [KEY]) == TEXT


def test_the_reference_note_is_made_again() -> None:
    # Ed25519 is deterministic, so any witness or monitor reads what the hub signs.
    assert sign_note(TEXT, "PeterNeumann", private_of(SEED)) == NOTE
    assert NoteKey("PeterNeumann", private_of(SEED).public) == KEY
    assert (KEY.text(), KEY.id.hex()) == (VKEY, "c74f20a3")


def test_every_altered_byte_is_refused() -> None:
    octets = NOTE.encode()
    for at in range(len(octets)):
        for mask in (1, 0x20, 0x80):
            forged = octets[:at] + bytes([octets[at] ^ mask]) + octets[at + 1 :]
            with pytest.raises(BadNote):
                open_note(forged, [KEY])
        with pytest.raises(BadNote):
            open_note(octets[:at], [KEY])


@given(st.text() | st.binary())
def test_anything_else_is_refused(note: str | bytes) -> None:
    with pytest.raises(BadNote):
        open_note(note, [KEY])


@given(st.text().map(lambda text: "".join(c for c in text if c >= " " and c.isprintable())))
def test_every_text_comes_back(line: str) -> None:
    text = f"甲\n{line}\n\n乙\n"  # an empty line inside: the last one divides
    private = private_of(SEED)
    assert open_note(sign_note(text, "PeterNeumann", private), [KEY]) == text


def test_signatures_by_others_are_ignored_and_one_of_ours_suffices() -> None:
    other = PrivateKey.generate(Algorithm.EDDSA)
    both = sign_note(TEXT, "witness.example/1", other) + LINE
    assert open_note(both, [KEY]) == TEXT
    assert open_note(both, [KEY, NoteKey("witness.example/1", other.public)]) == TEXT
    # The same name with another ID is another key.
    assert open_note(sign_note(TEXT, "PeterNeumann", other) + LINE, [KEY]) == TEXT


def test_a_wrong_signature_by_a_known_key_condemns_the_note() -> None:
    other = PrivateKey.generate(Algorithm.EDDSA)
    witness = NoteKey("witness.example/1", other.public)
    stolen = sign_note("另一份文字\n", "witness.example/1", other).rpartition("\n\n")[2]
    with pytest.raises(BadNote, match="a signature of the note is not valid"):
        open_note(NOTE + stolen, [KEY, witness])
    with pytest.raises(BadNote, match="no trusted key"):
        open_note(NOTE, [witness])
    with pytest.raises(BadNote, match="no trusted key"):
        open_note(NOTE, [])


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{LINE[:-1]}",
        f"{TEXT}\n{LINE}\n",
        f"{TEXT}\n{LINE}x\n",
        f"{TEXT}\n\t{LINE}",
        f"{TEXT}\nPeterNeumann {SIGNATURE}\n",
        f"{TEXT}\n– PeterNeumann {SIGNATURE}\n",
        f"{TEXT}\n—  {SIGNATURE}\n",
        f"{TEXT}\n— Peter+Neumann {SIGNATURE}\n",
        f"{TEXT}\n— Peter\u3000Neumann {SIGNATURE}\n",
        f"{TEXT}\n— PeterNeumann {SIGNATURE[:-1]}\n",
        f"{TEXT}\n— PeterNeumann {SIGNATURE[:-2]}N=\n",
        f"{TEXT}\n— PeterNeumann {SIGNATURE} {SIGNATURE}\n",
        f"{TEXT}\n— PeterNeumann x08gow==\n",
        f"{TEXT}\n— PeterNeumann é\n",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote, match="this is not a signed note"):
        open_note(note, [KEY])


def test_a_note_of_many_signatures_opens_and_one_without_end_does_not() -> None:
    assert open_note(NOTE + LINE * 15, [KEY]) == TEXT
    with pytest.raises(BadNote, match="too long") as refused:
        open_note(NOTE + LINE * (MAX_NOTE // len(LINE)), [KEY])
    assert "过长" in refused.value.words.zh


def test_a_signed_text_with_control_characters_is_refused() -> None:
    text = "甲\t乙\n"
    signature = b64encode(KEY.id + private_of(SEED).sign(text.encode())).decode()
    with pytest.raises(BadNote, match="not a signed note"):
        open_note(f"{text}\n— PeterNeumann {signature}\n", [KEY])


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadNote, match="not a signed note"):
        open_note(b"\xff" + NOTE.encode(), [KEY])
    with pytest.raises(BadNote, match="not a signed note"):
        open_note("\ud800" + NOTE, [KEY])


@pytest.mark.parametrize("at", range(len(VKEY)))
def test_an_altered_or_cut_key_is_refused(at: int) -> None:
    for text in (VKEY[:at], VKEY[:at] + chr(ord(VKEY[at]) ^ 1) + VKEY[at + 1 :]):
        with pytest.raises(ValueError, match=r"."):
            NoteKey.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc",
        VKEY.replace("c74f20a3", "C74F20A3"),
        VKEY.replace("PeterNeumann", "Peter Neumann"),
    ],
)
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|base64"):
        NoteKey.parse(text)


@pytest.mark.parametrize("text", ["", "甲", "甲\t乙\n", "甲\r\n"])
def test_a_text_no_note_can_carry_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="ends in a newline"):
        sign_note(text, "PeterNeumann", private_of(SEED))


def test_a_bad_name_or_another_algorithm_does_not_sign() -> None:
    for name in ("", "a b", "a+b", "a\u2003b"):
        with pytest.raises(ValueError, match="a key's name"):
            sign_note(TEXT, name, private_of(SEED))
    with pytest.raises(ValueError, match="Ed25519"):
        sign_note(TEXT, "hub.example", PrivateKey.generate(Algorithm.ES256))
