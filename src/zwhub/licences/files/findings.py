"""What can be found of a file (文件核验结论): formats, integrity, checks, reasons."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.words import Words
from zwhub.licences.findings import Outcome, Verdict


class FileFormat(StrEnum):
    """What a file is, by its content and not by its name."""

    JWS = "JWS"
    PDF = "PDF"
    OFD = "OFD"
    UNKNOWN = "UNKNOWN"


class Integrity(StrEnum):
    """Whether the file is what was signed."""

    INTACT = "INTACT"
    ALTERED = "ALTERED"
    PARTLY_SIGNED = "PARTLY_SIGNED"
    NOT_CHECKED = "NOT_CHECKED"


class FileReason(StrEnum):
    """Why: the first thing that failed, else the first that could not be checked, else OK."""

    OK = "OK"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    MALFORMED = "MALFORMED"
    CONTAINER_REFUSED = "CONTAINER_REFUSED"
    NOT_SIGNED = "NOT_SIGNED"
    UNKNOWN_LAYOUT = "UNKNOWN_LAYOUT"
    CONTENT_ALTERED = "CONTENT_ALTERED"
    UNSIGNED_PARTS = "UNSIGNED_PARTS"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SEAL_INVALID = "SEAL_INVALID"
    SIGNER_NOT_LISTED = "SIGNER_NOT_LISTED"
    SIGNED_IN_FUTURE = "SIGNED_IN_FUTURE"
    CERTIFICATE_EXPIRED_AT_SIGNING = "CERTIFICATE_EXPIRED_AT_SIGNING"
    SEAL_EXPIRED_AT_SIGNING = "SEAL_EXPIRED_AT_SIGNING"
    SIGNING_TIME_UNKNOWN = "SIGNING_TIME_UNKNOWN"
    ISSUER_NOT_TRUSTED = "ISSUER_NOT_TRUSTED"
    ISSUER_NOT_AUTHORISED = "ISSUER_NOT_AUTHORISED"
    NOT_REGISTERED = "NOT_REGISTERED"
    RECORD_DIFFERS = "RECORD_DIFFERS"
    CHECK_CHARACTER_WRONG = "CHECK_CHARACTER_WRONG"
    NOT_YET_ISSUED = "NOT_YET_ISSUED"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    LAPSED = "LAPSED"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    STATUS_UNAVAILABLE = "STATUS_UNAVAILABLE"
    SUPERSEDED = "SUPERSEDED"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"


class FileCheckName(StrEnum):
    """The checks, in the order in which they are made."""

    CONTAINER = "CONTAINER"
    REFERENCES = "REFERENCES"
    COVERAGE = "COVERAGE"
    DATA_HASH = "DATA_HASH"
    DOCUMENT_SIGNATURE = "DOCUMENT_SIGNATURE"
    SEAL_SIGNATURE = "SEAL_SIGNATURE"
    SIGNER_LISTED = "SIGNER_LISTED"
    SIGNING_TIME = "SIGNING_TIME"
    CERTIFICATE_AT_SIGNING = "CERTIFICATE_AT_SIGNING"
    SEAL_AT_SIGNING = "SEAL_AT_SIGNING"
    TRUST_ANCHOR = "TRUST_ANCHOR"
    CERTIFICATE_NOW = "CERTIFICATE_NOW"
    SEAL_NOW = "SEAL_NOW"
    ISSUER_AUTHORISED = "ISSUER_AUTHORISED"
    RECORD = "RECORD"
    IDENTIFIER = "IDENTIFIER"
    REGISTRY_STATUS = "REGISTRY_STATUS"
    NEWEST_VERSION = "NEWEST_VERSION"
    VALIDITY = "VALIDITY"


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One check. `reason` stands for what decides: a FAIL, or a NOT_CHECKED that leaves doubt.

    A FAIL without a reason is told but does not decide: a certificate that expired after signing.
    """

    name: FileCheckName
    outcome: Outcome
    detail: Words
    clause: str
    reason: FileReason | None = None

    @property
    def stands(self) -> bool:
        """Whether nothing here speaks against a verdict of GENUINE."""
        return self.reason is None


