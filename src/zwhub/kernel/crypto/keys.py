"""Keys (密钥): four algorithms, one face; a key fixes its algorithm, whatever a header claims."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeAlias

from asn1crypto import keys as asn1_keys
from asn1crypto import pem
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from zwhub.kernel.crypto import sm2
from zwhub.kernel.crypto.signature_pair import RAW, to_der
from zwhub.kernel.words import Words


class Algorithm(StrEnum):
    """What a key signs with; the `alg` of a JWS header (RFC 7518 §3.1, RFC 8037 §3.1).

    `SM2` is a private name: SM2 with SM3 and the default identity, signature r‖s.
    """

    ES256 = "ES256"
    EDDSA = "EdDSA"
    PS256 = "PS256"
    SM2 = "SM2"


class MalformedKey(ValueError):
    """Bytes that are no key, or a key of a kind the hub does not use."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.en)
        self.words = words


_Theirs: TypeAlias = ec.EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey
_Ours: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
_Check: TypeAlias = Callable[[bytes, bytes], None]

_RSA_BITS = range(2048, 8193)  # RFC 7518 §3.5 below; above, one check would cost too much
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
_ANY_SALT = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
_POINT, _UNCOMPRESSED = 65, 4
_ECDSA = ec.ECDSA(hashes.SHA256())
try:  # RFC 6979 where OpenSSL knows it (3.2): no signature rests on the luck of its moment
    _REPEATABLE = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
except UnsupportedAlgorithm:
    _REPEATABLE = _ECDSA
asn1_keys.NamedCurve.register("sm2p256v1", "1.2.156.10197.1.301", 32)
_SM2_CURVE = asn1_keys.NamedCurve("sm2p256v1").dump()
# SubjectPublicKeyInfo of an SM2 key up to the point: id-ecPublicKey, the curve, 66 bits-and-bytes.
_SM2_SPKI = bytes.fromhex("3059301306072A8648CE3D020106082A811CCF5501822D034200")


