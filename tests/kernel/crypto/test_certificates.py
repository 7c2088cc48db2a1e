"""Certificates (数字证书): four algorithms, every reason for disbelief, other programs."""

import random
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate, chain_problem
from zwhub.kernel.crypto.issuance import issue
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey

Keys = Mapping[Algorithm, PrivateKey]
Roots = Mapping[Algorithm, Certificate]
Run = Callable[..., subprocess.CompletedProcess[bytes]]
CODE = "11430000006122244L"
FROM, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2052, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, tzinfo=UTC)
EVERY = pytest.mark.parametrize("algorithm", list(Algorithm))


def a_root(key: PrivateKey, name: str = "样例市根", path_length: int | None = 1) -> Certificate:
    return a_leaf(key, key, None, name=name, code=None, authority=True, path_length=path_length)


def a_leaf(
    key: PrivateKey,
    issuer_key: PrivateKey,
    issuer: Certificate | None,
    *,
    name: str = "样例市公安局",
    code: str | None = CODE,
    not_before: datetime = FROM,
    not_after: datetime = UNTIL,
    authority: bool = False,
    path_length: int | None = None,
) -> Certificate:
    return issue(
        name,
        code,
        key.public,
        issuer_key,
        not_before=not_before,
        not_after=not_after,
        issuer=issuer,
        authority=authority,
        path_length=path_length,
    )


@pytest.fixture(scope="module")
def roots(keys: Keys) -> Roots:
    return {algorithm: a_root(key, f"样例市根 {algorithm}") for algorithm, key in keys.items()}


@pytest.mark.parametrize(("of", "by"), list(product(Algorithm, Algorithm)))
def test_any_algorithm_certifies_any_other(
    keys: Keys, roots: Roots, of: Algorithm, by: Algorithm
) -> None:
    leaf = a_leaf(keys[of], keys[by], roots[by])
    read = Certificate.from_der(leaf.der)
    assert (read, Certificate.from_pem(leaf.pem())) == (leaf, leaf)
    assert (read.subject, read.organisation_code) == ("样例市公安局", CODE)
    assert (read.not_before, read.not_after) == (FROM, UNTIL)
    assert (read.is_authority, read.may_sign) == (False, True)
    assert read.public_key == keys[of].public
    assert [read.signed_by(root) for root in roots.values()] == [a is by for a in roots]
    assert chain_problem(read, list(roots.values()), NOW) is None
    assert chain_problem(read, [r for a, r in roots.items() if a is not by], NOW) is not None


@EVERY
def test_a_chain_of_three(keys: Keys, roots: Roots, algorithm: Algorithm) -> None:
    middle_key = PrivateKey.generate(Algorithm.SM2)
    root = roots[algorithm]
    middle = a_leaf(middle_key, keys[algorithm], root, name="中级", authority=True, path_length=0)
    leaf = a_leaf(keys[algorithm], middle_key, middle)
    assert chain_problem(leaf, [root], NOW, [middle]) is None
    assert _why(leaf, [root]) == "the certificate stands under no trusted root"
    assert _why(leaf, [], [middle, root]) == "the certificate stands under no trusted root"


def _why(
    leaf: Certificate,
    roots: list[Certificate],
    intermediates: list[Certificate] | None = None,
    at: datetime = NOW,
) -> str:
    problem = chain_problem(leaf, roots, at, intermediates or [])
    assert problem is not None
    assert problem.zh
    return problem.en


def test_every_reason_for_disbelief(keys: Keys, roots: Roots) -> None:
    key, root = keys[Algorithm.ES256], roots[Algorithm.ES256]
    other = PrivateKey.generate(Algorithm.ES256)
    leaf = a_leaf(other, key, root)
    second = timedelta(seconds=1)
    assert "not valid" in _why(leaf, [root], at=FROM - second)
    assert "not valid" in _why(leaf, [root], at=UNTIL + second)
    assert chain_problem(leaf, [root], FROM) is None
    assert chain_problem(leaf, [root], UNTIL) is None
    longer = a_leaf(other, key, root, not_after=UNTIL + timedelta(days=9))
    assert "not valid" in _why(longer, [root], at=UNTIL + second)
    assert "not signed" in _why(a_leaf(other, other, a_root(other, root.subject)), [root])
    assert "no trusted root" in _why(a_leaf(other, key, a_root(key, "别的根")), [root])
    assert "not for signing" in _why(root, [root])
    lay = a_leaf(key, key, root)
    assert "no certificate authority" in _why(a_leaf(other, key, lay), [lay])


def test_the_length_of_a_path(keys: Keys) -> None:
    key, middle_key = keys[Algorithm.EDDSA], keys[Algorithm.ES256]
    short, free = a_root(key, path_length=0), a_root(key, path_length=None)
    for root, expected in ((short, "longer than"), (free, None)):
        middle = a_leaf(middle_key, key, root, name="中级", authority=True)
        leaf = a_leaf(keys[Algorithm.SM2], middle_key, middle)
        problem = chain_problem(leaf, [root], NOW, [middle])
        assert (expected is None) == (problem is None)
        assert problem is None or expected is None or expected in problem.en
        assert chain_problem(a_leaf(middle_key, key, root), [root], NOW) is None


