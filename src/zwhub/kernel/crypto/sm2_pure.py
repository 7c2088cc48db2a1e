"""SM2 signatures (国密椭圆曲线签名) in pure Python: the spare where there is no libcrypto.

Not constant-time. Verification handles public values only, so nothing leaks there; signing
with this backend is for a sandbox, not for a machine shared with strangers.
"""

import secrets
from functools import lru_cache
from typing import TypeAlias

from cryptography.hazmat.primitives import hashes

from zwhub.kernel.crypto.signature_pair import COORDINATE, RAW

# GB/T 32918.5 (= GM/T 0003.5): the recommended curve y² = x³ + ax + b over p, with a = p - 3.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GX = 0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7
GY = 0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0

PUBLIC = 1 + 2 * COORDINATE  # bytes of 04‖x‖y
MAX_IDENTITY = 8190  # bytes; ENTL counts bits in 16 bits, and libcrypto stops one byte short

Affine: TypeAlias = tuple[int, int]
Jacobian: TypeAlias = tuple[int, int, int]  # x = X/Z², y = Y/Z³; Z = 0 is the point at infinity
Term: TypeAlias = tuple[int, int, list[Affine]]  # scalar, window width, odd multiples of a point

_INFINITY: Jacobian = (1, 1, 0)
_OWN_WIDTH, _BASE_WIDTH = 5, 8


def verify(public: bytes, message: bytes, signature: bytes, identity: bytes) -> bool:
    """Whether `signature` (64 bytes r‖s) is `public`'s (65 bytes) on `message`; never raises."""
    point = _point(public)
    if point is None or len(signature) != RAW or len(identity) > MAX_IDENTITY:
        return False
    r, s = _int(signature[:COORDINATE]), _int(signature[COORDINATE:])
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t):
        return False
    # GB/T 32918.2 §7.1 steps B5 to B7: (x, y) = sG + tP, accept when r = e + x.
    x = _x(_sum((s, _BASE_WIDTH, _base()), (t, _OWN_WIDTH, _odd_multiples(point, _OWN_WIDTH))))
    return x is not None and (_digest(public, message, identity) + x) % N == r


def sign(private: bytes, message: bytes, identity: bytes) -> bytes:
    """64 bytes r‖s over `message` (GB/T 32918.2 §6.1). ValueError: no private key, identity."""
    d = scalar(private)
    if len(identity) > MAX_IDENTITY:
        raise ValueError("an SM2 identity has at most 8190 bytes")
    e = _digest(public_of(private), message, identity)
    while True:
        k = 1 + secrets.randbelow(N - 1)
        r = (e + (_x(_sum((k, _BASE_WIDTH, _base()))) or 0)) % N
        s = pow(1 + d, -1, N) * (k - r * d) % N
        if r and s and r + k != N:
            return _bytes(r) + _bytes(s)


@lru_cache(maxsize=64)  # a signer needs its own at every signature
def public_of(private: bytes) -> bytes:
    """The 65 bytes 04‖x‖y of a 32-byte private key; ValueError when it is none."""
    x, y = _affine(_sum((scalar(private), _BASE_WIDTH, _base())))
    return b"\x04" + _bytes(x) + _bytes(y)


def is_point(public: bytes) -> bool:
    """Whether these are the 65 bytes 04‖x‖y of a point on the curve (never infinity)."""
    return _point(public) is not None


def scalar(private: bytes) -> int:
    """The number d of a private key, 1 to n - 2 (GB/T 32918.1 §6.1), or ValueError."""
    d = _int(private)
    if len(private) != COORDINATE or not 0 < d < N - 1:
        raise ValueError("not an SM2 private key")
    return d


def _digest(public: bytes, message: bytes, identity: bytes) -> int:
    # GB/T 32918.2 §5.5: Z = SM3(ENTL ‖ ID ‖ a ‖ b ‖ G ‖ P), then e = SM3(Z ‖ M).
    entl = (8 * len(identity)).to_bytes(2, "big")
    curve = b"".join(map(_bytes, (A, B, GX, GY)))
    return _int(_sm3(_sm3(entl + identity + curve + public[1:]) + message))


def _sm3(data: bytes) -> bytes:
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


def _point(public: bytes) -> Affine | None:
    x, y = _int(public[1 : 1 + COORDINATE]), _int(public[1 + COORDINATE :])
    if len(public) != PUBLIC or public[0] != 4 or x >= P or y >= P:  # noqa: PLR2004 - uncompressed
        return None
    return (x, y) if (y * y - x * x * x - A * x - B) % P == 0 else None


def _int(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _bytes(number: int) -> bytes:
    return number.to_bytes(COORDINATE, "big")


def _sum(*terms: Term) -> Jacobian:
    """Σ scalar·point, all terms sharing one chain of doublings (interleaved wNAF)."""
    digits = [(_naf(scalar, width), multiples) for scalar, width, multiples in terms]
    total = _INFINITY
    for position in reversed(range(max(len(naf) for naf, _ in digits))):
        total = _double(total)
        for naf, multiples in digits:
            digit = naf[position] if position < len(naf) else 0
            if digit > 0:
                total = _add(total, multiples[digit >> 1])
            elif digit:
                x, y = multiples[-digit >> 1]
                total = _add(total, (x, P - y))
    return total


def _naf(number: int, width: int) -> list[int]:
    """Signed odd digits below 2^(width-1), least significant first, few of them non-zero."""
    digits, full, half = [], 1 << width, 1 << (width - 1)
    while number:
        digit = 0
        if number & 1:
            digit = number % full
            digit -= full if digit >= half else 0
            number -= digit
        digits.append(digit)
        number >>= 1
    return digits


@lru_cache(maxsize=1)
def _base() -> list[Affine]:
    return _odd_multiples((GX, GY), _BASE_WIDTH)


def _odd_multiples(point: Affine, width: int) -> list[Affine]:
    """point · 1, 3, 5 … below 2^(width-1), in affine form for the cheaper addition."""
    twice = _affine(_double((*point, 1)))
    multiples: list[Jacobian] = [(*point, 1)]
    while len(multiples) < 1 << (width - 2):
        multiples.append(_add(multiples[-1], twice))
    return _all_affine(multiples)


def _all_affine(points: list[Jacobian]) -> list[Affine]:
    """Affine forms for the price of one inversion (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % P)
    inverse, found = pow(products[-1], -1, P), []
    for (x, y, z), product in zip(reversed(points), reversed(products[:-1]), strict=True):
        own, inverse = inverse * product % P, inverse * z % P
        square = own * own % P
        found.append((x * square % P, y * square * own % P))
    return found[::-1]


def _affine(point: Jacobian) -> Affine:
    return _all_affine([point])[0]


def _x(point: Jacobian) -> int | None:
    return _affine(point)[0] if point[2] else None


def _double(point: Jacobian) -> Jacobian:
    # "dbl-2001-b" of the Explicit-Formulas Database, for a = -3. Infinity doubles to itself.
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, 2 * y * z % P


def _add(left: Jacobian, right: Affine) -> Jacobian:
    # Mixed addition, right having Z = 1 ("madd" of the same database).
    x1, y1, z1 = left
    if not z1:
        return (*right, 1)
    square = z1 * z1 % P
    h = (right[0] * square - x1) % P
    slope = (right[1] * square * z1 - y1) % P
    if not h:
        return _INFINITY if slope else _double(left)
    h2 = h * h % P
    h3, v = h * h2 % P, x1 * h2 % P
    x3 = (slope * slope - h3 - 2 * v) % P
    return x3, (slope * (v - x3) - y1 * h3) % P, z1 * h % P
