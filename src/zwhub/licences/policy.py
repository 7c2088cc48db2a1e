"""What must hold before the hub vouches for a licence (核验规则). Pure; no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zwhub.kernel.clock import civil_date, lies_ahead
from zwhub.kernel.crypto import proven
from zwhub.kernel.crypto.certificates import chain_problem
from zwhub.kernel.crypto.jws import Jws
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.kernel.identifiers.holder import matches_code, matches_name
from zwhub.kernel.identifiers.licence import CheckState, LicenceIdentifier
from zwhub.kernel.words import Words
from zwhub.licences.body import Body
from zwhub.licences.findings import Check, CheckName, Finding, Outcome, VerificationReason
from zwhub.licences.status import LicenceState, Standing, standing_at


@dataclass(frozen=True, slots=True)
class HolderClaim:
    """What the presenter claims; compared, never echoed."""

    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One record put before the policy at one moment, with all that is needed to decide.

    `history` None = the registry holds nothing under this identifier; its first entry tells when
    the record was collected. `same_as_registered` False = the registry holds another record.
    `successor` names the version that has replaced it. `now` None = the moment asked about.
    """

    jws: Jws
    body: Body
    trust: TrustList
    history: Sequence[Standing] | None
    same_as_registered: bool
    successor: str | None
    claim: HolderClaim | None
    as_of: datetime
    now: datetime | None = None

    @property
    def key(self) -> TrustedKey | None:
        return self.trust.keys.get(self.jws.kid)

    @property
    def held_since(self) -> datetime | None:
        """When the registry took in these very bytes: by then they had been signed."""
        if not self.history or not self.same_as_registered:
            return None
        return self.history[0].recorded_at


Examine = Callable[[Question], Check]


def record(q: Question) -> Check:
    """The registry holds exactly this record, byte for byte."""
    clause = "GB/T 36903"
    if q.history is None:
        words = Words("本库未归集此记录", "this repository has not collected the record")
        return _unknown(CheckName.RECORD, words, clause, VerificationReason.NOT_REGISTERED)
    if not q.same_as_registered:
        words = Words(
            "与本库同标识记录不同", "the registry holds another record of this identifier"
        )
        return _fail(CheckName.RECORD, words, clause, VerificationReason.RECORD_DIFFERS)
    return _pass(CheckName.RECORD, Words("与本库记录一致", "as collected"), clause)


def signature(q: Question) -> Check:
    """The issuer's signature covers these very bytes (RFC 7515 §5.2; GB/T 32918.2 for SM2)."""
    clause = "GB/T 32918.2" if q.jws.algorithm == "SM2" else "RFC 7515 §5.2"
    if q.key is None:
        words = Words("无此签名密钥，无法验签", "the signing key is not known: not checkable")
        return Check(CheckName.SIGNATURE, Outcome.NOT_CHECKED, words, clause)
    if not proven.signed_by(q.jws, q.key.certificate.public_key):
        words = Words("签名与内容不符", "the signature does not match the content")
        return _fail(CheckName.SIGNATURE, words, clause, VerificationReason.SIGNATURE_INVALID)
    algorithm = q.jws.algorithm
    return _pass(CheckName.SIGNATURE, Words(f"{algorithm} 签名有效", f"{algorithm}, valid"), clause)


def issuer_trusted(q: Question) -> Check:
    """The key is on the trust list, was in use at signing, and stands under a trusted root.

    Whether it was really the issuer who signed does not depend on the day asked about.
    """
    name, clause = CheckName.ISSUER_TRUSTED, "RFC 5280 §6.1"
    reason = VerificationReason.ISSUER_NOT_TRUSTED
    if q.key is None:
        words = Words("签名密钥不在信任列表中", "the signing key is not on the trust list")
        return _fail(name, words, clause, reason)
    problem = q.key.distrust(q.body.signed_at, q.held_since)
    if problem is None:
        problem = chain_problem(q.key.certificate, q.trust.roots, q.body.signed_at)
    if problem is not None:
        return _fail(name, problem, clause, reason)
    return _pass(name, Words("证书链可信", "its certificate stands under a trusted root"), clause)


def signing_time(q: Question) -> Check:
    """It was not signed later than now, whatever moment is asked about."""
    name, clause = CheckName.SIGNING_TIME, "RFC 5280 §6.1"
    if lies_ahead(q.body.signed_at, q.now or q.as_of):
        words = Words("签章时间在将来", "signedAt lies in the future")
        return _fail(name, words, clause, VerificationReason.SIGNED_IN_FUTURE)
    return _pass(name, Words("签章时间不在将来", "it was signed before now"), clause)


