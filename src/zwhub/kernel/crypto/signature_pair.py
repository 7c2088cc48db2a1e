"""A signature as a pair r, s (签名值): raw bytes in JOSE, DER in certificates and seals."""

COORDINATE = 32  # bytes of r and of s on a 256-bit curve
RAW = 2 * COORDINATE

_SEQUENCE, _INTEGER = 0x30, 0x02
_MOST_ZEROS = 2  # the 00 of the sign, and one too many


def to_der(raw: bytes) -> bytes:
    """`SEQUENCE { INTEGER r, INTEGER s }` (RFC 3279 §2.2.3) for 64 bytes r‖s.

    Raises ValueError for any other length.
    """
    if len(raw) != RAW:
        raise ValueError("a raw signature has 64 bytes")
    body = _integer(raw[:COORDINATE]) + _integer(raw[COORDINATE:])
    return bytes((_SEQUENCE, len(body))) + body


def to_raw(der: bytes) -> bytes | None:
    """The 64 bytes r‖s of a DER pair, or None when it is not one.

    Sealing devices in the field write one leading 00 too many; that much is forgiven.
    """
    if der[:2] != bytes((_SEQUENCE, (len(der) - 2) & 0xFF)):
        return None
    r, rest = _split_integer(der[2:])
    s, rest = _split_integer(rest)
    return None if r is None or s is None or rest else r + s


def _integer(value: bytes) -> bytes:
    digits = value.lstrip(b"\0") or b"\0"
    if digits[0] & 0x80:
        digits = b"\0" + digits
    return bytes((_INTEGER, len(digits))) + digits


def _split_integer(der: bytes) -> tuple[bytes | None, bytes]:
    length = der[1] if der[:1] == bytes((_INTEGER,)) and len(der) > 1 else 0
    digits, rest = der[2 : 2 + length], der[2 + length :]
    magnitude = digits.lstrip(b"\0")
    spare = len(digits) - len(magnitude)
    if not length or len(digits) != length or digits[0] & 0x80 or spare > _MOST_ZEROS:
        return None, rest
    return magnitude.rjust(COORDINATE, b"\0") if len(magnitude) <= COORDINATE else None, rest
