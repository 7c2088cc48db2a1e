"""Status lists (状态列表): one small number per licence, packed, compressed, read by its index.

Two formats share one array. IETF Token Status List: zlib, index 0 in the least significant bits.
W3C Bitstring Status List v1.0: GZIP, one bit an entry, index 0 in the left-most bit.
"""

import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

from zwhub.kernel.words import Words

VALID, INVALID, SUSPENDED = 0, 1, 2  # Token Status List §7.1
UNKNOWN = 3  # §7.1 leaves it to the application. Here: the list vouches for nothing
WIDTHS = (1, 2, 4, 8)  # bits an entry may take, §4.1
LEAST_BITSTRING = 16_384  # octets. Bitstring Status List §2.2: so that one entry hides in many
MOST_OCTETS = 16 * 1024 * 1024  # what is unpacked of a list somebody else made

_MULTIBASE = "u"  # base64url without padding
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*")
_OCTET = 8  # bits
_DIGIT_VALUES = bytes(octet & 3 for octet in range(256))  # of "0" to "3"
_ZLIB, _GZIP = zlib.MAX_WBITS, zlib.MAX_WBITS + 16
# Of 8,000,000 entries level 9 saves another 8 %, and takes 15 times as long: a list must be out
# within seconds of a change.
_LEVEL = 6


