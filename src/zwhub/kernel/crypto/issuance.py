"""Issuing certificates (签发证书): roots, intermediates and leaves for the sample and for tests."""

import hashlib
import secrets
from datetime import UTC, datetime

from asn1crypto import algos, core, keys, x509

from zwhub.kernel.crypto import certificates as oids
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey
from zwhub.kernel.crypto.signature_pair import to_der

_SIGNED_WITH = {
    Algorithm.ES256: oids.ECDSA_SHA256,
    Algorithm.EDDSA: oids.ED25519,
    Algorithm.PS256: oids.RSA_PSS,
    Algorithm.SM2: oids.SM2_SM3,
}
_SERIAL_BITS = 159  # RFC 5280 §4.1.2.2: positive and at most 20 octets
_LAST_UTC_YEAR = 2049  # RFC 5280 §4.1.2.5
_COUNTRY = "CN"


def issue(
    common_name: str,
    organisation_code: str | None,
    public_key: PublicKey,
    issuer_key: PrivateKey,
    *,
    not_before: datetime,
    not_after: datetime,
    issuer: Certificate | None = None,
    authority: bool = False,
    path_length: int | None = None,
) -> Certificate:
    """A certificate for `public_key`, signed with `issuer_key`; without `issuer`, self-signed.

    Any algorithm may certify any other. A leaf may sign (digitalSignature, nonRepudiation); an
    authority may certify. ValueError when `issuer_key` does not belong to the issuer.
    """
    if issuer_key.public != (issuer.public_key if issuer else public_key):
        raise ValueError("the signing key is not the issuer's")
    subject = _name(common_name, organisation_code)
    algorithm = _algorithm(issuer_key.algorithm)
    part = x509.TbsCertificate(
        {
            "version": "v3",
            "serial_number": secrets.randbits(_SERIAL_BITS) | 1,
            "signature": algorithm,
            "issuer": x509.Name.load(issuer.subject_name) if issuer else subject,
            "validity": {"not_before": _time(not_before), "not_after": _time(not_after)},
            "subject": subject,
            "subject_public_key_info": keys.PublicKeyInfo.load(public_key.der()),
            "extensions": _extensions(public_key, issuer_key, issuer, authority, path_length),
        }
    )
    signature = issuer_key.sign(part.dump())
    if issuer_key.algorithm in (Algorithm.ES256, Algorithm.SM2):
        signature = to_der(signature)
    return Certificate.from_der(
        x509.Certificate(
            {
                "tbs_certificate": part,
                "signature_algorithm": algorithm,
                "signature_value": signature,
            }
        ).dump()
    )


def _name(common_name: str, organisation_code: str | None) -> x509.Name:
    attributes = {"country_name": _COUNTRY, "common_name": common_name}
    if organisation_code:
        attributes["serial_number"] = organisation_code
    return x509.Name.build(attributes, use_printable=False)


def _time(at: datetime) -> x509.Time:
    whole = at.astimezone(UTC).replace(microsecond=0)
    kind = "utc_time" if whole.year <= _LAST_UTC_YEAR else "general_time"
    return x509.Time({kind: whole})


def _algorithm(algorithm: Algorithm) -> algos.SignedDigestAlgorithm:
    if algorithm is not Algorithm.PS256:
        return algos.SignedDigestAlgorithm({"algorithm": _SIGNED_WITH[algorithm]})
    digest = algos.DigestAlgorithm({"algorithm": "sha256", "parameters": core.Null()})
    mask = {"algorithm": "mgf1", "parameters": digest}
    parameters = {"hash_algorithm": digest, "mask_gen_algorithm": mask, "salt_length": 32}
    return algos.SignedDigestAlgorithm({"algorithm": "rsassa_pss", "parameters": parameters})


def _extensions(
    public_key: PublicKey,
    issuer_key: PrivateKey,
    issuer: Certificate | None,
    authority: bool,
    path_length: int | None,
) -> list[x509.Extension]:
    constraints = x509.BasicConstraints({"ca": authority, "path_len_constraint": path_length})
    uses = {"key_cert_sign", "crl_sign"} if authority else {"digital_signature", "non_repudiation"}
    above = (issuer and issuer.key_identifier) or key_identifier(issuer_key.public)
    authority_key = x509.AuthorityKeyIdentifier({"key_identifier": above})
    own_key = core.OctetString(key_identifier(public_key))
    return [
        _extension("basic_constraints", constraints, critical=True),
        _extension("key_usage", x509.KeyUsage(uses), critical=True),
        _extension("key_identifier", own_key, critical=False),
        _extension("authority_key_identifier", authority_key, critical=False),
    ]


def _extension(name: str, value: core.Asn1Value, *, critical: bool) -> x509.Extension:
    return x509.Extension(
        {
            "extn_id": name,
            "critical": critical,
            "extn_value": core.ParsableOctetString(value.dump()),
        }
    )


def key_identifier(key: PublicKey) -> bytes:
    """The leading 160 bits of SHA-256 over the key's bits (RFC 7093 §2 method 1)."""
    bits = keys.PublicKeyInfo.load(key.der())["public_key"]
    return hashlib.sha256(bits.contents[1:]).digest()[:20]
