"""Proven signatures (已验签名): a good one stays good, so it is worked out once.

What is remembered is no verdict: only that these very bytes carry this very key's signature, which
nothing that happens later can change. A failure is never remembered, nor is anything on disk.
"""

from hashlib import blake2b

from zwhub.kernel.crypto.jws import Jws
from zwhub.kernel.crypto.keys import PublicKey

MOST = 100_000  # some 12 MB
_proven: set[bytes] = set()


def signed_by(jws: Jws, key: PublicKey) -> bool:
    """As `jws.signed_by(key)`, a fiftieth of the time for what was proven before."""
    fact = _fact(jws, key)
    if fact in _proven:
        return True
    if not jws.signed_by(key):
        return False
    if len(_proven) >= MOST:
        _proven.clear()
    _proven.add(fact)
    return True


def _fact(jws: Jws, key: PublicKey) -> bytes:
    """A digest of all that the proof depends on; the length keeps the parts apart."""
    spki = key.der()
    digest = blake2b(len(spki).to_bytes(4, "big") + spki, digest_size=32)
    digest.update(len(jws.signature).to_bytes(4, "big") + jws.signature)
    digest.update(jws.algorithm.encode() + b".")
    digest.update(jws.signing_input)
    return digest.digest()
