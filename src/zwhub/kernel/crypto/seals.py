"""Electronic seals (电子印章、电子签章): the structures of GM/T 0031 (v1) and GB/T 38540 (v4, v5).

The two arrangements are told by their structure: products write various numbers as the version.
"""

from dataclasses import dataclass, field
from datetime import datetime

from zwhub.kernel.crypto import der
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.der import Node, UnknownLayout
from zwhub.kernel.crypto.digests import sm3
from zwhub.kernel.crypto.signature_check import checks_out
from zwhub.kernel.crypto.signing_time import time_of

_SM3_NAMES = frozenset({"SM3", "1.2.156.10197.1.401"})
_BY_CERTIFICATE, _BY_DIGEST = 1, 2  # certListType of GB/T 38540
_OLD_PARTS = 2  # of a seal by GM/T 0031


@dataclass(frozen=True, slots=True)
class Signed:
    """Some bytes, the signature over them, and the certificate that goes with it."""

    message: bytes = field(repr=False)
    algorithm: str
    signature: bytes = field(repr=False)
    certificate_der: bytes = field(repr=False)

    def certificate(self) -> Certificate:
        """Raises MalformedCertificate."""
        return Certificate.from_der(self.certificate_der)

    def holds(self) -> bool | None:
        """Whether the signature is right; None for an algorithm that is not checked here."""
        key = self.certificate().public_key
        return checks_out(self.algorithm, key, self.signature, self.message)


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal (印章): who may use it, from when until when, under its maker's signature."""

    whole: bytes = field(repr=False)
    version: int
    name: str
    made: Signed
    created_at: datetime | None
    valid_from: datetime | None
    valid_until: datetime | None
    certificates: frozenset[bytes] = field(repr=False)
    digests: frozenset[tuple[str, bytes]] = field(repr=False)

    def lists(self, certificate_der: bytes) -> bool | None:
        """Whether the seal lets this signer use it; None for digests of an unknown method."""
        if certificate_der in self.certificates:
            return True
        digest = sm3(certificate_der)
        if any(value == digest for _, value in self.digests):
            return True
        known = all(method.upper() in _SM3_NAMES for method, _ in self.digests)
        return False if known else None


@dataclass(frozen=True, slots=True)
class SealSignature:
    """A document's signature by seal (电子签章)."""

    version: int
    signed: Signed
    data_hash: bytes
    signed_at: datetime | None
    seal: Seal


def read_seal_signature(octets: bytes) -> SealSignature:
    """SES_Signature of either arrangement. Raises UnknownLayout."""
    parts = Node.read(octets).sequence()
    to_sign = parts[0].sequence() if parts else []
    match len(parts), len(to_sign):
        case 2, 7:
            # GM/T 0031 has certificate and algorithm inside what is signed, GB/T 38540 outside.
            certificate, algorithm, signature = *to_sign[5:], parts[1]
        case ((4 | 5), (5 | 6)):
            certificate, algorithm, signature = parts[1:4]
        case _:
            raise UnknownLayout("no SES_Signature")
    return SealSignature(
        version=to_sign[0].integer(),
        signed=Signed(parts[0].whole, algorithm.oid(), signature.bits(), certificate.octets()),
        data_hash=to_sign[3].bits(),
        signed_at=time_of(to_sign[2]),
        seal=read_seal(to_sign[1].whole),
    )


def read_seal(octets: bytes) -> Seal:
    """SESeal of either arrangement. Raises UnknownLayout."""
    parts = Node.read(octets).sequence()
    info = parts[0].sequence() if parts else []
    old = len(parts) == _OLD_PARTS
    by = parts[1].sequence() if old else parts[1:]
    if len(info) not in (4, 5) or len(by) != 3:  # noqa: PLR2004 - certificate, algorithm, value
        raise UnknownLayout("no SESeal")
    certificate, algorithm, signature = by
    # GM/T 0031 puts who signed, and how, into what is signed; GB/T 38540 has SealInfo alone.
    message = parts[0].whole
    if old:
        message = _sequence(message + certificate.whole + algorithm.whole)
    made = Signed(message, algorithm.oid(), signature.bits(), certificate.octets())
    return _seal(octets, old, _version(info[0]), made, info[2].sequence())


def _version(header: Node) -> int:
    parts = header.sequence()
    if len(parts) != 3:  # noqa: PLR2004 - ID, version, vendor
        raise UnknownLayout("no SES_Header")
    return parts[1].integer()


def _seal(whole: bytes, old: bool, version: int, made: Signed, about: list[Node]) -> Seal:
    listed = 2 if old else 3
    if len(about) != listed + 4:
        raise UnknownLayout("no SES_ESPropertyInfo")
    kind = _BY_CERTIFICATE if old else about[2].integer()
    entries = about[listed].sequence()
    created, begin, end = (time_of(one) for one in about[listed + 1 :])
    return Seal(
        whole=whole,
        version=version,
        name=_text(about[1]),
        made=made,
        created_at=created,
        valid_from=begin,
        valid_until=end,
        certificates=frozenset(_certificates(kind, entries)),
        digests=frozenset(_digests(kind, entries)),
    )


def _certificates(kind: int, entries: list[Node]) -> list[bytes]:
    if kind not in (_BY_CERTIFICATE, _BY_DIGEST):
        raise UnknownLayout("an unknown kind of certificate list")
    return [one.octets() for one in entries] if kind == _BY_CERTIFICATE else []


def _digests(kind: int, entries: list[Node]) -> list[tuple[str, bytes]]:
    if kind != _BY_DIGEST:
        return []
    pairs = [one.sequence() for one in entries]
    if any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004 - type, value
        raise UnknownLayout("no CertDigestObj")
    return [(_text(method), value.octets()) for method, value in pairs]


def _text(node: Node) -> str:
    return "".join(filter(str.isprintable, node.content.decode("utf-8", "replace")))


def _sequence(content: bytes) -> bytes:
    length = len(content)
    size = (length.bit_length() + 7) // 8
    head = bytes([length]) if length < 0x80 else bytes([0x80 | size]) + length.to_bytes(size, "big")  # noqa: PLR2004 - X.690 §8.1.3
    return bytes([0x20 | der.SEQUENCE]) + head + content