def test_after_a_change_of_keys_either_root_of_a_name_will_do(keys: Keys) -> None:
    old, new = a_root(keys[Algorithm.PS256]), a_root(keys[Algorithm.SM2])
    leaf = a_leaf(keys[Algorithm.ES256], keys[Algorithm.SM2], new)
    assert chain_problem(leaf, [old, new], NOW) is None
    assert "not signed" in _why(leaf, [old])


def test_a_key_that_is_not_the_issuers_issues_nothing(keys: Keys) -> None:
    root = a_root(keys[Algorithm.ES256])
    with pytest.raises(ValueError, match="not the issuer's"):
        a_leaf(keys[Algorithm.SM2], keys[Algorithm.SM2], root)
    with pytest.raises(ValueError, match="not the issuer's"):
        a_leaf(keys[Algorithm.SM2], keys[Algorithm.ES256], None)


@pytest.mark.parametrize("algorithm", [Algorithm.ES256, Algorithm.EDDSA, Algorithm.PS256])
def test_another_library_reads_the_same(keys: Keys, algorithm: Algorithm) -> None:
    root = a_root(keys[algorithm])
    leaf = a_leaf(keys[algorithm], keys[algorithm], root)
    theirs = x509.load_der_x509_certificate(leaf.der)
    theirs.verify_directly_issued_by(x509.load_pem_x509_certificate(root.pem().encode()))
    assert (theirs.serial_number, theirs.not_valid_before_utc) == (leaf.serial, FROM)
    assert theirs.fingerprint(hashes.SHA256()).hex() == leaf.fingerprint
    own = theirs.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    above = theirs.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert own.digest == leaf.key_identifier
    assert above.key_identifier == root.key_identifier
    assert len({a_root(keys[algorithm]).serial for _ in range(5)} | {leaf.serial}) == 6


@EVERY
def test_openssl_reads_and_verifies(
    openssl: Run,
    keys: Keys,
    roots: Roots,
    algorithm: Algorithm,
    tmp_path: Path,
) -> None:
    root, leaf = tmp_path / "root.pem", tmp_path / "leaf.pem"
    root.write_text(roots[algorithm].pem())
    leaf.write_text(a_leaf(keys[Algorithm.SM2], keys[algorithm], roots[algorithm]).pem())
    text = openssl("x509", "-in", str(leaf), "-noout", "-text", "-nameopt", "utf8").stdout.decode()
    assert "CN=样例市公安局" in text
    assert "Digital Signature, Non Repudiation" in text
    identity = ("-vfyopt", "distid:1234567812345678") if algorithm is Algorithm.SM2 else ()
    checked = openssl("verify", "-x509_strict", *identity, "-CAfile", str(root), str(leaf))
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_certificates_by_openssl_are_read(openssl: Run, tmp_path: Path) -> None:
    """SM2 with SM3, and RSA with the older PKCS#1 padding, both made by another program."""
    for kind, algorithm in (("EC", Algorithm.SM2), ("RSA", Algorithm.PS256)):
        key = tmp_path / f"{kind}.pem"
        option = ("-pkeyopt", "ec_paramgen_curve:SM2") if kind == "EC" else ()
        key.write_bytes(openssl("genpkey", "-algorithm", kind, *option).stdout)
        digest = ("-sm3", "-sigopt", "distid:1234567812345678") if kind == "EC" else ("-sha256",)
        subject = ("-subj", "/C=CN/O=Sample/serialNumber=" + CODE, "-days", "9")
        made = openssl("req", "-x509", "-new", "-key", str(key), *digest, *subject)
        found = Certificate.from_pem(made.stdout)
        assert (found.subject, found.organisation_code) == ("Sample", CODE)
        assert found.public_key.algorithm is algorithm
        assert found.signed_by(found)


# Certificates no ordinary issuer makes, built with another library.

_KEY = ec.generate_private_key(ec.SECP256R1())


def _odd(*extensions: tuple[x509.ExtensionType, bool], usage: bool = True) -> Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    builder = (
        x509.CertificateBuilder(name, name, _KEY.public_key(), 7)
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
    )
    if usage:
        builder = builder.add_extension(_usage(digital_signature=True), critical=True)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    made = builder.sign(_KEY, hashes.SHA256())
    return Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


def _usage(**granted: bool) -> x509.KeyUsage:
    names = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**dict.fromkeys(names.split(), False) | granted)


def test_an_unknown_critical_extension_is_refused() -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.156.1.2.3"), b"\x05\x00")
    harmless = _odd((unknown, False))
    assert harmless.unknown_critical == ()
    assert "no trusted root" in _why(harmless, [])
    grave = _odd((unknown, True))
    assert grave.unknown_critical == ("1.2.156.1.2.3",)
    assert "critical extension" in _why(grave, [])