def certificate_at_signing(q: Question) -> Check:
    """The certificate was valid when the record was signed."""
    name, clause = CheckName.CERTIFICATE_AT_SIGNING, "RFC 5280 §4.1.2.5"
    if q.key is None:
        return Check(name, Outcome.NOT_CHECKED, Words("无证书", "no certificate"), clause)
    certificate = q.key.certificate
    if not certificate.not_before <= q.body.signed_at <= certificate.not_after:
        words = Words("签发时证书不在有效期内", "the certificate was not valid at signing")
        return _fail(name, words, clause, VerificationReason.CERTIFICATE_EXPIRED_AT_SIGNING)
    return _pass(name, Words("签发时证书有效", "the certificate was valid at signing"), clause)


def issuer_authorised(q: Question) -> Check:
    """The key belongs to the body named as issuer, which could issue this type then."""
    name, clause = CheckName.ISSUER_AUTHORISED, "GB/T 36901"
    if q.key is None:
        return Check(name, Outcome.NOT_CHECKED, Words("签发者未知", "signer unknown"), clause)
    if q.key.issuer != q.body.issuer_code or q.body.type_code not in q.key.may_sign:
        words = Words("签发者无权签发此类证照", "the signer may not issue this type of licence")
        return _fail(name, words, clause, VerificationReason.ISSUER_NOT_AUTHORISED)
    if not q.key.may_issue(q.body.type_code, q.body.signed_at):
        words = Words(
            "签章时签发者尚无权或已无权签发此类证照",
            "the signer had no right to issue this type of licence when it signed",
        )
        return _fail(name, words, clause, VerificationReason.ISSUER_NOT_AUTHORISED)
    return _pass(name, Words("签发者有权签发", "the signer may issue this type"), clause)


def identifier(q: Question) -> Check:
    """The check character of the identifier (ISO 7064 MOD 37,36)."""
    return check_character(q.body.identifier)


def check_character(one: LicenceIdentifier) -> Check:
    """As `identifier`, of an identifier without a record."""
    name, clause = CheckName.IDENTIFIER, "GB/T 36904"
    match one.check_state:
        case CheckState.WRONG:
            words = Words("证照标识校验位错误", "the identifier's check character is wrong")
            return _fail(name, words, clause, VerificationReason.CHECK_CHARACTER_WRONG)
        case CheckState.VARIANT:
            words = Words(
                "警告：证照标识采用厂商变体校验位（CHECK_DIGIT_VARIANT）",
                "warning: a vendor's variant of the check character (CHECK_DIGIT_VARIANT)",
            )
            return _pass(name, words, clause)
        case CheckState.VALID:
            return _pass(name, Words("校验位正确", "the check character is right"), clause)


_STATE_REASONS = {
    LicenceState.SUSPENDED: VerificationReason.SUSPENDED,
    LicenceState.REVOKED: VerificationReason.REVOKED,
    LicenceState.REVOKED_AS_PENALTY: VerificationReason.REVOKED,
    LicenceState.CANCELLED: VerificationReason.CANCELLED,
    LicenceState.LAPSED: VerificationReason.LAPSED,
    LicenceState.TRANSFERRED_OUT: VerificationReason.TRANSFERRED_OUT,
}


def registry_status(q: Question) -> Check:
    """What the registry says of the licence at the moment asked about."""
    name, clause = CheckName.REGISTRY_STATUS, "GB/T 36903"
    if not q.history:
        words = Words("无登记状态可查", "no registered status to look at")
        return _unknown(name, words, clause, VerificationReason.STATUS_UNAVAILABLE)
    standing = standing_at(q.history, q.as_of)
    if standing is None:
        words = Words("当时尚未颁发", "not yet issued at that moment")
        return _fail(name, words, clause, VerificationReason.NOT_YET_ISSUED)
    if standing.state is LicenceState.VALID:
        return _pass(name, Words("登记状态为有效", "registered as valid"), clause)
    if standing.state is LicenceState.OTHER:
        words = Words("登记状态为其他", "registered under another state")
        return _unknown(name, words, clause, VerificationReason.STATUS_UNKNOWN)
    words = Words(f"登记状态：{standing.state}", f"registered as {standing.state}")
    return _fail(name, words, clause, _STATE_REASONS[standing.state])


