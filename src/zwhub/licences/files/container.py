"""The container (文件容器): a zip from a stranger, read within limits or refused as a whole."""

import io
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator

from zwhub.kernel.crypto.digests import sm3_of
from zwhub.kernel.words import Words

MOST_ENTRIES = 10_000
MOST_BYTES = 200_000_000  # unpacked, all entries together
MOST_RATIO = 250  # unpacked to packed, beyond the first megabyte of an entry
LARGEST_READ = 4_000_000  # what is taken into memory as one piece
MOST_READ = 32_000_000  # and of such pieces together
_FREE_BYTES = 1_000_000
_LARGEST_DIRECTORY = 4_000_000
_END, _END_SIZE = b"PK\x05\x06", 22
_ENTRY = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_EXTRA, _UNICODE_PATH = struct.Struct("<2H"), 0x7075
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED = 0x1 | 0x40 | 0x2000
_UTF8 = 0x800
_PIECE = 65_536
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError)


class Refused(Exception):
    """A container that is not opened; `words` says why, without quoting it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


class Container:
    """The files of a zip, by their normalised names. Nothing is ever written to a disk."""

    def __init__(self, octets: bytes, most_bytes: int = MOST_BYTES) -> None:
        """Raises Refused for whatever two readers could understand in two ways.

        Unpacked, all entries together may have `most_bytes`.
        """
        _require_plain_ends(octets)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(octets))
        except (*_BROKEN, struct.error, UnicodeError) as error:
            raise Refused("压缩包无法读取", "the zip cannot be read") from error
        listed = self._zip.infolist()
        _require_room(listed, most_bytes)
        _require_apart(octets, listed, self._zip.start_dir)
        self._entries = _by_name(listed)
        self._digests: dict[str, bytes | None] = {}
        self._room = MOST_READ

    @property
    def names(self) -> frozenset[str]:
        """Every file; folders are none."""
        return frozenset(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def read(self, name: str) -> bytes | None:
        """The content of a file of up to 4 MB; None when absent, larger, or damaged.

        Raises Refused once more than 32 MB were asked for.
        """
        entry = self._entries.get(name)
        if entry is None or entry.file_size > LARGEST_READ:
            return None
        self._room -= entry.file_size
        if self._room < 0:
            raise Refused("签名及其附件过大", "the signatures and their parts are too large")
        try:
            return b"".join(self._pieces(entry))
        except _BROKEN:
            return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a file, piece by piece; it ends where it is damaged."""
        try:
            yield from self._pieces(self._entries[name])
        except _BROKEN:
            return

    def sm3(self, name: str) -> bytes | None:
        """SM3 of a file, read in pieces, once; None when it is absent or damaged."""
        if name not in self._digests:
            self._digests[name] = self._sm3(name)
        return self._digests[name]

    def _sm3(self, name: str) -> bytes | None:
        entry = self._entries.get(name)
        try:
            return None if entry is None else sm3_of(self._pieces(entry))
        except _BROKEN:
            return None

    def _pieces(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        # The zip module stops at the stated size, which the limits have already looked at.
        with self._zip.open(entry) as file:
            while piece := file.read(_PIECE):
                yield piece


def _require_plain_ends(octets: bytes) -> None:
    """A zip from the first byte to the last, told from its end without reading its directory."""
    at = octets.rfind(_END, max(0, len(octets) - _END_SIZE - 0xFFFF))
    if at < 0 or len(octets) - at < _END_SIZE:
        raise Refused("不是完整的压缩包", "no complete zip")
    numbers = struct.unpack("<4H2LH", octets[at + 4 : at + _END_SIZE])
    disk, first_disk, here, entries, size, start, comment = numbers
    if disk or first_disk or here != entries or at + _END_SIZE + comment != len(octets):
        raise Refused("压缩包首尾有多余内容", "there is something in front of or behind the zip")
    directory = octets[start : start + size]
    counted = directory.count(_ENTRY)
    if max(entries, counted) > MOST_ENTRIES or size > _LARGEST_DIRECTORY:
        raise Refused("压缩包文件数超限", f"the zip has more than {MOST_ENTRIES} entries")
    if start + size != at or (entries and not octets.startswith(b"PK\x03\x04")):
        raise Refused("压缩包首尾有多余内容", "there is something in front of or behind the zip")


def _require_room(listed: list[zipfile.ZipInfo], most_bytes: int) -> None:
    if sum(entry.file_size for entry in listed) > most_bytes:
        raise Refused("解压后过大", "unpacked, the zip would be too large")
    if any(e.file_size > _FREE_BYTES + MOST_RATIO * e.compress_size for e in listed):
        raise Refused("压缩比异常", "an entry is packed too densely to be honest")
    if any(entry.compress_type not in _METHODS for entry in listed):
        raise Refused("压缩方法不支持", "an entry is packed by an unknown method")
    if any(entry.flag_bits & _ENCRYPTED for entry in listed):
        raise Refused("压缩包已加密", "an entry is encrypted")
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in listed):
        raise Refused("压缩包含符号链接", "an entry is a symbolic link")