def test_an_extension_that_occurs_twice_is_malformed() -> None:
    one, two = (x509.ObjectIdentifier("1.2.156.1.2." + last) for last in "34")
    null, old = b"\x05\x00", bytes.fromhex("2A811C010204")
    both = _odd(*((x509.UnrecognizedExtension(oid, null), False) for oid in (one, two)))
    assert both.der.count(old) == 1
    with pytest.raises(MalformedCertificate):
        Certificate.from_der(both.der.replace(old, old[:-1] + b"\x03"))


def test_authority_without_the_right_to_certify_is_none() -> None:
    weak = _odd((x509.BasicConstraints(ca=True, path_length=None), True))
    assert (weak.is_authority, weak.may_certify, weak.may_sign) == (True, False, True)
    assert "no certificate authority" in _why(weak, [weak])
    sealed = _odd((_usage(content_commitment=True), True), usage=False)
    assert sealed.may_sign


def test_without_key_usage_nothing_may_be_signed() -> None:
    assert not _odd(usage=False).may_sign
    assert not _odd((_usage(key_agreement=True), True), usage=False).may_sign


def _named(value: str | bytes, tag: int) -> Certificate:
    """A certificate whose common name holds these bytes under this string type."""
    octets = value.encode() if isinstance(value, str) else value
    filler = "x" * len(octets)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, filler)])
    builder = x509.CertificateBuilder(name, name, _KEY.public_key(), 7)
    made = builder.not_valid_before(FROM).not_valid_after(UNTIL).sign(_KEY, hashes.SHA256())
    der = made.public_bytes(serialization.Encoding.DER)
    old = b"\x0c" + bytes([len(octets)]) + filler.encode()
    return Certificate.from_der(der.replace(old, bytes([tag, len(octets)]) + octets))


UTF8, PRINTABLE, TELETEX, BMP, UNIVERSAL = 12, 19, 20, 30, 28


@pytest.mark.parametrize(
    ("octets", "tag"),
    [
        ("样例市".encode(), UTF8),
        ("样例市".encode(), TELETEX),
        ("样例市".encode("gb18030"), TELETEX),
        ("样例市".encode("gb18030"), PRINTABLE),
        ("样例市".encode("utf-16-be"), BMP),
        ("样例市".encode("utf-32-be"), UNIVERSAL),
        ("样\0例\u202e市\n".encode(), UTF8),
    ],
)
def test_names_in_the_encodings_of_the_field(octets: bytes, tag: int) -> None:
    assert _named(octets, tag).subject == "样例市"


def test_a_name_in_a_broken_encoding_is_malformed() -> None:
    with pytest.raises(MalformedCertificate):
        _named(b"odd", BMP)


def test_an_unsupported_key_says_so() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    made = builder.not_valid_before(FROM).not_valid_after(UNTIL).sign(key, hashes.SHA256())
    with pytest.raises(MalformedCertificate, match="unsupported key"):
        Certificate.from_der(made.public_bytes(serialization.Encoding.DER))


@pytest.mark.parametrize(("salt", "good"), [(32, True), (20, False)])
def test_pss_with_another_salt_is_not_checked(salt: int, good: bool) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=salt)
    signed = builder.not_valid_before(FROM).not_valid_after(UNTIL)
    made = signed.sign(key, hashes.SHA256(), rsa_padding=pss)
    found = Certificate.from_der(made.public_bytes(serialization.Encoding.DER))
    assert found.signed_by(found) is good


@pytest.mark.parametrize(
    "text",
    ["", "x", "-----BEGIN CERTIFICATE-----", "证书", b"\xff\xfe", b"\0" * 100],
)
def test_what_is_no_pem_is_malformed(text: str | bytes) -> None:
    with pytest.raises(MalformedCertificate, match="cannot be read"):
        Certificate.from_pem(text)


def test_a_private_key_is_no_certificate(keys: Keys) -> None:
    with pytest.raises(MalformedCertificate):
        Certificate.from_pem(keys[Algorithm.SM2].pem())


def test_der_with_something_behind_it_or_too_long_is_malformed(keys: Keys) -> None:
    der = a_root(keys[Algorithm.SM2]).der
    for wrong in (b"", der + b"\0", der + bytes(70_000)):
        with pytest.raises(MalformedCertificate):
            Certificate.from_der(wrong)


def _mutated(der: bytes, dice: random.Random) -> bytes:
    at, width = dice.randrange(len(der)), dice.choice([0, 1, 1, 1, 4])
    put = dice.randbytes(dice.choice([0, 1, 1, 1, 4]))
    return der[:at] + put + der[at + width :]


@EVERY
def test_fuzzed_certificates_neither_crash_nor_pass(keys: Keys, algorithm: Algorithm) -> None:
    """600 mutations each: read or malformed, and none that differs is believed."""
    root = a_root(keys[algorithm])
    leaf = a_leaf(keys[Algorithm.SM2], keys[algorithm], root)
    dice, unread = random.Random(f"{algorithm} fuzz"), 0
    for _ in range(600):
        der = _mutated(leaf.der, dice)
        try:
            found = Certificate.from_der(der)
        except MalformedCertificate:
            unread += 1
            continue
        assert der == leaf.der or chain_problem(found, [root], NOW) is not None
    assert unread > 100
