"""PDF files (PDF 文件): every signature in the form, what each covers, what came after it."""

import io
import logging
import re
from dataclasses import dataclass, replace
from typing import Any

from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature, extract_contents
from pyhanko.sign.validation.status import SignatureCoverageLevel

from zwhub.kernel.crypto.certificates import MalformedCertificate
from zwhub.kernel.crypto.der import Node, UnknownLayout
from zwhub.kernel.crypto.signed_data import SignedData, read_signed_data
from zwhub.kernel.crypto.signing_time import instant
from zwhub.kernel.words import Words
from zwhub.licences.files.authority import naming
from zwhub.licences.files.deadline import SECONDS, TooSlow, deadline
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    SignatureFinding,
    failed,
    passed,
    unchecked,
)
from zwhub.licences.files.verdict import (
    Anchors,
    Party,
    certificate_at_signing,
    certificate_now,
    decided,
    document_signature,
    readable,
    signing_time,
    too_slow,
    trust_anchor,
)

_PDF, _CMS = "ISO 32000-2 §12.8", "RFC 5652 §5"
_DETACHED = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached"})
_MOST_SIGNATURES = 32
_HARMLESS = frozenset(
    {ModificationLevel.NONE, ModificationLevel.LTA_UPDATES, ModificationLevel.FORM_FILLING}
)
_IDENTIFIER = re.compile(r"1\.2\.156\.3005\.2\.[0-9A-Z.]{20,120}")
# The reader tells of oddities in strangers' files on a log of its own; the verdict tells enough.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())
logging.getLogger("pyhanko").propagate = False


@dataclass(frozen=True, slots=True)
class _Field:
    """One signature field: what it holds, and the bytes it says it covers."""

    name: str
    field: Any
    dictionary: Any

    def gap(self) -> tuple[int, int, int]:
        """Covered: [0, begin) and [end, last). Raises UnknownLayout for any other range."""
        said = [int(one) for one in self.dictionary.raw_get("/ByteRange")]
        if len(said) != 4 or said[0] != 0 or min(said) < 0:  # noqa: PLR2004 - two pairs
            raise UnknownLayout("a byte range that does not begin at the beginning")
        return said[1], said[2], said[2] + said[3]


@dataclass(frozen=True, slots=True)
class _Examined:
    """One signature before the question what came after it."""

    finding: SignatureFinding
    field: _Field
    last: int
    covers_all: bool

    @property
    def stands(self) -> bool:
        return all(check.stands for check in self.finding.checks)


def examine_pdf(octets: bytes, anchors: Anchors, seconds: float = SECONDS) -> FileFinding:
    """Structure, then every signature. Never raises for what is in the file."""
    if not octets.startswith(b"%PDF-"):
        # Offsets count from the first byte for one reader, from the header for another.
        words = Words("PDF 文件头之前有多余内容", "there is something in front of the PDF")
        return _refused(words, FileReason.CONTAINER_REFUSED)
    try:
        with deadline(seconds):
            return _examined(octets, anchors)
    except TooSlow:
        return FileFinding(FileFormat.PDF, (too_slow(_PDF),))


def _examined(octets: bytes, anchors: Anchors) -> FileFinding:
    # The reader works on strangers' bytes and fails in many ways, all of which mean the same.
    try:
        reader, strict = _opened(octets)
        if reader.encrypted and not _unlocked(reader):
            return _locked()
        fields = _fields(reader)
        identifiers = _identifiers(reader)
    except Exception:
        return _refused(Words("PDF 无法读取", "the PDF cannot be read"), FileReason.MALFORMED)
    if len(fields) > _MOST_SIGNATURES:
        return _refused(Words("签名过多", "there are too many signatures"), FileReason.MALFORMED)
    if not fields:
        return _refused(Words("文件没有签名", "nobody signed the file"), FileReason.NOT_SIGNED)
    return _judge_all(octets, reader, strict, fields, identifiers, anchors)


def _judge_all(
    octets: bytes,
    reader: PdfFileReader,
    strict: bool,
    fields: list[_Field],
    identifiers: frozenset[str],
    anchors: Anchors,
) -> FileFinding:
    examined = [_examine(octets, field, anchors) for field in fields]
    findings = tuple(_with_coverage(reader, strict, one, examined) for one in examined)
    covered = max(one.last for one in examined)
    rest = (f"bytes {covered}-{len(octets) - 1}",) if octets[covered:].strip() else ()
    read = passed(FileCheckName.CONTAINER, Words("PDF 结构可读", "the PDF can be read"), _PDF)
    found = FileFinding(FileFormat.PDF, (read,), findings, rest)
    return found if rest else naming(found, identifiers, anchors)


def _refused(words: Words, reason: FileReason) -> FileFinding:
    check = failed(FileCheckName.CONTAINER, words, _PDF, reason)
    return FileFinding(FileFormat.PDF, (check,))


def _opened(octets: bytes) -> tuple[PdfFileReader, bool]:
    """Strictly if it can be; a file that only a lenient reader reads may not grow after signing."""
    try:
        return PdfFileReader(io.BytesIO(octets), strict=True), True
    except Exception:
        return PdfFileReader(io.BytesIO(octets), strict=False), False


def _unlocked(reader: PdfFileReader) -> bool:
    """Whether anybody may read it: many files are encrypted to forbid printing alone."""
    try:
        return reader.decrypt("").status is not AuthStatus.FAILED
    except Exception:  # for certain readers' keys, or in a way that is not known
        return False


