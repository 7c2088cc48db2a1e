"""JWS files (签名记录文件): a licence record on its own, judged without the registry."""

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.body import MalformedBody
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    SignatureFinding,
    failed,
    passed,
)
from zwhub.licences.files.verdict import Anchors, certificate_now, trust_anchor
from zwhub.licences.findings import Check, CheckName, Outcome, VerificationReason
from zwhub.licences.held import Held
from zwhub.licences.policy import Examine, Question

_NAMES = {
    CheckName.SIGNATURE: FileCheckName.DOCUMENT_SIGNATURE,
    CheckName.ISSUER_TRUSTED: FileCheckName.TRUST_ANCHOR,
}
_BY_SIGNATURE: tuple[Examine, ...] = (
    policy.signature,
    policy.signing_time,
    policy.certificate_at_signing,
    policy.issuer_trusted,
)


def examine_jws(octets: bytes, anchors: Anchors) -> FileFinding:
    """The record's signature and its own dates. Never raises for what is in the file."""
    try:
        held = Held.read(0, octets.strip())
    except (MalformedJws, MalformedBody) as malformed:
        check = failed(
            FileCheckName.CONTAINER, malformed.words, "RFC 7515 §3.1", FileReason.MALFORMED
        )
        return FileFinding(FileFormat.JWS, (check,))
    question = Question(held.jws, held.body, anchors.trust, None, False, None, None, anchors.now)
    rules = (*_BY_SIGNATURE, policy.issuer_authorised if anchors.knows_rights else _by_its_issuer)
    checks = tuple(translated(rule(question)) for rule in rules)
    if not anchors.trust.roots:  # nobody is believed, and so nobody is disbelieved
        rootless = trust_anchor((), anchors)
        checks = tuple(rootless if one.name is rootless.name else one for one in checks)
    if question.key is not None:
        checks += (certificate_now(question.key.certificate, anchors.now),)
    read = passed(FileCheckName.CONTAINER, Words("记录格式正确", "a licence record"), "RFC 7515")
    own = (read, translated(policy.identifier(question)), translated(policy.validity(question)))
    finding = SignatureFinding(held.body.signed_by, held.body.signed_at, checks)
    return FileFinding(FileFormat.JWS, own, (finding,), (), str(held.body.identifier))


def _by_its_issuer(q: Question) -> Check:
    """As `policy.issuer_authorised`, of a folder that does not say who may issue what."""
    name, clause = CheckName.ISSUER_AUTHORISED, "GB/T 36901"
    if q.key is None:
        return Check(name, Outcome.NOT_CHECKED, Words("签发者未知", "signer unknown"), clause)
    if q.key.issuer == q.body.issuer_code:
        return Check(name, Outcome.PASS, Words("签发者为颁发机构", "the issuer signed"), clause)
    words = Words("签名密钥不属于所载颁发机构", "the key is not that of the issuer named")
    outcome = Outcome.FAIL if q.key.issuer else Outcome.NOT_CHECKED
    return Check(name, outcome, words, clause, VerificationReason.ISSUER_NOT_AUTHORISED)


def translated(check: Check) -> FileCheck:
    """A check of a record as a check of a file."""
    name = _NAMES.get(check.name) or FileCheckName(check.name.value)
    reason = None if check.reason is None else FileReason(check.reason.value)
    return FileCheck(name, check.outcome, check.detail, check.clause, reason)
