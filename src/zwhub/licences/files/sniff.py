"""What a file is (文件识别): by its content, never by its name."""

import re

from zwhub.licences.files.findings import FileFormat

_COMPACT_JWS = re.compile(rb"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")
_PDF = b"%PDF-"
_HEAD = 1_024  # readers look for a PDF so far in, whatever stands before it
_TAIL = 66_000  # the end record of a zip and the longest comment behind it


def sniff(octets: bytes) -> FileFormat:
    """The format; a zip is taken for an OFD, and refused later if it is none.

    Nor is all a sound PDF that some reader opens as one: see `examine_pdf`.
    """
    if octets.startswith(_PDF):
        return FileFormat.PDF
    if octets.startswith(b"PK") or b"PK\x05\x06" in octets[-_TAIL:]:
        return FileFormat.OFD
    if _COMPACT_JWS.fullmatch(octets.strip()):
        return FileFormat.JWS
    if _PDF in octets[: _HEAD + len(_PDF)]:
        return FileFormat.PDF
    return FileFormat.UNKNOWN
