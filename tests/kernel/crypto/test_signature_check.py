"""Signatures by their algorithm's OID: right, wrong, or not to be told."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from zwhub.kernel.crypto.certificates import (
    ECDSA_SHA256,
    ED25519,
    RSA_PKCS1_SHA256,
    RSA_PSS,
    SM2_SM3,
)
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey
from zwhub.kernel.crypto.signature_check import checks_out
from zwhub.kernel.crypto.signature_pair import to_der

MESSAGE = b"message"


@pytest.mark.parametrize(
    ("algorithm", "oids"),
    [
        (
            Algorithm.SM2,
            [SM2_SM3, "1.2.156.10197.1.301", "1.2.156.10197.1.301.1", "1.2.840.10045.2.1"],
        ),
        (Algorithm.ES256, [ECDSA_SHA256, "1.2.840.10045.2.1"]),
    ],
)
def test_pairs(algorithm: Algorithm, oids: list[str]) -> None:
    key = PrivateKey.generate(algorithm)
    raw = key.sign(MESSAGE)
    for oid in oids:
        for form in (raw, to_der(raw)):
            assert checks_out(oid, key.public, form, MESSAGE) is True
            assert checks_out(oid, key.public, form, b"another") is False
        assert checks_out(oid, key.public, b"garbage", MESSAGE) is False
        assert checks_out(oid, key.public, b"", MESSAGE) is False


def test_rsa_in_both_schemes_and_with_any_salt() -> None:
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key, sha = PublicKey(theirs.public_key()), hashes.SHA256()
    old = theirs.sign(MESSAGE, padding.PKCS1v15(), sha)
    for oid in (RSA_PKCS1_SHA256, "1.2.840.113549.1.1.1"):
        assert checks_out(oid, key, old, MESSAGE) is True
        assert checks_out(oid, key, old, b"another") is False
    assert checks_out(RSA_PSS, key, old, MESSAGE) is False
    for salt in (0, 20, 32, 222):
        signature = theirs.sign(MESSAGE, padding.PSS(padding.MGF1(sha), salt), sha)
        assert checks_out(RSA_PSS, key, signature, MESSAGE) is True
        assert key.verify(signature, MESSAGE) is (salt == 32)  # for records the salt is fixed


@pytest.mark.parametrize("oid", ["1.2.3", ED25519, RSA_PSS, SM2_SM3, "1.2.840.113549.1.1.1", ""])
def test_an_algorithm_that_is_not_the_keys_tells_nothing(oid: str) -> None:
    key = PrivateKey.generate(Algorithm.ES256)
    assert checks_out(oid, key.public, key.sign(MESSAGE), MESSAGE) is None