def _require_apart(octets: bytes, listed: list[zipfile.ZipInfo], end: int) -> None:
    """Entries neither overlap nor leave room between them for what nobody lists."""
    at = 0
    for entry in sorted(listed, key=lambda one: one.header_offset):
        header = octets[at : at + _LOCAL.size]
        if entry.header_offset != at or len(header) != _LOCAL.size:
            raise Refused("压缩包条目错位", "the entries do not follow one another")
        magic, _, flags, *_, name_size, extra_size = _LOCAL.unpack(header)
        named = octets[at + _LOCAL.size : at + _LOCAL.size + name_size]
        at += _LOCAL.size + name_size
        extras = (entry.extra, octets[at : at + extra_size])
        if magic != b"PK\x03\x04" or named != _raw_name(entry) or any(map(_renames, extras)):
            raise Refused("压缩包条目名不一致", "an entry has two names")
        at += extra_size + entry.compress_size
        at += _descriptor_size(octets, at) if flags & 0x8 else 0
    if at != end:
        raise Refused("压缩包条目错位", "the entries do not follow one another")


def _renames(extra: bytes) -> bool:
    """Whether it holds another name, which some readers take instead (APPNOTE 4.6.9)."""
    while len(extra) >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra)
        if kind == _UNICODE_PATH:
            return True
        extra = extra[_EXTRA.size + size :]
    return False


def _descriptor_size(octets: bytes, at: int) -> int:
    """12 bytes, 16 with the magic that most writers put before them (APPNOTE 4.3.9.3)."""
    return 16 if octets[at : at + 4] == b"PK\x07\x08" else 12


def _raw_name(entry: zipfile.ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8 else "cp437")


def _by_name(listed: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """By name, folders left out. Two names that some file system holds for one are refused."""
    names = [_name(entry) for entry in listed]
    if len({unicodedata.normalize("NFC", name).casefold() for name in names}) != len(names):
        raise Refused("压缩包内文件重名", "two entries have the same name")
    pairs = zip(names, listed, strict=True)
    return {name: entry for name, entry in pairs if not name.endswith("/")}


def _name(entry: zipfile.ZipInfo) -> str:
    raw = _raw_name(entry)
    try:
        name = _decoded(raw).replace("\\", "/")
    except UnicodeDecodeError as error:
        raise Refused("压缩包文件名编码不明", "an entry's name is in no known coding") from error
    parts = name.removesuffix("/").split("/")
    if not name.isprintable() or ":" in name or not all(parts) or {".", ".."} & set(parts):
        raise Refused("压缩包文件名越界", "an entry's name leads elsewhere")
    return name


def _decoded(raw: bytes) -> str:
    # Packers on Chinese systems write GB18030 without saying so.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030")
