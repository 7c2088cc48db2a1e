"""What each check can say (核验用语): every outcome, its words, and the rule it rests on. Pure.

They are made once: a verification chooses among them.
"""

from collections.abc import Callable
from functools import lru_cache, partial

from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import CheckState
from zwhub.kernel.words import Words
from zwhub.licences.findings import Check, CheckName, Finding, Outcome
from zwhub.licences.findings import VerificationReason as Why
from zwhub.licences.status import LicenceState

_Say = Callable[[str, str], Check]


def _says(name: CheckName, clause: str) -> tuple[_Say, Callable[[Why], _Say], Callable[..., _Say]]:
    """How that check passes, fails for a reason, and was not made, perhaps for one."""

    def say(outcome: Outcome, reason: Why | None, zh: str, en: str) -> Check:
        return Check(name, outcome, Words(zh, en), clause, reason)

    def fails(reason: Why) -> _Say:
        return partial(say, Outcome.FAIL, reason)

    def unmade(reason: Why | None = None) -> _Say:
        return partial(say, Outcome.NOT_CHECKED, reason)

    return partial(say, Outcome.PASS, None), fails, unmade


_passes, _fails, _unmade = _says(CheckName.RECORD, "GB/T 36903")
AS_COLLECTED = _passes("与本库记录一致", "as collected")
NOT_COLLECTED = _unmade(Why.NOT_REGISTERED)(
    "本库未归集此记录", "this repository has not collected the record"
)
ANOTHER_RECORD = _fails(Why.RECORD_DIFFERS)(
    "与本库同标识记录不同", "the registry holds another record of this identifier"
)
_NO_SUCH_LICENCE = _fails(Why.NOT_FOUND)("本库无此证照", "this repository holds no such licence")

SIGNING_KEY_UNKNOWN, SIGNATURE_WRONG, SIGNATURE_VALID = {}, {}, {}
for _one in Algorithm:
    _clause = "GB/T 32918.2" if _one is Algorithm.SM2 else "RFC 7515 §5.2"
    _passes, _fails, _unmade = _says(CheckName.SIGNATURE, _clause)
    SIGNATURE_VALID[_one] = _passes(f"{_one} 签名有效", f"{_one}, valid")
    SIGNATURE_WRONG[_one] = _fails(Why.SIGNATURE_INVALID)(
        "签名与内容不符", "the signature does not match the content"
    )
    SIGNING_KEY_UNKNOWN[_one] = _unmade()(
        "无此签名密钥，无法验签", "the signing key is not known: not checkable"
    )

_passes, _fails, _ = _says(CheckName.SIGNING_TIME, "RFC 5280 §6.1")
SIGNED_BEFORE = _passes("签章时间不在将来", "it was signed before now")
SIGNED_IN_FUTURE = _fails(Why.SIGNED_IN_FUTURE)("签章时间在将来", "signedAt lies in the future")

_passes, _fails, _unmade = _says(CheckName.CERTIFICATE_AT_SIGNING, "RFC 5280 §4.1.2.5")
CERTIFICATE_VALID = _passes("签发时证书有效", "the certificate was valid at signing")
CERTIFICATE_EXPIRED = _fails(Why.CERTIFICATE_EXPIRED_AT_SIGNING)(
    "签发时证书不在有效期内", "the certificate was not valid at signing"
)
NO_CERTIFICATE = _unmade()("无证书", "no certificate")

_passes, _untrusted, _ = _says(CheckName.ISSUER_TRUSTED, "RFC 5280 §6.1")
CHAIN_TRUSTED = _passes("证书链可信", "its certificate stands under a trusted root")
KEY_NOT_LISTED = _untrusted(Why.ISSUER_NOT_TRUSTED)(
    "签名密钥不在信任列表中", "the signing key is not on the trust list"
)


@lru_cache(maxsize=64)
def untrusted(problem: Words) -> Check:
    """The issuer is not trusted for that reason."""
    return _untrusted(Why.ISSUER_NOT_TRUSTED)(problem.zh, problem.en)


