"""Whose signature a licence needs (签发权限): where a file names one, its issuer's. Pure; no I/O."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from zwhub.kernel.crypto.trust import TrustedKey
from zwhub.kernel.identifiers.licence import LicenceIdentifier, MalformedIdentifier
from zwhub.kernel.words import Words
from zwhub.licences import policy
from zwhub.licences.body import Body
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFinding,
    FileReason,
    SignatureFinding,
    failed,
    passed,
    unchecked,
)
from zwhub.licences.files.jws import translated
from zwhub.licences.files.verdict import Anchors, Party

_NAME, _CLAUSE = FileCheckName.ISSUER_AUTHORISED, "GB/T 36901"
_ISSUER = 18  # characters of a social credit code (GB 32100)


@dataclass(frozen=True, slots=True)
class NamedLicence:
    """What counts of the licence a file names. `issuer` None: the name tells a region only."""

    type_code: str
    issuer: str | None

    @classmethod
    def of(cls, identifier: LicenceIdentifier) -> "NamedLicence":
        issuer = identifier.issuer if len(identifier.issuer) == _ISSUER else None
        return cls(identifier.type_code, issuer)

    @classmethod
    def registered(cls, body: Body) -> "NamedLicence":
        """The registry knows the issuer where the identifier names a region instead."""
        return cls(body.type_code, body.issuer_code)


def naming(found: FileFinding, identifiers: Collection[str], anchors: Anchors) -> FileFinding:
    """The finding of a file in which these identifiers stand, each in a signed place."""
    if not identifiers:
        return found
    name, clause = FileCheckName.IDENTIFIER, "GB/T 36904"
    if len(identifiers) > 1:
        words = Words("文件载有多个证照标识，无从判断", "it names several licences: not checked")
        check = unchecked(name, words, clause, FileReason.MALFORMED)
        return replace(found, checks=(*found.checks, check))
    (said,) = identifiers
    try:
        identifier = LicenceIdentifier.parse(said)
    except MalformedIdentifier as malformed:
        check = failed(name, malformed.words, clause, FileReason.MALFORMED)
        return replace(found, checks=(*found.checks, check))
    check = translated(policy.check_character(identifier))
    named = replace(found, checks=(*found.checks, check), identifier=said)
    return by_its_issuer(named, NamedLicence.of(identifier), anchors)


def by_its_issuer(found: FileFinding, licence: NamedLicence, anchors: Anchors) -> FileFinding:
    """Each signature with the answer to whether the licence's issuer made it.

    Every one: what another body adds above the issuer's signature is part of what is shown.
    """
    signatures = tuple(_with_answer(one, licence, anchors) for one in found.signatures)
    return replace(found, signatures=signatures)


def _with_answer(
    one: SignatureFinding, licence: NamedLicence, anchors: Anchors
) -> SignatureFinding:
    if one.certificate is None:  # it was not read, which is in doubt already
        return one
    signer = Party(one.certificate, one.signed_at)
    others = tuple(check for check in one.checks if check.name is not _NAME)
    return replace(one, checks=(*others, _authorised(signer, licence, anchors)))


def _authorised(signer: Party, licence: NamedLicence, anchors: Anchors) -> FileCheck:
    """The signer's certificate is the issuer's, who had the right to this type when it signed."""
    if not anchors.trust.roots:
        words = Words("没有信任根证书，无从判断", "no trusted root is known: not checked")
        return unchecked(_NAME, words, _CLAUSE, FileReason.ISSUER_NOT_TRUSTED)
    keys = anchors.keys_of(signer.certificate)
    if not keys:
        return _unlisted(signer, licence, anchors)
    own = [key for key in keys if licence.issuer in {None, key.issuer}]
    if not any(_may_issue(key, licence, signer, anchors) for key in own):
        words = Words(
            "签名者不是该证照的颁发机构，或签名时无权签发此类证照",
            "the signer is not the licence's issuer, or had no right to this type when it signed",
        )
        return failed(_NAME, words, _CLAUSE, FileReason.ISSUER_NOT_AUTHORISED)
    if licence.issuer is None:
        words = Words("标识只载区划，颁发机构未知", "the identifier names a region: whose is it?")
        return unchecked(_NAME, words, _CLAUSE, FileReason.ISSUER_NOT_AUTHORISED)
    return passed(_NAME, Words("签名者为颁发机构", "the licence's issuer signed"), _CLAUSE)


def _may_issue(key: TrustedKey, licence: NamedLicence, signer: Party, anchors: Anchors) -> bool:
    at = signer.at or anchors.now
    return not anchors.knows_rights or key.may_issue(licence.type_code, at)


def _unlisted(signer: Party, licence: NamedLicence, anchors: Anchors) -> FileCheck:
    """Nobody's key by the list. A folder may lack it: then the certificate's own word is a doubt."""
    claims = signer.certificate.organisation_code
    if not anchors.knows_rights and claims is not None and claims == licence.issuer:
        words = Words(
            "证书目录中没有签名者的证书，无从判断",
            "the folder does not hold the signer's certificate: not checked",
        )
        return unchecked(_NAME, words, _CLAUSE, FileReason.ISSUER_NOT_TRUSTED)
    words = Words(
        "签名者的证书不在信任列表中，而文件载有证照",
        "the file names a licence, and its signer's certificate is on no trust list",
    )
    return failed(_NAME, words, _CLAUSE, FileReason.ISSUER_NOT_TRUSTED)