class PublicKey:
    """A public key (公钥), equal to another when algorithm and key are the same."""

    __slots__ = ("_check", "_point", "_rsa", "_size", "_spki", "algorithm")

    def __init__(self, key: _Theirs | bytes) -> None:
        """From a key of `cryptography`, or the 65 bytes of an SM2 point; else MalformedKey."""
        self._point, self._rsa = b"", None
        if isinstance(key, bytes):
            self.algorithm, self._size, self._point = Algorithm.SM2, RAW, key
            self._spki = _SM2_SPKI + key
            return
        self.algorithm, self._size, self._check = _use(key)
        self._rsa = key if isinstance(key, RSAPublicKey) else None
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self._spki = key.public_bytes(serialization.Encoding.DER, form)

    @classmethod
    def from_spki(cls, der: bytes) -> "PublicKey":
        """From a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7); MalformedKey when it is not one."""
        if der.startswith(_SM2_SPKI):
            return cls.from_point(Algorithm.SM2, der[len(_SM2_SPKI) :])
        try:
            key = serialization.load_der_public_key(der)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unreadable() from error
        if not isinstance(key, ec.EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey):
            raise _unsupported()
        return cls(key)

    @classmethod
    def from_pem(cls, text: bytes) -> "PublicKey":
        """From a PEM block PUBLIC KEY (RFC 7468 §13), SM2 too; MalformedKey when it is none."""
        try:
            kind, _, der = pem.unarmor(text)
        except (ValueError, TypeError) as error:
            raise _unreadable() from error
        if kind != "PUBLIC KEY":
            raise _unreadable()
        return cls.from_spki(der)

    @classmethod
    def from_point(cls, algorithm: Algorithm, point: bytes) -> "PublicKey":
        """From the 65 bytes 04‖x‖y of an ES256 or SM2 key; MalformedKey when off the curve."""
        if algorithm is Algorithm.SM2 and sm2.is_point(point):
            return cls(point)
        if algorithm is not Algorithm.ES256 or len(point) != _POINT or point[0] != _UNCOMPRESSED:
            raise _unreadable()
        try:
            return cls(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        except ValueError as error:
            raise _unreadable() from error

    def der(self) -> bytes:
        """The DER SubjectPublicKeyInfo."""
        return self._spki

    def pem(self) -> str:
        """The same as a PEM block PUBLIC KEY (RFC 7468 §13)."""
        return str(pem.armor("PUBLIC KEY", self._spki).decode("ascii"))

    def point(self) -> bytes:
        """The 65 bytes 04‖x‖y of an ES256 or SM2 key; ValueError for the other two."""
        if self.algorithm not in (Algorithm.ES256, Algorithm.SM2):
            raise ValueError("only a key on a curve is a point")
        return self._spki[-_POINT:]

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether `signature` is this key's on `message`; garbage is False, never an exception.

        ES256 and SM2: 64 bytes r‖s (RFC 7518 §3.4). EdDSA: 64 bytes. PS256: as long as the
        modulus, salt of 32 bytes. ECDSA lets anybody turn s into n - s, so a signature is no
        fingerprint of a record.
        """
        if len(signature) != self._size:
            return False
        if self.algorithm is Algorithm.SM2:
            return sm2.verify(self._point, message, signature)
        return _passes(self._check, signature, message)

    def verify_pkcs1(self, signature: bytes, message: bytes) -> bool:
        """Whether an RSASSA-PKCS1-v1_5 signature with SHA-256 is this key's.

        For certificates and documents, never for records.
        """
        return self._verify_rsa(signature, message, padding.PKCS1v15())

    def verify_pss(self, signature: bytes, message: bytes) -> bool:
        """Whether an RSASSA-PSS signature with SHA-256 and a salt of any length is this key's."""
        return self._verify_rsa(signature, message, _ANY_SALT)

    def _verify_rsa(
        self, signature: bytes, message: bytes, scheme: padding.PKCS1v15 | padding.PSS
    ) -> bool:
        rsa = self._rsa
        if rsa is None or len(signature) != self._size:
            return False
        return _passes(lambda s, m: rsa.verify(s, m, scheme, hashes.SHA256()), signature, message)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self._spki == other._spki

    def __hash__(self) -> int:
        return hash(self._spki)

    def __repr__(self) -> str:
        return f"PublicKey({self.algorithm})"


class PrivateKey:
    """A private key (私钥); it never shows itself in `repr`."""

    __slots__ = ("_key", "algorithm", "public")

    def __init__(self, key: _Ours | bytes) -> None:
        """From a key of `cryptography`, or the 32 bytes of an SM2 one; else MalformedKey."""
        self._key = key
        public = sm2.public_of(key) if isinstance(key, bytes) else key.public_key()
        self.public = PublicKey(public)
        self.algorithm = self.public.algorithm

    @classmethod
    def generate(cls, algorithm: Algorithm) -> "PrivateKey":
        """A new key; RSA gets 3072 bits."""
        return cls(_GENERATE[algorithm]())

    @classmethod
    def from_pem(cls, text: str | bytes) -> "PrivateKey":
        """From unencrypted PKCS#8 PEM (RFC 5958), SM2 too; MalformedKey when it is none."""
        octets = text.encode("utf-8", "replace") if isinstance(text, str) else text
        scalar = _sm2_scalar(octets)
        if scalar is not None:
            return cls(scalar)
        try:
            key = serialization.load_pem_private_key(octets, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unreadable() from error
        if not isinstance(key, ec.EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey):
            raise _unsupported()
        return cls(key)

    def pem(self) -> str:
        """Unencrypted PKCS#8 PEM: whoever writes it down guards the file."""
        if isinstance(self._key, bytes):
            der = _sm2_pkcs8(self._key, self.public.der())
            return str(pem.armor("PRIVATE KEY", der).decode("ascii"))
        form, open_ = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        octets = self._key.private_bytes(serialization.Encoding.PEM, form, open_)
        return octets.decode("ascii")

    def sign(self, message: bytes) -> bytes:
        """The signature over `message`, in the raw form `PublicKey.verify` takes."""
        match self._key:
            case bytes():
                return sm2.sign(self._key, message)
            case Ed25519PrivateKey():
                return self._key.sign(message)
            case RSAPrivateKey():
                return self._key.sign(message, _PSS, hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(message, _REPEATABLE))
        return r.to_bytes(RAW // 2, "big") + s.to_bytes(RAW // 2, "big")

    def __repr__(self) -> str:
        return f"PrivateKey({self.algorithm})"


_GENERATE: dict[Algorithm, Callable[[], _Ours | bytes]] = {
    Algorithm.ES256: lambda: ec.generate_private_key(ec.SECP256R1()),
    Algorithm.EDDSA: Ed25519PrivateKey.generate,
    Algorithm.PS256: lambda: generate_private_key(public_exponent=65537, key_size=3072),
    Algorithm.SM2: lambda: sm2.generate()[0],
}


def _use(key: _Theirs) -> tuple[Algorithm, int, _Check]:
    """The one algorithm a key is for, the bytes of its signatures, and its check."""
    match key:
        case Ed25519PublicKey():
            return Algorithm.EDDSA, 64, key.verify
        case RSAPublicKey() if key.key_size in _RSA_BITS:
            sha = hashes.SHA256()
            return (
                Algorithm.PS256,
                (key.key_size + 7) // 8,
                lambda s, m: key.verify(s, m, _PSS, sha),
            )
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1()):
            return Algorithm.ES256, RAW, lambda s, m: key.verify(to_der(s), m, _ECDSA)
    raise _unsupported()


def _passes(check: _Check, signature: bytes, message: bytes) -> bool:
    try:
        check(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sm2_pkcs8(scalar: bytes, spki: bytes) -> bytes:
    curve = asn1_keys.ECDomainParameters(("named", "sm2p256v1"))
    inner = asn1_keys.ECPrivateKey({"version": 1, "private_key": int.from_bytes(scalar, "big")})
    inner["private_key"].set_encoded_width(len(scalar))
    inner["public_key"] = asn1_keys.ECPointBitString(spki[len(_SM2_SPKI) :])
    outer = {"version": 0, "private_key": inner}
    outer["private_key_algorithm"] = {"algorithm": "ec", "parameters": curve}
    return bytes(asn1_keys.PrivateKeyInfo(outer).dump())


def _sm2_scalar(text: bytes) -> bytes | None:
    """The 32 bytes in an SM2 PKCS#8 key, None for any other text."""
    try:
        kind, _, der = pem.unarmor(text)
        info = asn1_keys.PrivateKeyInfo.load(der, strict=True)
        algorithm = info["private_key_algorithm"]
        if kind != "PRIVATE KEY" or algorithm["algorithm"].native != "ec":
            return None
        if algorithm["parameters"].chosen.dump() != _SM2_CURVE:
            return None
        return int(info["private_key"].parsed["private_key"].native).to_bytes(32, "big")
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def _unreadable() -> MalformedKey:
    return MalformedKey(Words(zh="密钥无法读取", en="the key cannot be read"))


def _unsupported() -> MalformedKey:
    words = Words(
        zh="不支持的密钥：只用 P-256、Ed25519、RSA（2048 至 8192 位）和 SM2",
        en="unsupported key: only P-256, Ed25519, RSA of 2048 to 8192 bits, and SM2 are used",
    )
    return MalformedKey(words)
