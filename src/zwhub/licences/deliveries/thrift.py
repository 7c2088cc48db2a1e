"""Thrift's compact protocol (Thrift 紧凑编码): what a stranger's metadata say, read within limits.

Parquet writes its metadata so (https://github.com/apache/thrift, thrift-compact-protocol.md).
"""

from typing import Any

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _SET, _MAP = 1, 2, 3, 7, 8, 10, 11
I16, I32, I64, LIST, STRUCT = 4, 5, 6, 9, 12
_NUMBERS = frozenset({I16, I32, I64})  # all written alike
_LONGEST_NUMBER = 10  # bytes of 7 bits
_DEEPEST = 16
_FEW = 15  # a list of so many or more says its size in a number of its own


class Malformed(Exception):
    """Octets that end too early, mean nothing, or hold more parts than are allowed."""


class Compact:
    """A reader of one structure at the beginning of `octets`; `at` is how far it has come.

    Structures and texts are the parts that cost memory: at most `most_parts` are read.
    """

    def __init__(self, octets: bytes, most_parts: int) -> None:
        self._octets, self._room, self.at = octets, most_parts, 0

    def struct(self, depth: int = 0) -> dict[tuple[int, int], Any]:
        """Its fields by number and kind: numbers, structures and lists of them; else None.

        A field of another kind than a reader expects is none to it. Raises `Malformed`, for a field
        that occurs twice too: which one counts?
        """
        self._part(depth)
        fields: dict[tuple[int, int], Any] = {}
        numbers = set()
        number = 0
        while head := self._byte():
            kind, step = head & 0x0F, head >> 4
            number = number + step if step else self._number()
            if number in numbers:
                raise Malformed
            numbers.add(number)
            if kind not in (_TRUE, _FALSE):  # which have no octets of their own
                fields[number, kind] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in _NUMBERS:
            return self._number()
        if kind == STRUCT:
            return self.struct(depth + 1)
        if kind == _BINARY:
            self._part(depth)
            self._skip(self._size())
        elif kind in (LIST, _SET):
            return self._list(depth + 1)
        elif kind == _MAP:
            self._map(depth + 1)
        elif kind in (_TRUE, _FALSE, _BYTE):
            self._skip(1)
        elif kind == _DOUBLE:
            self._skip(8)
        else:
            raise Malformed
        return None

    def _list(self, depth: int) -> list[Any] | None:
        self._part(depth)
        head = self._byte()
        size = self._size() if head >> 4 == _FEW else head >> 4
        kind = head & 0x0F
        if kind == STRUCT:
            return [self.struct(depth + 1) for _ in range(size)]
        for _ in range(size):
            self._value(kind, depth)
        return None

    def _map(self, depth: int) -> None:
        self._part(depth)
        size = self._size()
        kinds = self._byte() if size else 0
        for _ in range(size):
            self._value(kinds >> 4, depth)
            self._value(kinds & 0x0F, depth)

    def _part(self, depth: int) -> None:
        self._room -= 1
        if self._room < 0 or depth > _DEEPEST:
            raise Malformed

    def _byte(self) -> int:
        self._skip(1)
        return self._octets[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._octets):
            raise Malformed

    def _size(self) -> int:
        """Written without a sign."""
        value = 0
        for place in range(_LONGEST_NUMBER):
            byte = self._byte()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:  # noqa: PLR2004 - the bit that says there is more
                return value
        raise Malformed

    def _number(self) -> int:
        """Written zigzag: 0, -1, 1, -2 …"""
        value = self._size()
        return (value >> 1) ^ -(value & 1)