_passes, _fails, _unmade = _says(CheckName.ISSUER_AUTHORISED, "GB/T 36901")
AUTHORISED = _passes("签发者有权签发", "the signer may issue this type")
NOT_AUTHORISED = _fails(Why.ISSUER_NOT_AUTHORISED)(
    "签发者无权签发此类证照", "the signer may not issue this type of licence"
)
NOT_AUTHORISED_THEN = _fails(Why.ISSUER_NOT_AUTHORISED)(
    "签章时签发者尚无权或已无权签发此类证照",
    "the signer had no right to issue this type of licence when it signed",
)
SIGNER_UNKNOWN = _unmade()("签发者未知", "signer unknown")

_passes, _fails, _ = _says(CheckName.IDENTIFIER, "GB/T 36904")
CHECK_CHARACTERS = {
    CheckState.VALID: _passes("校验位正确", "the check character is right"),
    CheckState.VARIANT: _passes(
        "警告：证照标识采用厂商变体校验位（CHECK_DIGIT_VARIANT）",
        "warning: a vendor's variant of the check character (CHECK_DIGIT_VARIANT)",
    ),
    CheckState.WRONG: _fails(Why.CHECK_CHARACTER_WRONG)(
        "证照标识校验位错误", "the identifier's check character is wrong"
    ),
}

_passes, _fails, _unmade = _says(CheckName.REGISTRY_STATUS, "GB/T 36903")
NO_STANDING = _unmade(Why.STATUS_UNAVAILABLE)("无登记状态可查", "no registered status to look at")
NOT_YET_ISSUED = _fails(Why.NOT_YET_ISSUED)("当时尚未颁发", "not yet issued at that moment")
STANDINGS = {
    LicenceState.VALID: _passes("登记状态为有效", "registered as valid"),
    LicenceState.OTHER: _unmade(Why.STATUS_UNKNOWN)(
        "登记状态为其他", "registered under another state"
    ),
    **{
        state: _fails(reason)(f"登记状态：{state}", f"registered as {state}")
        for state, reason in (
            (LicenceState.SUSPENDED, Why.SUSPENDED),
            (LicenceState.REVOKED, Why.REVOKED),
            (LicenceState.REVOKED_AS_PENALTY, Why.REVOKED),
            (LicenceState.CANCELLED, Why.CANCELLED),
            (LicenceState.LAPSED, Why.LAPSED),
            (LicenceState.TRANSFERRED_OUT, Why.TRANSFERRED_OUT),
        )
    },
}

_passes, _fails, _unmade = _says(CheckName.NEWEST_VERSION, "GB/T 36904")
NEWEST = _passes("为最新版本", "the newest version")
SUPERSEDED = _fails(Why.SUPERSEDED)("已被新版本取代", "a later version replaced it")
VERSION_UNKNOWN = _unmade()("未登记，无从得知", "not registered: not known")

_passes, _fails, _ = _says(CheckName.VALIDITY, "GB/T 36903")
IN_FORCE = _passes("在有效期内", "within its period of validity")
NOT_YET_VALID = _fails(Why.NOT_YET_VALID)("尚未生效", "not yet valid")
EXPIRED = _fails(Why.EXPIRED)("已过有效期", "expired")

_passes, _fails, _unmade = _says(CheckName.HOLDER, "GB/T 36903")
CLAIM_FITS = _passes("与持证主体相符", "the claim fits the holder")
CLAIM_DIFFERS = _fails(Why.HOLDER_MISMATCH)("与持证主体不符", "the claim does not fit the holder")
NO_CLAIM = _unmade()("未提供持证主体", "no claim about the holder was made")


_NO_RECORD = tuple(
    Check(name, Outcome.NOT_CHECKED, Words("无记录可查", "there is no record to look at"), "")
    for name in CheckName
    if name is not CheckName.RECORD
)
NOT_FOUND = Finding((_NO_SUCH_LICENCE, *_NO_RECORD))


@lru_cache(maxsize=64)
def malformed(words: Words) -> Finding:
    """What was presented is no licence record, for that reason."""
    check = Check(CheckName.RECORD, Outcome.FAIL, words, "RFC 7515 §3.1", Why.MALFORMED)
    return Finding((check, *_NO_RECORD))
