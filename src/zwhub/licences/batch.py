"""A batch's signature (批次签名): one signature by which an issuer vouches for a whole file. Pure.

The format is laid down in `docs/deliveries.md` and `schema/batch.schema.json`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from zwhub.kernel.crypto.certificates import chain_problem
from zwhub.kernel.crypto.jws import Jws, MalformedJws, parse, sign
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.kernel.words import Words
from zwhub.licences.body import Body

FORMAT = "zwhub-batch/1"
TYP = "zwhub-batch+jws"
SUFFIX = ".batch.jws"  # FILE.batch.jws lies beside FILE
LARGEST = 8_192  # bytes of a batch signature
_MOST = 2**53  # the largest whole number that every JSON reader keeps (RFC 8259 §6)

_TEXTS = {
    "format": re.compile(re.escape(FORMAT)),
    "file": re.compile(r"[^/\\\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]{1,255}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "issuerCode": re.compile(r"[0-9A-Z]{18}"),
    "signedAt": re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]{1,6})?"
        r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    ),
}
_NUMBERS = ("size", "records")


class BatchReason(StrEnum):
    """Why a batch signature is not believed; TRUSTED when it is."""

    TRUSTED = "TRUSTED"
    MALFORMED = "MALFORMED"
    KEY_NOT_TRUSTED = "KEY_NOT_TRUSTED"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    ISSUER_DIFFERS = "ISSUER_DIFFERS"
    SIGNED_IN_FUTURE = "SIGNED_IN_FUTURE"
    FILE_DIFFERS = "FILE_DIFFERS"


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file as it was found: its name without folders, its bytes, SHA-256 in lower-case hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What the issuer says: this file holds so many records, and I vouch for those of mine."""

    file: DeliveredFile
    records: int
    issuer: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class BatchVerdict:
    """Whether a batch signature is believed, and for what: `types` are those its key may sign."""

    reason: BatchReason
    words: Words
    batch: Batch | None = None
    types: frozenset[str] = frozenset()

    @property
    def trusted(self) -> bool:
        return self.reason is BatchReason.TRUSTED

    def vouches_for(self, body: Body) -> bool:
        """Whether a record of the file needs no check of its own signature.

        Only where it is of the issuer who signed the batch, and of a type that key may sign.
        """
        own = self.batch is not None and body.issuer_code == self.batch.issuer
        return self.trusted and own and body.type_code in self.types


class _Doubt(Exception):
    def __init__(self, reason: BatchReason, zh: str, en: str) -> None:
        self.reason, self.words = reason, Words(zh, en)


def sign_batch(key: PrivateKey, kid: str, batch: Batch) -> str:
    """The batch signature as a compact JWS, to be written beside the file."""
    said = {
        "format": FORMAT,
        "file": batch.file.name,
        "size": batch.file.size,
        "sha256": batch.file.sha256,
        "records": batch.records,
        "issuerCode": batch.issuer,
        "signedAt": batch.signed_at.isoformat(),
    }
    payload = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return sign(key, kid, payload, TYP)


def check_batch(
    signed: bytes, file: DeliveredFile, trust: TrustList, now: datetime
) -> BatchVerdict:
    """Whether the issuer vouches for exactly this file; whatever is in doubt is not believed.

    `signed` is the content of FILE.batch.jws. That the file holds `batch.records` records is for
    its reader to compare in the end.
    """
    try:
        jws = _parsed(signed)
        batch = _read(jws.payload)
        key = _key(jws, batch, trust, now)
        if batch.file != file:
            raise _Doubt(
                BatchReason.FILE_DIFFERS,
                "批次签名所签的不是此文件（文件名、大小或 SHA-256 不符）",
                "the batch signature is for another file: name, size or SHA-256 differ",
            )
    except _Doubt as doubt:
        return BatchVerdict(doubt.reason, doubt.words)
    words = Words("颁发机构以批次签名担保", "the issuer vouches for the file")
    return BatchVerdict(BatchReason.TRUSTED, words, batch, key.types_at(batch.signed_at))


def _parsed(signed: bytes) -> Jws:
    text = signed.removesuffix(b"\n").removesuffix(b"\r")  # an editor may have ended the line
    if len(text) > LARGEST:
        raise _malformed("批次签名过长", "the batch signature is too long")
    try:
        jws = parse(text)
    except MalformedJws as malformed:
        raise _malformed(malformed.words.zh, malformed.words.en) from None
    if jws.typ != TYP:  # RFC 8725 §3.11
        raise _malformed(f"批次签名的 typ 须为 {TYP}", f"typ must be {TYP}")
    return jws


def _read(payload: bytes) -> Batch:
    said = _members(payload)
    for name, form in _TEXTS.items():
        if not isinstance(said[name], str) or not form.fullmatch(said[name]):
            raise _malformed(f"批次签名的 {name} 有误", f"{name} of the batch is not in its form")
    for name in _NUMBERS:
        if type(said[name]) is not int or not 0 <= said[name] < _MOST:
            raise _malformed(f"批次签名的 {name} 有误", f"{name} of the batch is no whole number")
    try:
        signed_at = datetime.fromisoformat(said["signedAt"])
    except ValueError:
        raise _malformed(
            "批次签名的 signedAt 有误", "signedAt of the batch is no instant"
        ) from None
    file = DeliveredFile(said["file"], said["size"], said["sha256"])
    return Batch(file, said["records"], said["issuerCode"], signed_at)


def _members(payload: bytes) -> Mapping[str, Any]:
    try:
        said = json.loads(payload.decode(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or said.keys() != {*_TEXTS, *_NUMBERS}:
        raise _malformed(
            "批次签名的成员不符", "the batch has not exactly the members of its format"
        )
    return said


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _key(jws: Jws, batch: Batch, trust: TrustList, now: datetime) -> TrustedKey:
    """The key that signed: trusted now, its certificate in force at signing, of that issuer."""
    key = trust.keys.get(jws.kid)
    if key is None:
        raise _untrusted("批次签名的密钥不在信任列表中", "the key is not on the trust list")
    problem = key.distrust(batch.signed_at)
    if problem is None:
        problem = chain_problem(key.certificate, trust.roots, batch.signed_at)
    if problem is not None:
        raise _untrusted(problem.zh, problem.en)
    if not jws.signed_by(key.certificate.public_key):
        raise _Doubt(
            BatchReason.SIGNATURE_INVALID,
            "批次签名与内容不符",
            "the batch signature does not match its content",
        )
    if key.issuer != batch.issuer:
        raise _Doubt(
            BatchReason.ISSUER_DIFFERS,
            "签名密钥不属于所写的颁发机构",
            "the key is not that of the issuer named",
        )
    if batch.signed_at > now:
        raise _Doubt(
            BatchReason.SIGNED_IN_FUTURE, "批次签名时间在将来", "signedAt lies in the future"
        )
    return key


def _malformed(zh: str, en: str) -> _Doubt:
    return _Doubt(BatchReason.MALFORMED, zh, en)


def _untrusted(zh: str, en: str) -> _Doubt:
    return _Doubt(BatchReason.KEY_NOT_TRUSTED, zh, en)
