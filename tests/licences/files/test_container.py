"""Hostile containers: refused within limits of time and memory, never unpacked to a disk."""

import io
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from effort import effort
from ofdfiles import the_cast, zipped
from zwhub.licences.files.container import LARGEST_READ, MOST_ENTRIES, Container, Refused
from zwhub.licences.files.examine import LARGEST_FILE, examine_file
from zwhub.licences.files.findings import FileReason
from zwhub.licences.findings import Verdict

PARTS = {"OFD.xml": b"<OFD/>", "Doc_0/Document.xml": b"<Document/>"}


def with_entry(change: Callable[[zipfile.ZipInfo], None], content: bytes = b"x") -> bytes:
    """The plain container and one entry more, changed before it is written."""
    buffer = io.BytesIO(zipped(PARTS))
    with zipfile.ZipFile(buffer, "a") as package:
        entry = zipfile.ZipInfo("more.xml")
        change(entry)
        package.writestr(entry, content)
    return buffer.getvalue()


def named(name: str) -> bytes:
    def change(entry: zipfile.ZipInfo) -> None:
        entry.filename = name

    return with_entry(change)


def as_link(entry: zipfile.ZipInfo) -> None:
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16


def patched(octets: bytes, offset: int, value: bytes, *, central: bool = True) -> bytes:
    """Bytes put into the last central header, or the last local one."""
    at = octets.rfind(b"PK\x01\x02" if central else b"PK\x03\x04") + offset
    return octets[:at] + value + octets[at + len(value) :]


def as_another(entry: zipfile.ZipInfo) -> None:
    entry.extra = (
        struct.pack("<2H", 0x5455, 1) + b"\0" + struct.pack("<2HBL", 0x7075, 10, 1, 0) + b"b.xml"
    )


def doubled() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("a.xml", b"1")
        package.writestr("b.xml", b"2")
    return buffer.getvalue().replace(b"b.xml", b"a.xml")


def bomb() -> bytes:
    return zipped({**PARTS, "big.bin": bytes(20_000_000)})


def crowd(count: int) -> bytes:
    """A central directory of that many entries, written by hand because it is faster."""
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0
    )
    directory = (entry + b"a") * count
    end = struct.pack(
        "<4s4H2LH",
        b"PK\x05\x06",
        0,
        0,
        count & 0xFFFF,
        count & 0xFFFF,
        len(directory),
        len(local),
        0,
    )
    return local + directory + end


def lying_crowd() -> bytes:
    octets = crowd(MOST_ENTRIES + 1)
    return octets[:-14] + struct.pack("<2H", 1, 1) + octets[-10:]


def hidden_room() -> bytes:
    """Bytes between the entries and the directory that nobody lists, all offsets being right."""
    octets = zipped(PARTS)
    start = struct.unpack("<L", octets[-6:-2])[0]
    return octets[:start] + b"hidden" + octets[start:-6] + struct.pack("<L", start + 6) + b"\0\0"


HOSTILE = {
    "traversal": named("../evil.xml"),
    "traversal inside": named("Doc_0/../../evil.xml"),
    "backslash": named("Doc_0\\..\\..\\evil.xml"),
    "absolute": named("/etc/evil.xml"),
    "drive": named("C:/evil.xml"),
    "dot": named("./OFD.xml"),
    "empty part": named("Doc_0//a.xml"),
    "control": named("a\nb.xml"),
    "duplicate": doubled(),
    "case": named("ofd.XML"),
    "case and slash": named("doc_0\\document.xml"),
    "link": with_entry(as_link),
    "encrypted": patched(named("a.xml"), 8, b"\x01\x00"),
    "method": patched(named("a.xml"), 10, b"\x0c\x00"),
    "two names": patched(named("a.xml"), 30, b"b.xml", central=False),
    "another name for some": with_entry(as_another),
    "prepended": b"MZ evil" + zipped(PARTS),
    "prepended and padded": b"PK\x03\x04 evil" + zipped(PARTS),
    "appended": zipped(PARTS) + b"evil",
    "hidden": hidden_room(),
    "ratio": bomb(),
    "entries": crowd(MOST_ENTRIES + 1),
    "lying": lying_crowd(),
    "hundred thousand": crowd(100_000),
    "cut": zipped(PARTS)[:-30],
    "end alone": b"PK\x05\x06" + bytes(18),
    "only magic": b"PK\x03\x04",
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_container_is_refused_quickly(name: str) -> None:
    if name == "end alone":  # an empty zip: in order, and no OFD
        assert Container(HOSTILE[name]).names == frozenset()
    else:
        with pytest.raises(Refused):
            Container(HOSTILE[name])
    with effort() as spent:
        found = examine_file(HOSTILE[name], the_cast().anchors())
    assert spent < [2.0]
    assert found.verdict is not Verdict.GENUINE
    assert found.signatures == ()


def test_too_large_unpacked_is_refused_before_anything_is_unpacked() -> None:
    piece = random.Random(1).randbytes(1000) + bytes(190_000)
    large = zipped({f"{n}.bin": piece * 5 for n in range(215)})
    tracemalloc.start()
    with pytest.raises(Refused, match="too large"):
        Container(large)
    assert tracemalloc.get_traced_memory()[1] < 4 * len(large) + 1_000_000
    tracemalloc.stop()


def test_a_large_file_is_hashed_in_pieces_and_never_held() -> None:
    piece = random.Random(1).randbytes(8_000) + bytes(1_000_000)
    container = Container(zipped({"big.bin": piece * 30}))
    tracemalloc.start()
    assert container.sm3("big.bin")
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()
    assert len(piece * 30) > LARGEST_READ
    assert container.read("big.bin") is None


def test_a_file_beyond_20_mb_is_not_looked_into() -> None:
    found = examine_file(b"PK\x03\x04" + bytes(LARGEST_FILE), the_cast().anchors())
    assert found.reason is FileReason.CONTAINER_REFUSED


def test_names_in_the_codings_of_the_field() -> None:
    plain = zipped({"~~~~.xml": b"1", "OFD.xml": b""})
    container = Container(plain.replace(b"~~~~", "公章".encode("gb18030")))
    assert container.names == {"公章.xml", "OFD.xml"}
    with pytest.raises(Refused, match="coding"):
        Container(plain.replace(b"~~~~", b"\xff\xff\xff\xff"))


def test_folders_are_no_files_and_backslashes_are_slashes() -> None:
    container = Container(zipped({"Doc_0/": b"", "Doc_0\\a.xml": b"1"}))
    assert container.names == {"Doc_0/a.xml"}
    assert container.read("Doc_0/a.xml") == b"1"


def test_a_damaged_file_reads_as_nothing() -> None:
    octets = zipped({"a.xml": b"plain content"}, stored=True).replace(b"plain", b"plane")
    container = Container(octets)
    assert container.read("a.xml") is container.sm3("a.xml") is None
    assert container.read("absent") is container.sm3("absent") is None


def test_entities_of_a_stranger_are_not_expanded(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("x") / "secret"
    secret.write_text("secret")
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    for inside in (f'<!ENTITY a0 "ha">{laughs}', f'<!ENTITY a11 SYSTEM "file://{secret}">'):
        xml = f"<!DOCTYPE x [{inside}]><OFD><DocBody>&a11;</DocBody></OFD>".encode()
        with effort() as spent:
            found = examine_file(zipped({"OFD.xml": xml}), the_cast().anchors())
        assert spent < [1.0]
        assert found.reason is FileReason.MALFORMED
