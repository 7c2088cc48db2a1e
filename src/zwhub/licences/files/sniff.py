"""What a file is (文件识别): by its content, never by its name."""

import re

from zwhub.licences.files.findings import FileFormat

_COMPACT_JWS = re.compile(rb"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_TAIL = 66_000  # the end record of a zip and the longest comment behind it


def sniff(octets: bytes) -> FileFormat:
    """The format; a zip is taken for an OFD, and refused later if it is none."""
    if octets.startswith(b"%PDF-"):
        return FileFormat.PDF
    if octets.startswith(b"PK") or b"PK\x05\x06" in octets[-_TAIL:]:
        return FileFormat.OFD
    if _COMPACT_JWS.fullmatch(octets.strip()):
        return FileFormat.JWS
    return FileFormat.UNKNOWN
