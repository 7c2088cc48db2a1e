"""Signed messages (签名消息): SignedData of GB/T 35275 (GM/T 0010) and of CMS (RFC 5652)."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from asn1crypto import algos

from zwhub.kernel.crypto import der
from zwhub.kernel.crypto.certificates import Certificate, signature_algorithm
from zwhub.kernel.crypto.der import Node, UnknownLayout
from zwhub.kernel.crypto.digests import sm3
from zwhub.kernel.crypto.signature_check import checks_out
from zwhub.kernel.crypto.signing_time import time_of

GB_SIGNED_DATA = "1.2.156.10197.6.1.4.2.2"
CMS_SIGNED_DATA = "1.2.840.113549.1.7.2"
_MESSAGE_DIGEST, _SIGNING_TIME = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
_SM3 = "1.2.156.10197.1.401"
_SHA256 = "2.16.840.1.101.3.4.2.1"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


_DIGESTS: dict[str, Callable[[bytes], bytes]] = {_SM3: sm3, _SHA256: _sha256}
_ATTRIBUTES, _CERTIFICATES = 0, 0  # the context tags
_MOST_CERTIFICATES = 50  # each is parsed, and tried as an intermediate


@dataclass(frozen=True, slots=True)
class SignedData:
    """One signer's signature over a document that lies elsewhere."""

    is_gb: bool
    digest_algorithm: str
    algorithm: str
    signature: bytes = field(repr=False)
    certificate_der: bytes = field(repr=False)
    others: tuple[bytes, ...] = field(repr=False)
    content: bytes | None = field(repr=False)
    attributes: bytes | None = field(repr=False)
    message_digest: bytes | None = field(repr=False)
    signed_at: datetime | None

    def certificate(self) -> Certificate:
        """Raises MalformedCertificate."""
        return Certificate.from_der(self.certificate_der)

    def covers(self, document: bytes) -> bool | None:
        """Whether what is signed speaks of this document; None for an unknown digest.

        Where no digest is written down, only the signature itself can tell.
        """
        digest = self._digest(document)
        if digest is None:
            return None
        named = [one for one in (self.message_digest, self.content) if one is not None]
        if not named:
            return self.holds(document)
        return all(self._names(one, digest, document) for one in named)

    def holds(self, document: bytes) -> bool | None:
        """Whether the signature is right, given that it `covers` the document; None: unknown."""
        digest = self._digest(document)
        if digest is None:
            return None
        key = self.certificate().public_key
        found = [
            checks_out(self.algorithm, key, self.signature, m) for m in self._said(digest, document)
        ]
        return None if None in found else any(found)

    def _said(self, digest: bytes, document: bytes) -> list[bytes]:
        """What may be signed: the attributes, else the content, else the document itself."""
        if self.attributes is not None:
            return [self.attributes]
        if self.content is not None:
            return [self.content]
        # Found on real files: GB/T 35275 without attributes signs the digest.
        return [digest, document] if self.is_gb else [document]

    def _digest(self, document: bytes) -> bytes | None:
        method = _DIGESTS.get(self.digest_algorithm)
        return None if method is None else method(document)

    def _names(self, said: bytes, digest: bytes, document: bytes) -> bool:
        """The digest, the same as Base64, the digest of the content within, or the document."""
        if said in (digest, document) or _unwrapped(said) == digest:
            return True
        within = self.content
        return within is not None and said is not within and said == self._digest(within)


def _unwrapped(said: bytes) -> bytes | None:
    try:
        return base64.b64decode(said, validate=True)
    except (binascii.Error, ValueError):
        return None


def is_signed_data(octets: bytes) -> bool:
    """Whether these bytes begin as SignedData of either family."""
    try:
        return Node.read(octets).sequence()[0].oid() in (GB_SIGNED_DATA, CMS_SIGNED_DATA)
    except (UnknownLayout, IndexError):
        return False


def read_signed_data(octets: bytes) -> SignedData:
    """SignedData with exactly one signer. Raises UnknownLayout."""
    try:
        return _read(octets)
    except IndexError as error:
        raise UnknownLayout("an element is missing") from error


def _read(octets: bytes) -> SignedData:
    family, wrapped = Node.read(octets).sequence()[:2]
    if family.oid() not in (GB_SIGNED_DATA, CMS_SIGNED_DATA):
        raise UnknownLayout("no SignedData")
    parts = _one(wrapped.expect(0, der.CONTEXT).children()).sequence()
    signer = _one(parts[-1].expect(der.SET).children()).sequence()
    certificates = [
        one.whole
        for part in parts[3:-1]
        if (part.kind, part.tag) == (der.CONTEXT, _CERTIFICATES)
        for one in part.children()
    ]
    if len(certificates) > _MOST_CERTIFICATES:
        raise UnknownLayout("too many certificates")
    attributes = _attributes(signer)
    own = _signers(signer[1].sequence(), certificates)
    at = 4 if attributes is None else 5
    digest_of, time = _attribute(attributes, _MESSAGE_DIGEST), _attribute(attributes, _SIGNING_TIME)
    if attributes is not None and digest_of is None:
        raise UnknownLayout("attributes without a message digest")  # RFC 5652 §5.3
    return SignedData(
        is_gb=family.oid() == GB_SIGNED_DATA,
        digest_algorithm=signer[2].sequence()[0].oid(),
        algorithm=_algorithm(signer[at - 1]),
        signature=signer[at].octets(),
        certificate_der=own,
        others=tuple(one for one in certificates if one != own),
        content=_content(parts[2].sequence()),
        # RFC 5652 §5.4: signed as SET OF, although it stands there as [0].
        attributes=None if attributes is None else b"\x31" + attributes.whole[1:],
        message_digest=None if digest_of is None else digest_of.octets(),
        signed_at=None if time is None else time_of(time),
    )


def _algorithm(node: Node) -> str:
    try:
        found = algos.SignedDigestAlgorithm.load(node.whole)
        return signature_algorithm(found, any_salt=True)
    except Exception as error:  # the parser is lazy and fails on strangers' bytes in several ways
        raise UnknownLayout("no signature algorithm") from error


def _one(nodes: list[Node]) -> Node:
    if len(nodes) != 1:
        raise UnknownLayout("not exactly one")
    return nodes[0]


def _attributes(signer: list[Node]) -> Node | None:
    found = signer[3]
    return found if (found.kind, found.tag) == (der.CONTEXT, _ATTRIBUTES) else None


def _attribute(attributes: Node | None, oid: str) -> Node | None:
    if attributes is None:
        return None
    pairs = [one.sequence() for one in attributes.children()]
    found = [pair[1] for pair in pairs if pair[0].oid() == oid]
    if len(found) > 1:
        raise UnknownLayout("an attribute occurs twice")
    return _one(found[0].expect(der.SET).children()) if found else None


def _content(encapsulated: list[Node]) -> bytes | None:
    if len(encapsulated) == 1:
        return None
    inner = _one(encapsulated[1].expect(0, der.CONTEXT).children())
    return inner.octets()


def _signers(named: list[Node], certificates: list[bytes]) -> bytes:
    """The certificate with the issuer and serial number that the signer names."""
    issuer, serial = named[0].whole, named[1].integer()
    for one in certificates:
        part = Node.read(one).sequence()[0].sequence()
        first = 1 if part[0].kind == der.CONTEXT else 0
        if part[first].integer() == serial and part[first + 2].whole == issuer:
            return one
    raise UnknownLayout("the signer's certificate is not there")
