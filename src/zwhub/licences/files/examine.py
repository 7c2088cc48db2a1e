"""Examine a file (文件核验): by its content, offline, against the anchors given."""

from zwhub.kernel.words import Words
from zwhub.licences.files.findings import (
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    failed,
    unchecked,
)
from zwhub.licences.files.jws import examine_jws
from zwhub.licences.files.sniff import sniff
from zwhub.licences.files.verdict import Anchors

LARGEST_FILE = 20_000_000


def examine_file(octets: bytes, anchors: Anchors) -> FileFinding:
    """What the hub finds of a file of at most 20 MB. Never raises for what is in it."""
    kind = sniff(octets)
    if len(octets) > LARGEST_FILE:
        words = Words("文件超过 20 MB", "the file is larger than 20 MB")
        refused = failed(FileCheckName.CONTAINER, words, "", FileReason.CONTAINER_REFUSED)
        return FileFinding(kind, (refused,))
    match kind:
        case FileFormat.JWS:
            return examine_jws(octets, anchors)
        # These take heavy libraries, which nobody loads who has no such file to read.
        case FileFormat.OFD:
            from zwhub.licences.files.ofd import examine_ofd

            return examine_ofd(octets, anchors)
        case FileFormat.PDF:
            from zwhub.licences.files.pdf import examine_pdf

            return examine_pdf(octets, anchors)
    words = Words("不是 JWS、PDF 或 OFD 文件", "neither JWS nor PDF nor OFD")
    unknown = unchecked(FileCheckName.CONTAINER, words, "", FileReason.UNKNOWN_FORMAT)
    return FileFinding(kind, (unknown,))
