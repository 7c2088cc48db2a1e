"""The enumerations of licence files (证照文件枚举), in both languages."""

from zwhub.graph.enums import show
from zwhub.kernel.words import Words
from zwhub.licences.files.findings import FileCheckName, FileFormat, FileReason, Integrity

show(
    FileFormat,
    "LicenceFileFormat",
    Words("文件格式", "the format of a file"),
    {
        FileFormat.JWS: ("签名记录", "a signed record"),
        FileFormat.PDF: ("PDF 文件", "a PDF"),
        FileFormat.OFD: ("版式文件", "an OFD (GB/T 33190)"),
        FileFormat.UNKNOWN: ("无法识别", "none of these"),
    },
)
show(
    Integrity,
    "FileIntegrity",
    Words("完整性", "whether a file is what was signed"),
    {
        Integrity.INTACT: ("完整未变", "unchanged and complete"),
        Integrity.ALTERED: ("已被改动", "altered"),
        Integrity.PARTLY_SIGNED: ("含未签名部分", "unchanged, with parts that nobody signed"),
        Integrity.NOT_CHECKED: ("未能检查", "could not be checked"),
    },
)
show(
    FileReason,
    "FileVerificationReason",
    Words("结论原因", "why the verdict is what it is"),
    {
        FileReason.OK: ("全部通过", "everything holds"),
        FileReason.UNKNOWN_FORMAT: ("格式无法识别", "the format is not known"),
        FileReason.MALFORMED: ("文件损坏或格式有误", "the file is broken"),
        FileReason.CONTAINER_REFUSED: ("容器可疑，拒绝打开", "a suspicious container, not opened"),
        FileReason.NOT_SIGNED: ("文件没有签名", "nobody signed it"),
        FileReason.UNKNOWN_LAYOUT: ("签名格式或算法不支持", "a layout or algorithm not known here"),
        FileReason.CONTENT_ALTERED: ("内容已被改动", "the content was altered"),
        FileReason.UNSIGNED_PARTS: ("含未签名部分", "there are parts that nobody signed"),
        FileReason.SIGNATURE_INVALID: ("签名错误", "the signature is wrong"),
        FileReason.SEAL_INVALID: ("印章签名错误", "the seal is not as its maker signed it"),
        FileReason.SIGNER_NOT_LISTED: ("签章人不在印章列表中", "the seal does not list the signer"),
        FileReason.SIGNED_IN_FUTURE: ("签名时间在将来", "signed later than now"),
        FileReason.CERTIFICATE_EXPIRED_AT_SIGNING: (
            "签名时证书不在有效期",
            "the certificate was not valid at signing",
        ),
        FileReason.SEAL_EXPIRED_AT_SIGNING: (
            "签名时印章不在有效期",
            "the seal was not valid at signing",
        ),
        FileReason.SIGNING_TIME_UNKNOWN: ("签名时间不明", "the time of signing is not known"),
        FileReason.ISSUER_NOT_TRUSTED: ("签名者不受信任", "the signer is not trusted"),
        FileReason.ISSUER_NOT_AUTHORISED: (
            "签发者无权签发此类证照",
            "the issuer may not issue this type",
        ),
        FileReason.NOT_REGISTERED: ("证照未归集", "the licence was never collected"),
        FileReason.RECORD_DIFFERS: ("与在库记录不同", "differs from the registered record"),
        FileReason.CHECK_CHARACTER_WRONG: ("标识校验位错误", "wrong check character"),
        FileReason.NOT_YET_ISSUED: ("当时尚未颁发", "not yet issued at that moment"),
        FileReason.SUSPENDED: ("暂扣", "suspended"),
        FileReason.REVOKED: ("撤销或吊销", "revoked"),
        FileReason.CANCELLED: ("注销", "cancelled"),
        FileReason.LAPSED: ("失效", "lapsed"),
        FileReason.TRANSFERRED_OUT: ("办理转出", "transferred out"),
        FileReason.STATUS_UNKNOWN: ("状态不明", "registered under an unknown state"),
        FileReason.STATUS_UNAVAILABLE: ("状态无法取得", "no status is available"),
        FileReason.SUPERSEDED: ("已被新版本取代", "a later version replaced it"),
        FileReason.NOT_YET_VALID: ("尚未生效", "not yet valid"),
        FileReason.EXPIRED: ("已过有效期", "expired"),
    },
)
show(
    FileCheckName,
    "FileCheckName",
    Words("检查项", "the checks; those of a signature are made in this order"),
    {
        FileCheckName.CONTAINER: ("容器", "the container"),
        FileCheckName.REFERENCES: ("各引用文件摘要", "the digest of each file referred to"),
        FileCheckName.COVERAGE: ("覆盖范围", "what the signature covers"),
        FileCheckName.DATA_HASH: ("被签数据摘要", "the digest of what is signed"),
        FileCheckName.DOCUMENT_SIGNATURE: ("文件签名", "the document's signature"),
        FileCheckName.SEAL_SIGNATURE: ("印章签名", "the seal's own signature"),
        FileCheckName.SIGNER_LISTED: ("签章人在印章列表中", "the seal lists the signer"),
        FileCheckName.SIGNING_TIME: ("签名时间不在将来", "it was not signed later than now"),
        FileCheckName.CERTIFICATE_AT_SIGNING: ("签名时证书有效", "the certificate at signing"),
        FileCheckName.SEAL_AT_SIGNING: ("签名时印章有效", "the seal at signing"),
        FileCheckName.TRUST_ANCHOR: ("信任锚", "a trusted root stands above"),
        FileCheckName.CERTIFICATE_NOW: ("证书现状（不影响结论）", "the certificate now; told only"),
        FileCheckName.SEAL_NOW: ("印章现状（不影响结论）", "the seal now; told only"),
        FileCheckName.ISSUER_AUTHORISED: (
            "签名者为颁发机构且有权",
            "the signer is the issuer and may issue this type",
        ),
        FileCheckName.RECORD: ("记录在库", "the registry holds this record"),
        FileCheckName.IDENTIFIER: ("标识校验位", "the identifier's check character"),
        FileCheckName.REGISTRY_STATUS: ("登记状态", "the registered status"),
        FileCheckName.NEWEST_VERSION: ("最新版本", "it is the newest version"),
        FileCheckName.VALIDITY: ("有效期", "the period of validity"),
    },
)
