"""The enumerations of the licences (证照枚举), in both languages."""

from zwhub.graph.enums import show
from zwhub.kernel.words import Words
from zwhub.licences.findings import CheckName, Outcome, Verdict, VerificationReason
from zwhub.licences.judging import CollectionOutcome
from zwhub.licences.status import LicenceState

show(
    Verdict,
    "Verdict",
    Words("核验结论", "the answer of a verification"),
    {
        Verdict.GENUINE: ("真实有效", "genuine and in force"),
        Verdict.NOT_GENUINE: ("不真实或无效", "not genuine, or not in force"),
        Verdict.INDETERMINATE: ("无法判定", "cannot be decided"),
    },
)
show(
    Outcome,
    "CheckOutcome",
    Words("检查结果", "how one check ended"),
    {
        Outcome.PASS: ("通过", "passed"),
        Outcome.FAIL: ("未通过", "failed"),
        Outcome.NOT_CHECKED: ("未检查", "was not made"),
    },
)
show(
    VerificationReason,
    "VerificationReason",
    Words("结论原因", "why the verdict is what it is"),
    {
        VerificationReason.OK: ("全部通过", "everything holds"),
        VerificationReason.NOT_FOUND: ("本库无此证照", "no such licence is registered"),
        VerificationReason.MALFORMED: ("记录格式有误", "the record is malformed"),
        VerificationReason.NOT_REGISTERED: ("记录未归集", "the record was never collected"),
        VerificationReason.RECORD_DIFFERS: ("与在库记录不同", "differs from the registered record"),
        VerificationReason.SIGNATURE_INVALID: ("签名无效", "the signature is not valid"),
        VerificationReason.SIGNED_IN_FUTURE: ("签章时间在将来", "signed later than now"),
        VerificationReason.ISSUER_NOT_TRUSTED: ("签发者不受信任", "the issuer is not trusted"),
        VerificationReason.CERTIFICATE_EXPIRED_AT_SIGNING: (
            "签发时证书不在有效期",
            "the certificate was not valid at signing",
        ),
        VerificationReason.ISSUER_NOT_AUTHORISED: (
            "签发者无权签发此类证照",
            "the issuer may not issue this type",
        ),
        VerificationReason.CHECK_CHARACTER_WRONG: ("标识校验位错误", "wrong check character"),
        VerificationReason.NOT_YET_ISSUED: ("当时尚未颁发", "not yet issued at that moment"),
        VerificationReason.SUSPENDED: ("暂扣", "suspended"),
        VerificationReason.REVOKED: ("撤销或吊销", "revoked"),
        VerificationReason.CANCELLED: ("注销", "cancelled"),
        VerificationReason.LAPSED: ("失效", "lapsed"),
        VerificationReason.TRANSFERRED_OUT: ("办理转出", "transferred out"),
        VerificationReason.STATUS_UNKNOWN: ("状态不明", "registered under an unknown state"),
        VerificationReason.STATUS_UNAVAILABLE: ("状态无法取得", "no status is available"),
        VerificationReason.SUPERSEDED: ("已被新版本取代", "a later version replaced it"),
        VerificationReason.NOT_YET_VALID: ("尚未生效", "not yet valid"),
        VerificationReason.EXPIRED: ("已过有效期", "expired"),
        VerificationReason.HOLDER_MISMATCH: ("持证主体不符", "the holder does not fit"),
    },
)
show(
    CheckName,
    "CheckName",
    Words("检查项，按此顺序进行", "the checks, made in this order"),
    {
        CheckName.RECORD: ("记录在库", "the registry holds this record"),
        CheckName.SIGNATURE: ("签名", "the issuer's signature"),
        CheckName.SIGNING_TIME: ("签章时间不在将来", "it was not signed later than now"),
        CheckName.CERTIFICATE_AT_SIGNING: ("签发时证书有效", "the certificate at signing"),
        CheckName.ISSUER_TRUSTED: ("签发者受信任", "the issuer is trusted"),
        CheckName.ISSUER_AUTHORISED: ("签发者有权", "the issuer may issue this type"),
        CheckName.IDENTIFIER: ("标识校验位", "the identifier's check character"),
        CheckName.REGISTRY_STATUS: ("登记状态", "the registered status"),
        CheckName.NEWEST_VERSION: ("最新版本", "it is the newest version"),
        CheckName.VALIDITY: ("有效期", "the period of validity"),
        CheckName.HOLDER: ("持证主体", "the holder"),
    },
)
show(
    LicenceState,
    "LicenceStatus",
    Words("证照状态", "the standing of a licence"),
    {
        LicenceState.VALID: ("01 有效", "valid"),
        LicenceState.SUSPENDED: ("02 暂扣", "suspended, can come back"),
        LicenceState.REVOKED: ("03 撤销", "revoked; may be void from the beginning"),
        LicenceState.CANCELLED: ("04 注销", "cancelled"),
        LicenceState.LAPSED: ("05 失效", "lapsed"),
        LicenceState.TRANSFERRED_OUT: ("06 办理转出", "transferred out"),
        LicenceState.REVOKED_AS_PENALTY: ("07 吊销", "revoked as a penalty"),
        LicenceState.OTHER: ("99 其他", "another state"),
    },
)
show(
    CollectionOutcome,
    "CollectionOutcome",
    Words("归集结果", "what became of a delivered record"),
    {
        CollectionOutcome.ACCEPTED: ("已归集", "collected"),
        CollectionOutcome.UNCHANGED: ("已在库，未变", "held already, unchanged"),
        CollectionOutcome.QUARANTINED: ("已隔离", "quarantined, with its reasons"),
    },
)
