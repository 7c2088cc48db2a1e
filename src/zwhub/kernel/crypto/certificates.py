"""Certificates (数字证书): X.509 read the same way for all four algorithms, SM2 included."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from asn1crypto import algos, core, pem, x509

from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.keys import Algorithm, MalformedKey, PublicKey
from zwhub.kernel.crypto.signature_pair import to_raw
from zwhub.kernel.words import Words

ECDSA_SHA256 = "1.2.840.10045.4.3.2"
ED25519 = "1.3.101.112"
RSA_PSS = "1.2.840.113549.1.1.10"
RSA_PKCS1_SHA256 = "1.2.840.113549.1.1.11"
SM2_SM3 = "1.2.156.10197.1.501"

_COMMON_NAME, _ORGANISATION = "2.5.4.3", "2.5.4.10"
_SERIAL_NUMBER, _ORGANISATION_IDENTIFIER = "2.5.4.5", "2.5.4.97"
_UNDERSTOOD = frozenset({"basic_constraints", "key_usage"})
_BMP, _UNIVERSAL = 30, 28  # string types of two and four bytes a character
_MAX_DER = 65_536


class MalformedCertificate(ValueError):
    """Bytes that are no certificate the hub can read; `words` says why."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


@dataclass(frozen=True, slots=True)
class Certificate:
    """One X.509 certificate (RFC 5280), parsed once and completely.

    `subject` is for showing (common name, else organisation). `organisation_code` is the
    subject's serialNumber, else its organizationIdentifier. Names for comparing are DER.
    """

    der: bytes = field(repr=False)
    subject: str
    organisation_code: str | None
    serial: int
    not_before: datetime
    not_after: datetime
    public_key: PublicKey
    is_authority: bool
    path_length: int | None
    may_sign: bool
    may_certify: bool
    subject_name: bytes = field(repr=False)
    issuer_name: bytes = field(repr=False)
    key_identifier: bytes | None = field(repr=False)
    unknown_critical: tuple[str, ...]
    signature_algorithm: str
    signature: bytes = field(repr=False)
    signed_part: bytes = field(repr=False)

    @classmethod
    def from_pem(cls, text: str | bytes) -> "Certificate":
        """From the first PEM block of a file; MalformedCertificate when it is no certificate."""
        try:
            kind, _, der = pem.unarmor(text.encode() if isinstance(text, str) else text)
        except (ValueError, TypeError) as error:
            raise _malformed() from error
        if kind != "CERTIFICATE":
            raise _malformed()
        return cls.from_der(der)

    @classmethod
    def from_der(cls, der: bytes) -> "Certificate":
        """From DER; MalformedCertificate when unreadable or of an unsupported key."""
        if len(der) > _MAX_DER:
            raise _malformed()
        try:
            return _read(der)
        except MalformedKey as error:
            raise MalformedCertificate(error.words) from error
        # The parser is lazy and strangers' bytes make it fail in a dozen ways; all mean the same.
        except Exception as error:
            raise _malformed() from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the DER, 64 lower-case hexadecimal characters."""
        return sha256_hex(self.der)

    def pem(self) -> str:
        return str(pem.armor("CERTIFICATE", self.der).decode("ascii"))

    def valid_at(self, at: datetime) -> bool:
        """Whether `at` lies in the validity period, both ends included (RFC 5280 §4.1.2.5)."""
        return self.not_before <= at <= self.not_after

    def signed_by(self, issuer: "Certificate") -> bool:
        """Whether `issuer`'s key made this certificate's signature; says nothing of trust."""
        return _signed(self, issuer.public_key)


def _read(der: bytes) -> Certificate:
    whole = x509.Certificate.load(der, strict=True)
    part = whole["tbs_certificate"]
    if part["signature"].dump() != whole["signature_algorithm"].dump():
        raise ValueError("the two signature algorithms differ")  # RFC 5280 §4.1.1.2
    extensions = _extensions(part)
    authority, path_length = _constraints(extensions)
    usage = _usage(extensions)
    validity = part["validity"]
    subject = _attributes(part["subject"])
    return Certificate(
        der=der,
        subject=subject.get(_COMMON_NAME) or subject.get(_ORGANISATION) or "",
        organisation_code=subject.get(_SERIAL_NUMBER) or subject.get(_ORGANISATION_IDENTIFIER),
        serial=int(part["serial_number"].native),
        not_before=validity["not_before"].native.astimezone(UTC),
        not_after=validity["not_after"].native.astimezone(UTC),
        public_key=PublicKey.from_spki(part["subject_public_key_info"].dump()),
        is_authority=authority,
        path_length=path_length,
        may_sign=bool(usage & {"digital_signature", "non_repudiation"}),
        may_certify="key_cert_sign" in usage,
        subject_name=part["subject"].dump(),
        issuer_name=part["issuer"].dump(),
        key_identifier=_key_identifier(extensions),
        unknown_critical=_unknown_critical(extensions),
        signature_algorithm=signature_algorithm(whole["signature_algorithm"]),
        signature=whole["signature_value"].native,
        signed_part=part.dump(),
    )


def _extensions(part: x509.TbsCertificate) -> dict[str, x509.Extension]:
    listed = list(part["extensions"])
    found = {extension["extn_id"].native: extension for extension in listed}
    if len(found) != len(listed):
        raise ValueError("an extension occurs twice")  # RFC 5280 §4.2
    return found


def _constraints(extensions: dict[str, x509.Extension]) -> tuple[bool, int | None]:
    if "basic_constraints" not in extensions:
        return False, None
    constraints = extensions["basic_constraints"]["extn_value"].parsed.native
    return bool(constraints["ca"]), constraints["path_len_constraint"]


def _usage(extensions: dict[str, x509.Extension]) -> set[str]:
    """The granted usages; without the extension none, stricter than RFC 5280 §4.2.1.3."""
    if "key_usage" not in extensions:
        return set()
    return set(extensions["key_usage"]["extn_value"].parsed.native)


def _key_identifier(extensions: dict[str, x509.Extension]) -> bytes | None:
    if "key_identifier" not in extensions:
        return None
    return bytes(extensions["key_identifier"]["extn_value"].parsed.native)


def _unknown_critical(extensions: dict[str, x509.Extension]) -> tuple[str, ...]:
    critical = {name for name, found in extensions.items() if found["critical"].native}
    return tuple(sorted(critical - _UNDERSTOOD))


def _attributes(name: x509.Name) -> dict[str, str]:
    """Attribute type (dotted) to text; of a repeated type the last, most specific one."""
    pairs = (pair for relative in name.chosen for pair in relative)
    return {pair["type"].dotted: _text(pair["value"]) for pair in pairs}


def _text(value: core.Asn1Value) -> str:
    chosen = value.chosen if isinstance(value, core.Choice) else value
    octets = bytes(chosen.contents)
    wide = {_BMP: "utf-16-be", _UNIVERSAL: "utf-32-be"}.get(chosen.tag)
    text = octets.decode(wide) if wide else _guessed(octets)
    return "".join(filter(str.isprintable, text)).strip()


def _guessed(octets: bytes) -> str:
    # Chinese authorities put UTF-8 as well as GB18030 into a TeletexString, whatever X.690 says.
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("gb18030", "replace")


def signature_algorithm(algorithm: algos.SignedDigestAlgorithm, *, any_salt: bool = False) -> str:
    """Its OID; nothing for RSA-PSS with other parameters than PS256 has (RFC 7518 §3.5).

    `any_salt` lets the salt have another length, as signers of documents choose it.
    """
    oid = str(algorithm["algorithm"].dotted)
    if oid == RSA_PSS and not _expected_pss(algorithm["parameters"], any_salt):
        return ""  # an algorithm nobody here checks
    return oid


def _expected_pss(parameters: algos.RSASSAPSSParams, any_salt: bool) -> bool:
    found = parameters.native
    hashed, mask = found["hash_algorithm"], found["mask_gen_algorithm"]
    return bool(
        hashed["algorithm"] == "sha256"
        and mask["algorithm"] == "mgf1"
        and mask["parameters"]["algorithm"] == "sha256"
        and (any_salt or found["salt_length"] == 32)  # noqa: PLR2004 - as long as the digest
    )


_KEY_FOR = {
    ECDSA_SHA256: Algorithm.ES256,
    ED25519: Algorithm.EDDSA,
    RSA_PSS: Algorithm.PS256,
    RSA_PKCS1_SHA256: Algorithm.PS256,
    SM2_SM3: Algorithm.SM2,
}


# A verifier meets the same few certificates all day, and whether one signed another never changes.
@lru_cache(maxsize=4096)
def _signed(certificate: Certificate, key: PublicKey) -> bool:
    oid, signature = certificate.signature_algorithm, certificate.signature
    if _KEY_FOR.get(oid) is not key.algorithm:
        return False
    if oid == RSA_PKCS1_SHA256:
        return key.verify_pkcs1(signature, certificate.signed_part)
    if oid in (ECDSA_SHA256, SM2_SM3):
        signature = to_raw(signature) or b""
    return key.verify(signature, certificate.signed_part)


def _malformed() -> MalformedCertificate:
    return MalformedCertificate(Words(zh="数字证书无法读取", en="the certificate cannot be read"))


def chain_problem(
    certificate: Certificate,
    roots: Sequence[Certificate],
    at: datetime,
    intermediates: Sequence[Certificate] = (),
) -> Words | None:
    """Why `certificate` is not to be believed at `at`, or None: it stands under one of `roots`.

    Chains are leaf ← root and leaf ← intermediate ← root (RFC 5280 §6.1). Both ends and every
    step are checked: use, names byte for byte, authority, path length, validity, signature.
    Roots are trusted as given, but still have to be valid at `at`. `at` must be aware.
    """
    own = _own_problem(certificate, at)
    if own:
        return own
    problems = [_step_problem(certificate, root, at, 0) for root in _named(certificate, roots)]
    for issuer in _named(certificate, intermediates):
        step = _step_problem(certificate, issuer, at, 0)
        above = [_step_problem(issuer, root, at, 1) for root in _named(issuer, roots)]
        problems += [step] if step else above
    return None if None in problems else next(iter(problems), _NO_ROOT)


def _named(certificate: Certificate, candidates: Sequence[Certificate]) -> list[Certificate]:
    name = certificate.issuer_name
    return [candidate for candidate in candidates if candidate.subject_name == name]


def _own_problem(certificate: Certificate, at: datetime) -> Words | None:
    if not certificate.may_sign:
        return _NOT_FOR_SIGNING
    return _state_problem(certificate, at)


def _state_problem(certificate: Certificate, at: datetime) -> Words | None:
    if certificate.unknown_critical:
        return _UNKNOWN_EXTENSION
    return None if certificate.valid_at(at) else _NOT_VALID


def _step_problem(
    certificate: Certificate, issuer: Certificate, at: datetime, below: int
) -> Words | None:
    """What is wrong between a certificate and its issuer, with `below` authorities under it."""
    if not (issuer.is_authority and issuer.may_certify):
        return _NOT_AUTHORITY
    if issuer.path_length is not None and below > issuer.path_length:
        return _TOO_LONG
    if not certificate.signed_by(issuer):
        return _NOT_SIGNED
    return _state_problem(issuer, at)


_NO_ROOT = Words(zh="证书不在信任根之下", en="the certificate stands under no trusted root")
_NOT_FOR_SIGNING = Words(zh="证书不得用于签名", en="the certificate is not for signing")
_NOT_VALID = Words(zh="证书在该时刻不在有效期内", en="a certificate was not valid at that time")
_UNKNOWN_EXTENSION = Words(
    zh="证书含无法识别的关键扩展", en="a certificate has an unknown critical extension"
)
_NOT_AUTHORITY = Words(zh="颁发者不是证书认证机构", en="the issuer is no certificate authority")
_TOO_LONG = Words(zh="证书链超过允许长度", en="the chain is longer than its authority allows")
_NOT_SIGNED = Words(zh="证书签名与颁发者不符", en="the certificate was not signed by its issuer")
