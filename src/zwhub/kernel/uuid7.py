"""Identifiers in time order (时间有序标识): UUIDs of version 7, made here and not in the database."""

import os
from datetime import datetime
from uuid import UUID


def uuid7(at: datetime) -> UUID:
    """RFC 9562 §5.7: 48 bits of Unix milliseconds, then random bits."""
    milliseconds = int(at.timestamp() * 1000)
    rest = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (2**48 - 1)) << 80 | rest
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
