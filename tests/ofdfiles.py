"""OFD files for tests (测试版式文件): really signed, in both families and all versions of seals.

`signed_parts(cast, family)` gives the files of a valid OFD by name, `zipped(parts)` the OFD. A test
changes the parts, or asks for what is wrong by keyword before anything is signed.
"""

import base64
import functools
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import core

from builders import Issuer, Root, a_root, an_issuer
from zwhub.kernel.crypto.digests import sm3
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.signature_pair import to_der
from zwhub.kernel.crypto.trust import TrustList
from zwhub.licences.files.verdict import Anchors

FAMILIES = ("v1", "v4", "v5", "sign", "sign-attributes")
SEALS = ("v1", "v4", "v5")
SIGNED_AT = datetime(2024, 5, 1, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = "Doc_0/Pages/Page_0/Content.xml"
SIGNATURE = "Doc_0/Signs/Sign_0/Signature.xml"
VALUE = "Doc_0/Signs/Sign_0/SignedValue.dat"
SEAL = "Doc_0/Signs/Sign_0/Seal.esl"
LIST = "Doc_0/Signs/Signatures.xml"
SM2_SM3, SM3 = "1.2.156.10197.1.501", "1.2.156.10197.1.401"
_NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"'


@dataclass(frozen=True)
class Cast:
    """Who takes part: a root, a signer and the maker of seals under it."""

    root: Root
    signer: Issuer
    maker: Issuer

    def anchors(self, now: datetime = NOW) -> Anchors:
        return Anchors(TrustList("test", {}, (self.root.certificate,)), now)


@functools.cache
def the_cast() -> Cast:
    """One cast for all tests that change nothing about it."""
    root = a_root(Algorithm.SM2)
    return Cast(root, an_issuer(Algorithm.SM2, root=root), an_issuer(Algorithm.SM2, root=root))


def tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    width = (size.bit_length() + 7) // 8
    head = bytes([size]) if size < 0x80 else bytes([0x80 | width]) + size.to_bytes(width, "big")
    return bytes([tag]) + head + content


def seq(*parts: bytes) -> bytes:
    return tlv(0x30, b"".join(parts))


def octets(content: bytes) -> bytes:
    return tlv(4, content)


def bits(content: bytes) -> bytes:
    return tlv(3, b"\0" + content)


def integer(number: int) -> bytes:
    return bytes(core.Integer(number).dump())


def oid(dotted: str) -> bytes:
    return bytes(core.ObjectIdentifier(dotted).dump())


def general_time(at: datetime) -> bytes:
    return tlv(24, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def utc_time(at: datetime) -> bytes:
    return tlv(23, at.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode())


def a_signature(issuer: Issuer, message: bytes, *, zeros: bool = False) -> bytes:
    """DER of a pair; with `zeros`, each number has one leading 00 more than it needs."""
    der = to_der(issuer.key.sign(message))
    if not zeros:
        return der
    pair = core.Sequence.load(der)
    return seq(*(tlv(2, b"\0" + pair[at].contents) for at in (0, 1)))


def a_seal(
    cast: Cast,
    version: int,
    *,
    listed: Iterable[bytes] | None = None,
    by_digest: bool = False,
    valid_from: datetime = SIGNED_AT - timedelta(days=30),
    valid_until: datetime = SIGNED_AT + timedelta(days=1500),
    forged: bool = False,
    zeros: bool = False,
    extended: bool = False,
    stated: int | None = None,
) -> bytes:
    """SESeal: `listed` are certificates in DER, else the signer's; `forged` is signed by nobody.

    `stated` is another number for the version than the one by which it is laid out.
    """
    at = utc_time if version == 1 else general_time
    certificates = [cast.signer.certificate.der] if listed is None else list(listed)
    entries = [
        seq(tlv(19, b"SM3"), octets(sm3(one))) if by_digest else octets(one) for one in certificates
    ]
    kind = b"" if version == 1 else integer(2 if by_digest else 1)
    times = (at(valid_from), at(valid_from), at(valid_until))
    about = seq(integer(1), tlv(12, "测试专用章".encode()), kind, seq(*entries), *times)
    header = seq(tlv(22, b"ES"), integer(stated or version), tlv(22, b"TEST"))
    picture = seq(tlv(22, b"png"), octets(b"\x89PNG"), integer(40), integer(40))
    more = seq(seq(oid("1.2.3.4"), tlv(1, b"\0"), octets(b"more")))
    extension = b"" if not extended else more if version == 5 else tlv(0xA0, more)
    info = seq(header, tlv(22, b"SEAL-1"), about, picture, extension)
    certificate, algorithm = octets(cast.maker.certificate.der), oid(SM2_SM3)
    message = seq(info, certificate, algorithm) if version == 1 else info
    value = bits(a_signature(cast.maker, b"" if forged else message, zeros=zeros))
    if version == 1:
        return seq(info, seq(certificate, algorithm, value))
    return seq(info, certificate, algorithm, value)


def a_seal_signature(
    cast: Cast,
    version: int,
    document: bytes,
    *,
    seal: bytes | None = None,
    signed_at: datetime = SIGNED_AT,
    time: bytes | None = None,
    zeros: bool = False,
    algorithm: str = SM2_SM3,
    stamped: bool = False,
) -> bytes:
    """SES_Signature over a Signature.xml; `time` is the raw element of another form of time."""
    stated = signed_at.strftime("%Y%m%d%H%M%SZ").encode()
    usual = bits(stated) if version == 1 else general_time(signed_at)
    certificate = octets(cast.signer.certificate.der)
    inside = (
        integer(version),
        seal or a_seal(cast, version),
        usual if time is None else time,
        bits(sm3(document)),
        tlv(22, SIGNATURE.encode()),
    )
    to_sign = seq(*inside, certificate, oid(algorithm)) if version == 1 else seq(*inside)
    value = bits(a_signature(cast.signer, to_sign, zeros=zeros))
    stamp = tlv(0xA0, bits(b"stamp")) if stamped else b""
    if version == 1:
        return seq(to_sign, value)
    return seq(to_sign, certificate, oid(algorithm), value, stamp)


def signed_data(
    cast: Cast,
    document: bytes,
    *,
    attributes: bool = False,
    content: bytes | None = None,
    signed_at: datetime = SIGNED_AT,
    family: str = "1.2.156.10197.6.1.4.2.2",
) -> bytes:
    """SignedData of GB/T 35275; `content` is what lies within, if anything does."""
    digest = sm3(document)
    algorithm = seq(oid(SM3), tlv(5, b""))
    parts = core.Sequence.load(cast.signer.certificate.der)[0]
    named = seq(parts[3].dump(), parts[1].dump())
    signed = digest if content is None else content
    extra = b""
    if attributes:
        values = sorted(
            (
                seq(oid("1.2.840.113549.1.9.3"), tlv(0x31, oid("1.2.156.10197.6.1.4.2.1"))),
                seq(oid("1.2.840.113549.1.9.4"), tlv(0x31, octets(digest))),
                seq(oid("1.2.840.113549.1.9.5"), tlv(0x31, utc_time(signed_at))),
            )
        )
        signed, extra = tlv(0x31, b"".join(values)), tlv(0xA0, b"".join(values))
    within = b"" if content is None else tlv(0xA0, octets(content))
    value = octets(a_signature(cast.signer, signed))
    signer = seq(integer(1), named, algorithm, extra, seq(oid(SM2_SM3)), value)
    inner = seq(
        integer(1),
        tlv(0x31, algorithm),
        seq(oid("1.2.156.10197.6.1.4.2.1"), within),
        tlv(0xA0, cast.signer.certificate.der),
        tlv(0x31, signer),
    )
    return seq(oid(family), tlv(0xA0, inner))


def a_document(*identifiers: str) -> dict[str, bytes]:
    """The files of an OFD before anybody signs it; it names these licences."""
    named = "".join(
        f'<ofd:CustomData Name="证照标识">{one}</ofd:CustomData>' for one in identifiers
    )
    custom = f"<ofd:CustomDatas>{named}</ofd:CustomDatas>" if named else ""
    start = (
        f'<ofd:OFD {_NAMESPACE} Version="1.1" DocType="OFD"><ofd:DocBody><ofd:DocInfo>'
        f"<ofd:DocID>1</ofd:DocID>{custom}</ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>"
        f"<ofd:Signatures>/{LIST}</ofd:Signatures></ofd:DocBody></ofd:OFD>"
    )
    return {
        "OFD.xml": start.encode(),
        "Doc_0/Document.xml": f"<ofd:Document {_NAMESPACE}/>".encode(),
        PAGE: f"<ofd:Page {_NAMESPACE}>营业执照</ofd:Page>".encode(),
        "Doc_0/Res/seal.png": bytes(range(256)) * 8,
    }


def signature_xml(
    covered: Mapping[str, bytes],
    *,
    method: str = SM3,
    relative: bool = False,
    sealed: bool = True,
    number: int = 0,
    time: str = "20240501020000Z",
) -> bytes:
    """A Signature.xml that refers to these files; `relative` writes no leading slash."""
    start = "" if relative else "/"
    listed = "".join(
        f'<ofd:Reference FileRef="{start}{name}">'
        f"<ofd:CheckValue>{base64.b64encode(sm3(content)).decode()}</ofd:CheckValue></ofd:Reference>"
        for name, content in covered.items()
    )
    where = f"Doc_0/Signs/Sign_{number}"
    seal = f"<ofd:Seal><ofd:BaseLoc>/{where}/Seal.esl</ofd:BaseLoc></ofd:Seal>" if sealed else ""
    value = "SignedValue.dat" if relative else f"/{where}/SignedValue.dat"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ofd:Signature {_NAMESPACE}><ofd:SignedInfo>'
        f'<ofd:Provider ProviderName="test" Version="1"/>'
        f"<ofd:SignatureMethod>{SM2_SM3}</ofd:SignatureMethod>"
        f"<ofd:SignatureDateTime>{time}</ofd:SignatureDateTime>"
        f'<ofd:References CheckMethod="{method}">{listed}</ofd:References>{seal}</ofd:SignedInfo>'
        f"<ofd:SignedValue>{value}</ofd:SignedValue></ofd:Signature>"
    ).encode()


def signature_list(count: int = 1, kind: str = "Seal") -> bytes:
    entries = "".join(
        f'<ofd:Signature ID="{n}" Type="{kind}" BaseLoc="/Doc_0/Signs/Sign_{n}/Signature.xml"/>'
        for n in range(count)
    )
    return f"<ofd:Signatures {_NAMESPACE}>{entries}</ofd:Signatures>".encode()


def a_value(cast: Cast, family: str, document: bytes) -> bytes:
    """The signed value over a Signature.xml."""
    if family in SEALS:
        return a_seal_signature(cast, int(family[1:]), document)
    return signed_data(cast, document, attributes=family == "sign-attributes")


def signed_parts(
    cast: Cast,
    family: str = "v4",
    *,
    document: Mapping[str, bytes] | None = None,
    method: str = SM3,
    relative: bool = False,
) -> dict[str, bytes]:
    """The files of an OFD signed once."""
    parts = dict(document or a_document())
    xml = signature_xml(parts, method=method, relative=relative, sealed=family in SEALS)
    parts |= {LIST: signature_list(), SIGNATURE: xml, VALUE: a_value(cast, family, xml)}
    if family in SEALS:
        parts[SEAL] = seal_in(parts[VALUE])
    return parts


def seal_in(value: bytes) -> bytes:
    """The seal inside a SES_Signature, as products put it beside the signature."""
    return bytes(core.Sequence.load(value)[0][1].dump())


def signed_again(cast: Cast, parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """A second signature over everything that is there, the first one included."""
    covered = {name: content for name, content in parts.items() if name != LIST}
    xml = signature_xml(covered, sealed=False, number=1)
    value = signed_data(cast, xml)
    where = "Doc_0/Signs/Sign_1"
    more = {f"{where}/Signature.xml": xml, f"{where}/SignedValue.dat": value}
    return {**parts, **more, LIST: signature_list(2)}


def zipped(parts: Mapping[str, bytes], *, stored: bool = False) -> bytes:
    buffer = io.BytesIO()
    how = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", how) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return buffer.getvalue()
