"""Keys (密钥): each fixes its algorithm, and nothing but its own signature verifies."""

import subprocess
from collections.abc import Callable, Mapping

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, padding, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zwhub.kernel.crypto import sm2
from zwhub.kernel.crypto.keys import Algorithm, MalformedKey, PrivateKey, PublicKey

Keys = Mapping[Algorithm, PrivateKey]
Run = Callable[..., subprocess.CompletedProcess[bytes]]
MESSAGE = "电子证照".encode()
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
EVERY = pytest.mark.parametrize("algorithm", list(Algorithm))


@EVERY
def test_a_key_verifies_what_it_signed_and_nothing_else(keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm]
    signature = key.sign(MESSAGE)
    assert key.algorithm is key.public.algorithm is algorithm
    assert key.public.verify(signature, MESSAGE)
    assert not key.public.verify(signature, MESSAGE + b" ")
    assert not PrivateKey.generate(algorithm).public.verify(signature, MESSAGE)


@EVERY
def test_no_key_verifies_another_algorithms_signature(keys: Keys, algorithm: Algorithm) -> None:
    signature = keys[algorithm].sign(MESSAGE)
    others = [key.public for own, key in keys.items() if own is not algorithm]
    assert not any(other.verify(signature, MESSAGE) for other in others)


@EVERY
def test_a_wrong_length_is_refused(keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm]
    signature = key.sign(MESSAGE)
    for wrong in (b"", signature[:-1], signature + b"\0", b"\0" + signature, signature * 2):
        assert not key.public.verify(wrong, MESSAGE)


@EVERY
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(octets=st.binary(max_size=70) | st.binary(min_size=64, max_size=64))
def test_garbage_never_raises(keys: Keys, algorithm: Algorithm, octets: bytes) -> None:
    assert keys[algorithm].public.verify(octets, MESSAGE) is False


@EVERY
def test_der_and_pem_come_back(keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm]
    public = PublicKey.from_spki(key.public.der())
    assert (public, hash(public)) == (key.public, hash(key.public))
    for text in (key.pem(), key.pem().encode()):
        again = PrivateKey.from_pem(text)
        assert again.public == key.public
        assert public.verify(again.sign(MESSAGE), MESSAGE)


@EVERY
def test_openssl_reads_the_private_key(openssl: Run, keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm]
    read = openssl("pkey", "-pubout", "-outform", "DER", given=key.pem().encode())
    assert read.stdout == key.public.der()


def test_a_private_key_from_openssl_is_read(openssl: Run) -> None:
    made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2")
    key = PrivateKey.from_pem(made.stdout)
    assert key.algorithm is Algorithm.SM2
    assert (
        key.public.der() == openssl("pkey", "-pubout", "-outform", "DER", given=made.stdout).stdout
    )


@EVERY
def test_a_key_does_not_show_itself(keys: Keys, algorithm: Algorithm) -> None:
    assert repr(keys[algorithm]) == f"PrivateKey({algorithm})"
    assert repr(keys[algorithm].public) == f"PublicKey({algorithm})"


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.SM2])
def test_a_point_makes_the_key_again(keys: Keys, algorithm: Algorithm) -> None:
    key = keys[algorithm].public
    assert PublicKey.from_point(algorithm, key.point()) == key
    for wrong in (b"", key.point()[:-1], b"\x02" + key.point()[1:33], b"\x04" + bytes(64)):
        with pytest.raises(MalformedKey, match="cannot be read"):
            PublicKey.from_point(algorithm, wrong)


@pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.PS256])
def test_other_keys_are_no_points(keys: Keys, algorithm: Algorithm) -> None:
    with pytest.raises(ValueError, match="on a curve"):
        keys[algorithm].public.point()
    with pytest.raises(MalformedKey):
        PublicKey.from_point(algorithm, keys[Algorithm.ES256].public.point())


def test_a_curve_is_not_another_curve(keys: Keys) -> None:
    with pytest.raises(MalformedKey):
        PublicKey.from_point(Algorithm.SM2, keys[Algorithm.ES256].public.point())
    with pytest.raises(MalformedKey):
        PublicKey.from_point(Algorithm.ES256, keys[Algorithm.SM2].public.point())


# S505: too weak is the point
WEAK_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
FOREIGN = {
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "Ed448": ed448.Ed448PrivateKey.generate(),
    "RSA-1024": WEAK_RSA,
}


@pytest.mark.parametrize("key", FOREIGN.values(), ids=FOREIGN)
def test_foreign_and_weak_keys_are_refused(key: ec.EllipticCurvePrivateKey) -> None:
    with pytest.raises(MalformedKey, match="unsupported key"):
        PublicKey.from_spki(key.public_key().public_bytes(serialization.Encoding.DER, SPKI))
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    with pytest.raises(MalformedKey, match="unsupported key"):
        PrivateKey.from_pem(key.private_bytes(serialization.Encoding.PEM, form, plain))


@settings(max_examples=60)
@given(st.binary(max_size=120))
def test_bytes_that_are_no_key_are_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedKey):
        PublicKey.from_spki(octets)
    with pytest.raises(MalformedKey):
        PrivateKey.from_pem(octets)


def test_an_altered_sm2_key_is_malformed(keys: Keys) -> None:
    der = keys[Algorithm.SM2].public.der()
    for wrong in (der[:-1], der + b"\0", der[:-1] + bytes([der[-1] ^ 1])):
        with pytest.raises(MalformedKey):
            PublicKey.from_spki(wrong)
    assert not sm2.is_point(der[-64:])


def test_pss_wants_a_salt_of_32_bytes_and_no_other_padding(keys: Keys) -> None:
    own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public, sha = PublicKey(own.public_key()), hashes.SHA256()

    def signed(salt: int) -> bytes:
        return own.sign(MESSAGE, padding.PSS(padding.MGF1(sha), salt_length=salt), sha)

    assert public.verify(signed(32), MESSAGE)
    assert not public.verify(signed(20), MESSAGE)
    old = own.sign(MESSAGE, padding.PKCS1v15(), sha)
    assert not public.verify(old, MESSAGE)
    assert public.verify_pkcs1(old, MESSAGE)
    assert not public.verify_pkcs1(old, MESSAGE + b" ")
    assert not public.verify_pkcs1(old[:-1], MESSAGE)
    assert not keys[Algorithm.ES256].public.verify_pkcs1(old, MESSAGE)