def newest_version(q: Question) -> Check:
    """No later version replaced this one (延续、变更)."""
    name, clause = CheckName.NEWEST_VERSION, "GB/T 36904"
    if q.successor is not None:
        words = Words("已被新版本取代", "a later version replaced it")
        return _fail(name, words, clause, VerificationReason.SUPERSEDED)
    if q.history is None:
        words = Words("未登记，无从得知", "not registered: not known")
        return Check(name, Outcome.NOT_CHECKED, words, clause)
    return _pass(name, Words("为最新版本", "the newest version"), clause)


def validity(q: Question) -> Check:
    """The civil date in Asia/Shanghai lies within the period of validity."""
    name, clause = CheckName.VALIDITY, "GB/T 36903"
    day = civil_date(q.as_of)
    if day < q.body.valid_from:
        words = Words("尚未生效", "not yet valid")
        return _fail(name, words, clause, VerificationReason.NOT_YET_VALID)
    if q.body.valid_until is not None and day > q.body.valid_until:
        return _fail(name, Words("已过有效期", "expired"), clause, VerificationReason.EXPIRED)
    return _pass(name, Words("在有效期内", "within its period of validity"), clause)


def holder(q: Question) -> Check:
    """The presenter's claim fits one of the holders; nothing of the holder is told."""
    name, clause = CheckName.HOLDER, "GB/T 36903"
    claim = q.claim
    if claim is None or (claim.code is None and claim.name is None):
        words = Words("未提供持证主体", "no claim about the holder was made")
        return Check(name, Outcome.NOT_CHECKED, words, clause)
    fits = any(
        (claim.code is None or matches_code(claim.code, one.code))
        and (claim.name is None or matches_name(claim.name, one.name))
        for one in q.body.holders
    )
    if not fits:
        words = Words("与持证主体不符", "the claim does not fit the holder")
        return _fail(name, words, clause, VerificationReason.HOLDER_MISMATCH)
    return _pass(name, Words("与持证主体相符", "the claim fits the holder"), clause)


GENUINE: tuple[Examine, ...] = (
    record,
    signature,
    signing_time,
    certificate_at_signing,
    issuer_trusted,
    issuer_authorised,
    identifier,
    registry_status,
    newest_version,
    validity,
    holder,
)

# What must hold of a record itself before it is collected: the same checks, without the registry.
# Signing times are looked at before, without patience for clocks.
COLLECTABLE: tuple[Examine, ...] = (
    signature,
    certificate_at_signing,
    issuer_trusted,
    issuer_authorised,
    identifier,
)

# The same, where the issuer vouches for a whole file under one signature.
VOUCHED = COLLECTABLE[1:]


def examine(question: Question, checks: Sequence[Examine] = GENUINE) -> Finding:
    """Every check in order. An empty policy would vouch for anything, so it is an error."""
    if not checks:
        raise ValueError("an empty policy proves nothing")
    return Finding(tuple(check(question) for check in checks))


def not_found() -> Finding:
    """Nothing is registered under what was asked: an answer like any other."""
    words = Words("本库无此证照", "this repository holds no such licence")
    reason = VerificationReason.NOT_FOUND
    return Finding((_fail(CheckName.RECORD, words, "GB/T 36903", reason), *_unmade()))


def malformed(words: Words) -> Finding:
    """What was presented is not a licence record."""
    reason = VerificationReason.MALFORMED
    return Finding((_fail(CheckName.RECORD, words, "RFC 7515 §3.1", reason), *_unmade()))


def _unmade() -> tuple[Check, ...]:
    words = Words("无记录可查", "there is no record to look at")
    names = [name for name in CheckName if name is not CheckName.RECORD]
    return tuple(Check(name, Outcome.NOT_CHECKED, words, "") for name in names)


def _pass(name: CheckName, detail: Words, clause: str) -> Check:
    return Check(name, Outcome.PASS, detail, clause)


def _fail(name: CheckName, detail: Words, clause: str, reason: VerificationReason) -> Check:
    return Check(name, Outcome.FAIL, detail, clause, reason)


def _unknown(name: CheckName, detail: Words, clause: str, reason: VerificationReason) -> Check:
    return Check(name, Outcome.NOT_CHECKED, detail, clause, reason)
