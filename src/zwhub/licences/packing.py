"""Packing (压缩): a signed record in a sixth of its size, and back to the very bytes received.

Records of a city resemble each other, so a dictionary of what they share (`records-1.zdict`, made
by `bench/record_dictionary.py`) leaves some 130 of a thousand bytes, and the signature. A
dictionary never changes once records lie under it: a better one gets the next number.
"""

import threading
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

import zstandard

from zwhub.kernel.crypto.jws import Jws, MalformedJws, decoded, rebuilt
from zwhub.kernel.words import Words

_NEWEST = 1  # the number of the dictionary that packs
_MARK = bytes([_NEWEST])
_LEVEL = 3  # 3.4 µs a record; level 19 would save another 20 bytes at a hundred times the cost
_FRAME = 5  # the dictionary (1), length of the header (2), length of the signature (2)

_own = threading.local()  # zstandard's objects serve one thread at a time


def pack(jws: Jws) -> bytes:
    """`dictionary ‖ lengths ‖ signature ‖ zstd(header ‖ payload)`.

    A record that was read is canonical, so these parts are all there is to it.
    """
    return pack_all([jws])[0]


def pack_all(records: Iterable[Jws]) -> list[bytes]:
    """The same for many."""
    compress = _compressor().compress
    packed = []
    for jws in records:
        begin, header = _header(jws.signing_input.partition(b".")[0])
        signature = jws.signature
        size = len(signature).to_bytes(2, "big")
        packed.append(b"".join((begin, size, signature, compress(header + jws.payload))))
    return packed


def unpack(packed: bytes) -> Jws:
    """The record that was packed; its `text` is the very bytes. Raises `MalformedJws`."""
    if packed[:1] != _MARK:
        words = Words("记录以未知的词典压缩", "the record is packed with an unknown dictionary")
        raise MalformedJws(words)
    header_size = int.from_bytes(packed[1:3], "big")
    signature_size = int.from_bytes(packed[3:_FRAME], "big")
    body = _FRAME + signature_size
    text = _decompressor().decompress(packed[body:])
    return rebuilt(text[:header_size], text[header_size:], packed[_FRAME:body])


@lru_cache(maxsize=1_024)  # an issuer writes the same into each of its records
def _header(part: bytes) -> tuple[bytes, bytes]:
    header = decoded(part)
    return _MARK + len(header).to_bytes(2, "big"), header


@cache
def _dictionary() -> zstandard.ZstdCompressionDict:
    raw = (files("zwhub.licences") / f"records-{_NEWEST}.zdict").read_bytes()
    dictionary = zstandard.ZstdCompressionDict(raw)
    dictionary.precompute_compress(level=_LEVEL)
    return dictionary


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_own, "compressor"):
        _own.compressor = zstandard.ZstdCompressor(dict_data=_dictionary(), write_dict_id=False)
    made: zstandard.ZstdCompressor = _own.compressor
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_own, "decompressor"):
        _own.decompressor = zstandard.ZstdDecompressor(dict_data=_dictionary())
    made: zstandard.ZstdDecompressor = _own.decompressor
    return made
