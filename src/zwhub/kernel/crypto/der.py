"""DER (可辨别编码): a tree of raw pieces, because a signature covers bytes and not values."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from asn1crypto import core

UNIVERSAL, CONTEXT = 0, 2
BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 1, 2, 3, 4, 6
SEQUENCE, SET, UTC_TIME, GENERALIZED_TIME = 16, 17, 23, 24
_MOST_CHILDREN = 10_000
_MOST_OID_BYTES = 64
_TAG_BITS, _CONSTRUCTED, _INDEFINITE, _WIDEST = 0x1F, 0x20, 0x80, 4


class UnknownLayout(ValueError):
    """Bytes that are no DER, or not laid out as any rule known here."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: `whole` as it stands in the file, `content` without tag and length."""

    kind: int
    tag: int
    constructed: bool
    whole: bytes = field(repr=False)
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, der: bytes) -> "Node":
        """The one element that `der` consists of; UnknownLayout otherwise."""
        nodes = list(_split(der))
        if len(nodes) != 1:
            raise UnknownLayout("not one element")
        return nodes[0]

    @classmethod
    def read_padded(cls, der: bytes) -> "Node":
        """The same, followed by nothing but zeros: room reserved for a signature, not all used."""
        if not der:
            raise UnknownLayout("nothing")
        node = _one(der, 0)
        if der[len(node.whole) :].strip(b"\0"):
            raise UnknownLayout("something behind the element")
        return node

    def children(self) -> list["Node"]:
        """What a constructed element holds, in order."""
        if not self.constructed:
            raise UnknownLayout("holds nothing")
        return list(_split(self.content))

    def expect(self, tag: int, kind: int = UNIVERSAL) -> "Node":
        """Itself, or UnknownLayout."""
        if (self.kind, self.tag) != (kind, tag):
            raise UnknownLayout(f"tag {self.kind}/{self.tag} where {kind}/{tag} belongs")
        return self

    def sequence(self) -> list["Node"]:
        return self.expect(SEQUENCE).children()

    def integer(self) -> int:
        """An INTEGER; superfluous leading 00, which devices in the field write, are let pass."""
        if not self.expect(INTEGER).content:
            raise UnknownLayout("an integer without digits")
        return int.from_bytes(self.content, "big", signed=True)

    def octets(self) -> bytes:
        return self.expect(OCTET_STRING).content

    def bits(self) -> bytes:
        """The octets of a BIT STRING of whole octets (X.690 §8.6.2)."""
        content = self.expect(BIT_STRING).content
        if content[:1] != b"\0" or self.constructed:
            raise UnknownLayout("bits that are no whole octets")
        return content[1:]

    def oid(self) -> str:
        """An object identifier in dotted form."""
        if not 0 < len(self.expect(OID).content) <= _MOST_OID_BYTES:
            raise UnknownLayout("an object identifier of no sensible length")
        try:
            return str(core.ObjectIdentifier.load(self.whole).dotted)
        except Exception as error:  # the parser fails on strangers' bytes in several ways
            raise UnknownLayout("no object identifier") from error


def _split(octets: bytes) -> Iterator[Node]:
    at = 0
    for _ in range(_MOST_CHILDREN):
        if at == len(octets):
            return
        node = _one(octets, at)
        yield node
        at += len(node.whole)
    raise UnknownLayout("too many elements")


def _one(octets: bytes, at: int) -> Node:
    first = octets[at]
    size, start = _length(octets, at + 1)
    if first & _TAG_BITS == _TAG_BITS or start + size > len(octets):
        raise UnknownLayout("a long tag, or cut off")
    whole = octets[at : start + size]
    return Node(
        kind=first >> 6,
        tag=first & _TAG_BITS,
        constructed=bool(first & _CONSTRUCTED),
        whole=whole,
        content=whole[start - at :],
    )


def _length(octets: bytes, at: int) -> tuple[int, int]:
    """The length that stands at `at`, and where the content begins (X.690 §8.1.3)."""
    first = octets[at] if at < len(octets) else _INDEFINITE
    if first < _INDEFINITE:
        return first, at + 1
    width = first - _INDEFINITE
    digits = octets[at + 1 : at + 1 + width]
    if not 1 <= width <= _WIDEST or len(digits) != width:
        raise UnknownLayout("an indefinite or impossible length")
    return int.from_bytes(digits, "big"), at + 1 + width
