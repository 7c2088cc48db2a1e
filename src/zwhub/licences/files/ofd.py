"""OFD files (版式文件): each signature by seal or by digital signature, and what nobody signed."""

from dataclasses import dataclass, replace

from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate
from zwhub.kernel.crypto.der import UnknownLayout
from zwhub.kernel.crypto.digests import sm3
from zwhub.kernel.crypto.seals import SealSignature, read_seal_signature
from zwhub.kernel.crypto.signed_data import SignedData, is_signed_data, read_signed_data
from zwhub.kernel.crypto.signing_time import instant
from zwhub.kernel.words import Words
from zwhub.licences.files.authority import naming
from zwhub.licences.files.container import Container, Refused
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
from zwhub.licences.files.ofd_package import (
    Malformed,
    Package,
    Reference,
    SignatureFile,
    read_package,
)
from zwhub.licences.files.verdict import (
    Anchors,
    Party,
    certificate_at_signing,
    certificate_now,
    decided,
    document_signature,
    readable,
    seal_at_signing,
    seal_now,
    signing_time,
    too_slow,
    trust_anchor,
)

_OFD, _SEAL, _SIGN = "GB/T 33190", "GB/T 38540", "GB/T 35275"
_SM3_NAMES = frozenset({"SM3", "1.2.156.10197.1.401"})
_MOST_NAMED = 5
_UNREAD = Words("签名无法读取", "the signature cannot be read")


@dataclass(frozen=True, slots=True)
class _Examined:
    """One signature before coverage, which needs to know how all the others fared."""

    finding: SignatureFinding
    covered: frozenset[str]
    own_parts: frozenset[str]


def examine_ofd(octets: bytes, anchors: Anchors, seconds: float = SECONDS) -> FileFinding:
    """Container, then every signature. Never raises for what is in the file."""
    try:
        with deadline(seconds):
            return _examined(octets, anchors)
    except Refused as refused:
        return _refused(refused.words, FileReason.CONTAINER_REFUSED)
    except Malformed as malformed:
        return _refused(malformed.words, FileReason.MALFORMED)
    except TooSlow:
        return FileFinding(FileFormat.OFD, (too_slow(_OFD),))


def _examined(octets: bytes, anchors: Anchors) -> FileFinding:
    container = Container(octets)
    package = read_package(container)
    if not package.signatures:
        return _refused(Words("文件没有签名", "nobody signed the file"), FileReason.NOT_SIGNED)
    examined = [_examine(container, one, anchors) for one in package.signatures]
    return _with_coverage(container, package, examined, anchors)


def _refused(words: Words, reason: FileReason) -> FileFinding:
    check = failed(FileCheckName.CONTAINER, words, _OFD, reason)
    return FileFinding(FileFormat.OFD, (check,))


def _with_coverage(
    container: Container, package: Package, examined: list[_Examined], anchors: Anchors
) -> FileFinding:
    """Each signature with its uncovered parts; what a sound other one covers is accounted for."""
    exempt = package.lists.union(*(one.own_parts for one in examined))
    sound = [one for one in examined if all(check.stands for check in one.finding.checks)]
    rest = container.names - exempt
    findings = []
    for one in examined:
        others = frozenset[str]().union(*(o.covered for o in sound if o is not one))
        check = _coverage(rest - one.covered, rest - one.covered - others)
        findings.append(replace(one.finding, checks=_inserted(one.finding.checks, check)))
    uncovered = rest.difference(*(one.covered for one in examined))
    read = passed(FileCheckName.CONTAINER, Words("容器结构正常", "the container is in order"), _OFD)
    named = package.identifiers if "OFD.xml" not in uncovered else frozenset()
    found = FileFinding(FileFormat.OFD, (read,), tuple(findings), tuple(sorted(uncovered)))
    return naming(found, named, anchors)


def _inserted(checks: tuple[FileCheck, ...], check: FileCheck) -> tuple[FileCheck, ...]:
    """Coverage stands behind the references."""
    at = 1 if checks and checks[0].name is FileCheckName.REFERENCES else 0
    return (*checks[:at], check, *checks[at:])


def _coverage(uncovered: frozenset[str], by_nobody: frozenset[str]) -> FileCheck:
    name = FileCheckName.COVERAGE
    if by_nobody:
        words = Words(
            f"{len(by_nobody)} 个文件未被签名覆盖", f"{len(by_nobody)} files are not covered"
        )
        return failed(name, words, _OFD, FileReason.UNSIGNED_PARTS)
    if uncovered:
        words = Words(
            f"{len(uncovered)} 个文件由其他签名覆盖",
            f"{len(uncovered)} files are covered by another signature",
        )
        return passed(name, words, _OFD)
    return passed(name, Words("所有文件均已签名", "every file is covered"), _OFD)


def _examine(container: Container, file: SignatureFile | None, anchors: Anchors) -> _Examined:
    if file is None:
        return _unread(frozenset(), frozenset())
    references = _references(container, file)
    covered = frozenset(one.name for one in file.references if one.name is not None)
    own = frozenset({file.name, file.value_name} - {None})
    parts = frozenset(name for name in own if name is not None)
    try:
        finding, seal = _by_family(file, anchors)
    except (UnknownLayout, MalformedCertificate):
        return _unread(covered, parts, references)
    if seal is not None and file.seal_name and container.read(file.seal_name) == seal:
        parts |= {file.seal_name}
    return _Examined(replace(finding, checks=(references, *finding.checks)), covered, parts)