class BadStatusList(ValueError):
    """A list that cannot be read; the status it would have told is unknown, never valid."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class StatusArray:
    """Statuses by index (状态数组), `bits` each, index 0 in the least significant bits.

    `octets` is not copied: whoever holds a bytearray may go on changing it.
    """

    bits: int
    octets: bytearray | bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.bits not in WIDTHS:
            raise ValueError("a status takes 1, 2, 4 or 8 bits")

    @classmethod
    def of(cls, size: int, bits: int) -> "StatusArray":
        """At least `size` entries, all VALID."""
        return cls(bits, bytearray(-(-size * bits // _OCTET)))

    @classmethod
    def of_digits(cls, digits: str) -> "StatusArray":
        """Two bits for each of the digits 0 to 3, index 0 first; ValueError for other characters.

        Four entries make an octet, so the digits come in fours.
        """
        if len(digits) % 4 or not digits.isascii() or digits.strip("0123"):
            raise ValueError("a multiple of four digits from 0 to 3")
        values = digits.encode("ascii").translate(_DIGIT_VALUES)
        # As whole numbers, for a list has a million of them; no value crosses its octet's border.
        joined = 0
        for part in (3, 2, 1, 0):
            joined = joined << 2 | int.from_bytes(values[part::4], "big")
        return cls(2, bytearray(joined.to_bytes(len(values) // 4, "big")))

    def __len__(self) -> int:
        return len(self.octets) * _OCTET // self.bits

    def __getitem__(self, index: int) -> int:
        """The status at `index`; IndexError outside the list, where nothing is known."""
        octet, shift = self._at(index)
        return self.octets[octet] >> shift & self._mask

    def __setitem__(self, index: int, status: int) -> None:
        """ValueError for a status of more bits; TypeError when `octets` cannot be changed."""
        octet, shift = self._at(index)
        if not 0 <= status <= self._mask:
            raise ValueError("the status does not fit into the bits of an entry")
        if not isinstance(self.octets, bytearray):
            raise TypeError("this list is for reading only")
        self.octets[octet] = self.octets[octet] & ~(self._mask << shift) | status << shift

    def lst(self) -> str:
        """The compressed list of a Token Status List (§4.2), base64url."""
        # A copy, since compressing lets other threads run, and change the list.
        return _packed(bytes(self.octets), _ZLIB)

    def bitstring(self, status: int) -> "Bitstring":
        """One bit for each entry: whether it stands at `status`; padded to the least length."""
        per_octet = _OCTET // self.bits
        table = bytes(self._flags(octet, status) for octet in range(1 << _OCTET))
        flags = bytes(self.octets).translate(table).ljust(LEAST_BITSTRING * self.bits, b"\x00")
        flags = flags.ljust(-(-len(flags) // self.bits) * self.bits, b"\x00")
        # Each octet now has `per_octet` flags at its right end: `bits` octets make one. They are
        # shifted as whole numbers, since no flag crosses the border of an octet.
        joined = 0
        for part in range(self.bits):
            joined = joined << per_octet | int.from_bytes(flags[part :: self.bits], "big")
        return Bitstring(joined.to_bytes(len(flags) // self.bits, "big"))

    def _flags(self, octet: int, status: int) -> int:
        """The entries of one octet that stand at `status`, the first one left-most."""
        shifts = range(0, _OCTET, self.bits)
        return int("".join(str(int(octet >> at & self._mask == status)) for at in shifts), 2)

    def _at(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError("the list has no such entry")
        octet, bit = divmod(index * self.bits, _OCTET)
        return octet, bit

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1


@dataclass(frozen=True, slots=True)
class Bitstring:
    """Flags by index (位串), index 0 in the left-most bit."""

    octets: bytes = field(repr=False)

    def __len__(self) -> int:
        return len(self.octets) * _OCTET

    def __or__(self, other: "Bitstring") -> "Bitstring":
        """Flags that are set in either; ValueError when one is longer."""
        if len(self) != len(other):
            raise ValueError("two bitstrings of one length")
        joined = int.from_bytes(self.octets, "big") | int.from_bytes(other.octets, "big")
        return Bitstring(joined.to_bytes(len(self.octets), "big"))

    def __getitem__(self, index: int) -> bool:
        """Whether the flag at `index` is set; IndexError outside the list."""
        if not 0 <= index < len(self):
            raise IndexError("the list has no such entry")
        octet, bit = divmod(index, _OCTET)
        return bool(self.octets[octet] << bit & 1 << _OCTET - 1)

    def encoded(self) -> str:
        """The `encodedList` (Bitstring Status List §3.3); ValueError when it is too short."""
        if len(self.octets) < LEAST_BITSTRING:
            raise ValueError("a bitstring has at least 131,072 bits")
        return _MULTIBASE + _packed(self.octets, _GZIP)


def read_lst(lst: str, bits: int, most: int = MOST_OCTETS) -> StatusArray:
    """The list behind an `lst` of at most `most` octets unpacked; BadStatusList otherwise."""
    if bits not in WIDTHS:
        raise bad("状态位数须为 1、2、4 或 8", "a status takes 1, 2, 4 or 8 bits")
    return StatusArray(bits, _unpacked(lst, _ZLIB, most))


def read_bitstring(encoded: str, most: int = MOST_OCTETS) -> Bitstring:
    """The flags behind an `encodedList` of at most `most` octets unpacked; else BadStatusList."""
    if not encoded.startswith(_MULTIBASE):
        raise bad("状态列表须以 u 开头", "the list does not begin with the letter u")
    octets = _unpacked(encoded.removeprefix(_MULTIBASE), _GZIP, most)
    if len(octets) < LEAST_BITSTRING:
        raise bad("状态列表不足 131072 位", "the list has fewer than 131,072 bits")
    return Bitstring(octets)


def bad(zh: str, en: str) -> BadStatusList:
    """The refusal of a list, in both languages."""
    return BadStatusList(Words(zh=zh, en=en))


def _packed(octets: bytes, format_: int) -> str:
    squeeze = zlib.compressobj(_LEVEL, zlib.DEFLATED, format_)
    compressed = squeeze.compress(octets) + squeeze.flush()
    return urlsafe_b64encode(compressed).rstrip(b"=").decode("ascii")


def _unpacked(text: str, format_: int, most: int) -> bytes:
    """The octets, never more than `most` of them in memory: a list may be a bomb."""
    # Incompressible octets grow by a third in base64 and by a little in DEFLATE.
    if len(text) > most * 3 // 2 + 1024:
        raise _too_long()
    if not _ALPHABET.fullmatch(text) or len(text) % 4 == 1:
        raise _unreadable()
    inflate = zlib.decompressobj(format_)
    try:
        octets = inflate.decompress(urlsafe_b64decode(text + "=" * (-len(text) % 4)), most + 1)
    except zlib.error as error:
        raise _unreadable() from error
    if len(octets) > most:
        raise _too_long()
    if not inflate.eof or inflate.unused_data:  # cut off, or followed by something else
        raise _unreadable()
    return octets


def _too_long() -> BadStatusList:
    return bad("状态列表过长", "the list is too long")


def _unreadable() -> BadStatusList:
    return bad("状态列表无法解开", "the list cannot be unpacked")