def verdict_of(checks: Iterable[FileCheck]) -> tuple[Verdict, FileReason]:
    """What follows from the checks; of none nothing follows."""
    listed = list(checks)
    for outcome, verdict in (
        (Outcome.FAIL, Verdict.NOT_GENUINE),
        (Outcome.NOT_CHECKED, Verdict.INDETERMINATE),
    ):
        for check in listed:
            if check.outcome is outcome and check.reason is not None:
                return verdict, check.reason
    if not any(check.outcome is Outcome.PASS for check in listed):
        return Verdict.INDETERMINATE, FileReason.UNKNOWN_LAYOUT
    return Verdict.GENUINE, FileReason.OK


_INTEGRITY = frozenset(
    {
        FileCheckName.REFERENCES,
        FileCheckName.COVERAGE,
        FileCheckName.DATA_HASH,
        FileCheckName.DOCUMENT_SIGNATURE,
    }
)


@dataclass(frozen=True, slots=True)
class SignatureFinding:
    """One signature: by whom, when (as it says itself), and every check in order.

    `certificate` is what the signer of a document brought; a record names its key instead.
    """

    signer: str | None
    signed_at: datetime | None
    checks: tuple[FileCheck, ...]
    certificate: Certificate | None = None

    @property
    def integrity(self) -> Integrity:
        """Whether this signature's document is unchanged and complete."""
        found = [one for one in self.checks if one.name in _INTEGRITY]
        failed = {one.name for one in found if one.outcome is Outcome.FAIL}
        if failed - {FileCheckName.COVERAGE}:
            return Integrity.ALTERED
        if failed:
            return Integrity.PARTLY_SIGNED
        passed = {one.name for one in found if one.outcome is Outcome.PASS}
        needed = FileCheckName.DOCUMENT_SIGNATURE
        complete = needed in passed and len(passed) == len(found)
        return Integrity.INTACT if complete else Integrity.NOT_CHECKED

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.checks)[0]

    @property
    def reason(self) -> FileReason:
        return verdict_of(self.checks)[1]


@dataclass(frozen=True, slots=True)
class FileFinding:
    """A file: its own checks, its signatures, the parts nobody signed, the licence it names."""

    format: FileFormat
    checks: tuple[FileCheck, ...]
    signatures: tuple[SignatureFinding, ...] = ()
    uncovered: tuple[str, ...] = ()
    identifier: str | None = None

    @property
    def _all(self) -> list[FileCheck]:
        return [*self.checks, *(check for one in self.signatures for check in one.checks)]

    @property
    def verdict(self) -> Verdict:
        """GENUINE only when the file has signatures and each of them is GENUINE."""
        found = verdict_of(self._all)[0]
        genuine = self.signatures and all(s.verdict is Verdict.GENUINE for s in self.signatures)
        return Verdict.INDETERMINATE if found is Verdict.GENUINE and not genuine else found

    @property
    def reason(self) -> FileReason:
        found = verdict_of(self._all)[1]
        if found is FileReason.OK and self.verdict is not Verdict.GENUINE:
            return FileReason.UNKNOWN_LAYOUT
        return found


def passed(name: FileCheckName, detail: Words, clause: str) -> FileCheck:
    return FileCheck(name, Outcome.PASS, detail, clause)


def failed(name: FileCheckName, detail: Words, clause: str, reason: FileReason) -> FileCheck:
    return FileCheck(name, Outcome.FAIL, detail, clause, reason)


def unchecked(
    name: FileCheckName,
    detail: Words,
    clause: str,
    reason: FileReason = FileReason.UNKNOWN_LAYOUT,
) -> FileCheck:
    """Not checked, and in doubt because of it."""
    return FileCheck(name, Outcome.NOT_CHECKED, detail, clause, reason)
