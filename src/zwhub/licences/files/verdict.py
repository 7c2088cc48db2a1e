"""The rules for one signature (签名核验规则), in the order of a full verdict. Pure; no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zwhub.kernel.clock import lies_ahead
from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate, chain_problem
from zwhub.kernel.crypto.seals import Seal
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.kernel.words import Words
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileReason,
    failed,
    passed,
    unchecked,
)
from zwhub.licences.findings import Outcome

_X509 = "RFC 5280 §6.1"
_SEAL = "GB/T 38540"
_NO_TIME = Words("签名时间无法读取", "the time of signing cannot be read")


@dataclass(frozen=True, slots=True)
class Anchors:
    """Whom to believe, and the moment that counts as now.

    `knows_rights`: whether the list says which licence types a key may sign; a folder of
    certificates does not.
    """

    trust: TrustList
    now: datetime
    knows_rights: bool = True

    def distrust(self, certificate: Certificate, at: datetime) -> Words | None:
        """What the trust list says against a signature of that time under this certificate."""
        listed = self.keys_of(certificate)
        return next((words for key in listed if (words := key.distrust(at))), None)

    def keys_of(self, certificate: Certificate) -> list[TrustedKey]:
        """Those of the list under this very certificate."""
        return [key for key in self.trust.keys.values() if key.certificate == certificate]


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who signed: with which certificate, when, under which intermediates."""

    certificate: Certificate
    at: datetime | None
    intermediates: Sequence[Certificate] = ()


def readable(der: Sequence[bytes]) -> list[Certificate]:
    """Those that can be read, of certificates that came along."""
    found = []
    for one in der:
        try:
            found.append(Certificate.from_der(one))
        except MalformedCertificate:
            continue
    return found


def decided(
    name: FileCheckName,
    holds: bool | None,
    right: Words,
    wrong: Words,
    clause: str,
    reason: FileReason,
) -> FileCheck:
    """PASS, FAIL with `reason`, or NOT_CHECKED where the method is none that is known here."""
    if holds is None:
        words = Words("算法或格式不支持，未检查", "algorithm or layout not supported: not checked")
        return unchecked(name, words, clause)
    return passed(name, right, clause) if holds else failed(name, wrong, clause, reason)


def too_slow(clause: str) -> FileCheck:
    """Whoever makes a file that nobody can read in time learns nothing of it."""
    words = Words("读取超时，未检查", "reading it takes too long: not checked")
    return unchecked(FileCheckName.CONTAINER, words, clause, FileReason.CONTAINER_REFUSED)


def document_signature(holds: bool | None, clause: str) -> FileCheck:
    """The signer's key made the signature."""
    return decided(
        FileCheckName.DOCUMENT_SIGNATURE,
        holds,
        Words("文件签名正确", "the document's signature is right"),
        Words("文件签名错误", "the document's signature is wrong"),
        clause,
        FileReason.SIGNATURE_INVALID,
    )


def signing_time(signer: Party, now: datetime) -> FileCheck:
    """It does not say that it was signed later than now."""
    name, clause = FileCheckName.SIGNING_TIME, "RFC 5280 §6.1"
    if signer.at is None:
        return unchecked(name, _NO_TIME, clause, FileReason.SIGNING_TIME_UNKNOWN)
    if lies_ahead(signer.at, now):
        words = Words("签名时间在将来", "it says that it was signed in the future")
        return failed(name, words, clause, FileReason.SIGNED_IN_FUTURE)
    return passed(name, Words("签名时间不在将来", "it was signed before now"), clause)


def certificate_at_signing(signer: Party) -> FileCheck:
    """The signer's certificate was valid when it says it signed."""
    name, clause = FileCheckName.CERTIFICATE_AT_SIGNING, "RFC 5280 §4.1.2.5"
    if signer.at is None:
        return unchecked(name, _NO_TIME, clause, FileReason.SIGNING_TIME_UNKNOWN)
    if signer.certificate.valid_at(signer.at):
        return passed(name, Words("签名时证书有效", "valid at the stated time of signing"), clause)
    words = Words("签名时证书不在有效期内", "the certificate was not valid at signing")
    return failed(name, words, clause, FileReason.CERTIFICATE_EXPIRED_AT_SIGNING)


def seal_at_signing(seal: Seal, maker: Certificate, at: datetime | None) -> FileCheck:
    """The seal was valid at signing, and its maker's certificate when the seal was made."""
    name = FileCheckName.SEAL_AT_SIGNING
    begin, end, made = seal.valid_from, seal.valid_until, seal.created_at
    if at is None or begin is None or end is None or made is None:
        return unchecked(name, _NO_TIME, _SEAL, FileReason.SIGNING_TIME_UNKNOWN)
    reason = FileReason.SEAL_EXPIRED_AT_SIGNING
    if not begin <= at <= end:
        words = Words("签名时印章不在有效期内", "the seal was not valid at signing")
        return failed(name, words, _SEAL, reason)
    if made > at or not maker.valid_at(made):
        words = Words("制章时间或制章证书不符", "the seal was not properly made before signing")
        return failed(name, words, _SEAL, reason)
    return passed(name, Words("签名时印章有效", "the seal was valid at signing"), _SEAL)


def trust_anchor(parties: Sequence[Party], anchors: Anchors) -> FileCheck:
    """Every party stands under a trusted root at its time, and was not withdrawn since."""
    name = FileCheckName.TRUST_ANCHOR
    if not anchors.trust.roots:
        words = Words("没有信任根证书，无从判断", "no trusted root is known: not checked")
        return unchecked(name, words, _X509, FileReason.ISSUER_NOT_TRUSTED)
    for party in parties:
        problem = _distrust(party, anchors)
        if problem is not None:
            return failed(name, problem, _X509, FileReason.ISSUER_NOT_TRUSTED)
    words = Words("证书在信任根之下", "the certificates stand under a trusted root")
    return passed(name, words, _X509)


def _distrust(party: Party, anchors: Anchors) -> Words | None:
    at = party.at or anchors.now
    problem = anchors.distrust(party.certificate, at)
    if problem is not None:
        return problem
    return chain_problem(party.certificate, anchors.trust.roots, at, party.intermediates)


def certificate_now(certificate: Certificate, now: datetime) -> FileCheck:
    """Told, but not deciding: what was signed in time stays signed."""
    valid = certificate.valid_at(now)
    words = (
        Words("证书现仍有效", "the certificate is still valid")
        if valid
        else Words("证书现已不在有效期内", "the certificate is not valid any more")
    )
    outcome = Outcome.PASS if valid else Outcome.FAIL
    return FileCheck(FileCheckName.CERTIFICATE_NOW, outcome, words, "RFC 5280 §4.1.2.5")


def seal_now(seal: Seal, now: datetime) -> FileCheck:
    """Told, but not deciding."""
    begin, end = seal.valid_from, seal.valid_until
    valid = begin is not None and end is not None and begin <= now <= end
    words = (
        Words("印章现仍有效", "the seal is still valid")
        if valid
        else Words("印章现已不在有效期内", "the seal is not valid any more")
    )
    outcome = Outcome.PASS if valid else Outcome.FAIL
    return FileCheck(FileCheckName.SEAL_NOW, outcome, words, _SEAL)