def _locked() -> FileFinding:
    words = Words("文件已加密，未检查", "the file is encrypted: not checked")
    check = unchecked(FileCheckName.CONTAINER, words, "ISO 32000-2 §7.6", FileReason.UNKNOWN_LAYOUT)
    return FileFinding(FileFormat.PDF, (check,))


def _fields(reader: PdfFileReader) -> list[_Field]:
    listed = enumerate_sig_fields(reader, filled_status=True)
    return [_Field(name, field, value.get_object()) for name, value, field in listed]


def _identifiers(reader: PdfFileReader) -> frozenset[str]:
    """The licences that the document's information names (证照标识)."""
    try:
        info: Any = reader.trailer["/Info"]
    except KeyError:
        return frozenset()
    said = {str(value) for value in info.values()}
    return frozenset(one for one in said if _IDENTIFIER.fullmatch(one))


def _examine(octets: bytes, field: _Field, anchors: Anchors) -> _Examined:
    try:
        begin, end, last = field.gap()
        _require_own_gap(octets, field, begin, end)
        if last > len(octets) or str(field.dictionary.get("/SubFilter")) not in _DETACHED:
            raise UnknownLayout("a kind of signature that is not checked here")
        data = read_signed_data(Node.read_padded(extract_contents(field.dictionary)).whole)
        document = octets[:begin] + octets[end:last]
        finding = _judged(document, data, _stated_time(field), anchors)
    except (UnknownLayout, MalformedCertificate):
        return _unread(field)
    except Exception:  # see `examine_pdf`: the fields are read lazily
        return _unread(field)
    return _Examined(finding, field, last, not octets[last:].strip())


def _unread(field: _Field) -> _Examined:
    words = Words("签名类型或格式不支持", "a kind or layout of signature that is not supported")
    check = unchecked(FileCheckName.DOCUMENT_SIGNATURE, words, _PDF)
    return _Examined(SignatureFinding(None, None, (check,)), field, 0, False)


def _require_own_gap(octets: bytes, field: _Field, begin: int, end: int) -> None:
    """What is not covered is this signature's own hexadecimal string, and nothing else."""
    gap = octets[begin:end]
    if gap[:1] != b"<" or gap[-1:] != b">":
        raise UnknownLayout("the gap is not the signature")
    try:
        inside = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError as error:
        raise UnknownLayout("the gap is not the signature") from error
    if inside != extract_contents(field.dictionary):
        raise UnknownLayout("the gap is another signature")


def _stated_time(field: _Field) -> str:
    """/M (ISO 32000-2 §7.9.4) lies in the signed bytes, whatever else the signature says."""
    said = str(field.dictionary.get("/M", "")).removeprefix("D:")
    return re.sub(r"Z00'?00'?$", "Z", said).replace("'", "")


def _judged(document: bytes, data: SignedData, stated: str, anchors: Anchors) -> SignatureFinding:
    certificate = data.certificate()
    signer = Party(certificate, data.signed_at or instant(stated), readable(data.others))
    covers = decided(
        FileCheckName.DATA_HASH,
        data.covers(document),
        Words("已签名字节未变", "the signed bytes are unchanged"),
        Words("已签名字节被改动", "the signed bytes were altered"),
        _PDF,
        FileReason.CONTENT_ALTERED,
    )
    checks = (
        covers,
        document_signature(data.holds(document), _CMS),
        signing_time(signer, anchors.now),
        certificate_at_signing(signer),
        trust_anchor([signer], anchors),
        certificate_now(certificate, anchors.now),
    )
    return SignatureFinding(certificate.subject, signer.at, checks, certificate)


def _with_coverage(
    reader: PdfFileReader, strict: bool, one: _Examined, all_: list[_Examined]
) -> SignatureFinding:
    if not one.last:  # it was not read
        return one.finding
    check = _coverage(reader, strict, one, all_)
    return replace(one.finding, checks=(check, *one.finding.checks))


def _coverage(
    reader: PdfFileReader, strict: bool, one: _Examined, all_: list[_Examined]
) -> FileCheck:
    name = FileCheckName.COVERAGE
    if one.covers_all:
        return passed(name, Words("覆盖整个文件", "the whole file is covered"), _PDF)
    level = _change(reader, one.field) if strict else ModificationLevel.OTHER
    signed_over = any(other.covers_all and other.stands for other in all_)
    if level in _HARMLESS and signed_over:
        words = Words("其后仅追加签名，已由后者覆盖", "only filled in and signed again since")
        return passed(name, words, _PDF)
    if level is ModificationLevel.LTA_UPDATES:
        words = Words("其后追加了未签名的验证信息", "unsigned validation data were added since")
        return unchecked(name, words, _PDF, FileReason.UNSIGNED_PARTS)
    # Level NONE is no exception: bytes behind the end make no revision for one reader, and may
    # make one for another.
    words = Words("签名之后追加了未签名的内容", "something was added after signing")
    return failed(name, words, _PDF, FileReason.UNSIGNED_PARTS)


def _change(reader: PdfFileReader, field: _Field) -> ModificationLevel:
    """How far the later revisions go; OTHER for whatever is suspicious or not permitted."""
    try:
        signature: Any = EmbeddedPdfSignature(reader, field.field, field.name)
        signature.compute_integrity_info()
        found, permitted = signature.diff_result, signature.docmdp_level
        coverage = signature.coverage
    except Exception:  # see `examine_pdf`
        return ModificationLevel.OTHER
    if coverage is not SignatureCoverageLevel.ENTIRE_REVISION or not isinstance(found, DiffResult):
        return ModificationLevel.OTHER
    level = found.modification_level
    if permitted is not None and level.value > permitted.value:
        return ModificationLevel.OTHER
    return level
