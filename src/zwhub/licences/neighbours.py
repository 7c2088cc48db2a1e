"""Neighbours (相邻名): keyed digests that lie beside each other where their texts begin alike.

An issuer numbers its licences one after the other, and delivers them so. Digests that are random
throughout would put each name of a delivery on another page of the index, to be read, changed,
and logged whole after a checkpoint.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from zwhub.kernel.crypto.digests import keyed_digest, keyed_digests

NAME_BYTES, SHARED_BYTES = 16, 6
_LONGEST = 100  # characters: longer than any number, and not worth being remembered
TAIL = 4  # characters: ten thousand running numbers begin alike, which is half a megabyte of index

# Citizens' numbers (GB 11643) begin with where and when somebody was born, wherever they stand in
# a number: with the century, or, in 15 digits, without.
_BORN = re.compile(r"[0-9]{6}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_BORN_BEFORE_2000 = re.compile(r"(?<![0-9])[0-9]{11}$")


def names(secret: bytes, kind: str) -> Callable[[str], bytes]:
    """Names of one kind, 16 bytes each: six of them tell what the text begins with, ten all of it.

    So whoever has the names but not the secret knows which numbers are close to each other. What
    may be a person's own number is close to none.
    """
    digest = keyed_digests(secret, kind)

    def name(text: str) -> bytes:
        shared = _shared(secret, kind, text[:-TAIL]) if len(text) <= _LONGEST else b""
        return shared + digest(text)[: NAME_BYTES - len(shared)]

    return name


@lru_cache(maxsize=16_384)
def _shared(secret: bytes, kind: str, beginning: str) -> bytes:
    if _BORN.search(beginning) or _BORN_BEFORE_2000.search(beginning):
        return b""
    return keyed_digest(secret, f"{kind}-beginning", beginning)[:SHARED_BYTES]