def _unread(covered: frozenset[str], own: frozenset[str], *before: FileCheck) -> _Examined:
    check = unchecked(FileCheckName.DOCUMENT_SIGNATURE, _UNREAD, _OFD)
    return _Examined(SignatureFinding(None, None, (*before, check)), covered, own)


def _references(container: Container, file: SignatureFile) -> FileCheck:
    """Every referenced file still has the digest it had (GB/T 33190, SM3 alone)."""
    name = FileCheckName.REFERENCES
    if not file.references:
        words = Words("没有被保护的文件", "it refers to no file")
        return failed(name, words, _OFD, FileReason.UNSIGNED_PARTS)
    if file.method.upper() not in _SM3_NAMES:
        words = Words("摘要算法不支持，未检查", "the digest is not SM3: not checked")
        return unchecked(name, words, _OFD)
    changed = [one.said for one in file.references if not _same(container, one)]
    if changed:
        shown = _shown(changed)
        words = Words(f"已被改动：{shown}", f"altered: {shown}")
        return failed(name, words, _OFD, FileReason.CONTENT_ALTERED)
    count = len(file.references)
    return passed(name, Words(f"{count} 个文件未变", f"{count} files unchanged"), _OFD)


def _same(container: Container, one: Reference) -> bool:
    return one.name is not None and one.digest is not None and container.sm3(one.name) == one.digest


def _shown(names: list[str]) -> str:
    plain = ["".join(filter(str.isprintable, one))[:80] for one in names[:_MOST_NAMED]]
    return ", ".join(plain) + (" …" if len(names) > _MOST_NAMED else "")


def _by_family(file: SignatureFile, anchors: Anchors) -> tuple[SignatureFinding, bytes | None]:
    """By what the value is, not by what it is said to be. Raises UnknownLayout and others."""
    if file.value is None:
        raise UnknownLayout("there is no signed value")
    if is_signed_data(file.value):
        return _sign(file, read_signed_data(file.value), anchors), None
    signature = read_seal_signature(file.value)
    return _sealed(file, signature, anchors), signature.seal.whole


def _sign(file: SignatureFile, data: SignedData, anchors: Anchors) -> SignatureFinding:
    """A digital signature (数字签名) by GB/T 35275."""
    certificate = data.certificate()
    at = data.signed_at or instant(file.stated_time)
    signer = Party(certificate, at, readable(data.others))
    checks = (
        _data_hash(data.covers(file.raw), _SIGN),
        document_signature(data.holds(file.raw), _SIGN),
        signing_time(signer, anchors.now),
        certificate_at_signing(signer),
        trust_anchor([signer], anchors),
        certificate_now(certificate, anchors.now),
    )
    return SignatureFinding(certificate.subject, at, checks, certificate)


def _sealed(file: SignatureFile, signature: SealSignature, anchors: Anchors) -> SignatureFinding:
    """A signature by seal (电子签章) by GB/T 38540 or GM/T 0031."""
    seal = signature.seal
    certificate, maker = signature.signed.certificate(), seal.made.certificate()
    at = signature.signed_at or instant(file.stated_time)
    signer, made = Party(certificate, at), Party(maker, seal.created_at)
    checks = (
        _data_hash(signature.data_hash == sm3(file.raw), _SEAL),
        document_signature(signature.signed.holds(), _SEAL),
        _seal_signature(seal.made.holds()),
        _signer_listed(seal.lists(certificate.der)),
        signing_time(signer, anchors.now),
        certificate_at_signing(signer),
        seal_at_signing(seal, maker, at),
        trust_anchor([signer, made], anchors),
        certificate_now(certificate, anchors.now),
        seal_now(seal, anchors.now),
    )
    return SignatureFinding(_name(certificate, seal.name), at, checks, certificate)


def _name(certificate: Certificate, seal_name: str) -> str:
    return certificate.subject or seal_name


def _data_hash(holds: bool | None, clause: str) -> FileCheck:
    return decided(
        FileCheckName.DATA_HASH,
        holds,
        Words("签名文件摘要一致", "Signature.xml is what was signed"),
        Words("签名文件已被改动", "Signature.xml is not what was signed"),
        clause,
        FileReason.CONTENT_ALTERED,
    )


def _seal_signature(holds: bool | None) -> FileCheck:
    # GB/T 38540: the seal's own signature covers SealInfo alone.
    return decided(
        FileCheckName.SEAL_SIGNATURE,
        holds,
        Words("印章签名正确", "the seal is as its maker signed it"),
        Words("印章签名错误", "the seal is not as its maker signed it"),
        _SEAL,
        FileReason.SEAL_INVALID,
    )


def _signer_listed(listed: bool | None) -> FileCheck:
    return decided(
        FileCheckName.SIGNER_LISTED,
        listed,
        Words("签章人在印章证书列表中", "the seal lists the signer"),
        Words("签章人不在印章证书列表中", "the seal does not list the signer"),
        _SEAL,
        FileReason.SIGNER_NOT_LISTED,
    )
