"""PDF files for tests (测试 PDF 文件): signed by pyHanko, and one by hand with SM2."""

import io
import warnings
from collections.abc import Mapping, Sequence

from asn1crypto import keys, pem, x509
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from builders import Issuer
from ofdfiles import Cast, signed_data

_ROOM = 8_000  # hexadecimal digits kept for a signature


def plain_pdf(
    info: Mapping[str, str] | None = None,
    *,
    compressed: bool = False,
    drawn: bytes = b"q Q",
    password: str | None = None,
) -> bytes:
    """A PDF of one page that nobody has signed; `compressed` has object and xref streams.

    With a `password` it is encrypted, which is to be given by whoever reads it; it may be empty.
    """
    writer = PdfFileWriter(stream_xrefs=compressed)
    if password is not None:
        writer.encrypt("owner", password, pdf_mac=False)
    content = writer.add_object(generic.StreamObject(stream_data=drawn))
    writer.insert_page(PageObject(contents=content, media_box=(0, 0, 200, 200)))
    if info:
        named = {generic.pdf_name(f"/{k}"): generic.pdf_string(v) for k, v in info.items()}
        writer.set_info(writer.add_object(generic.DictionaryObject(named)))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def signed_pdf(
    issuer: Issuer,
    document: bytes | None = None,
    *,
    field: str = "Sig1",
    pss: bool = False,
    digest: str = "sha256",
    certify: bool = False,
    cades: bool = False,
    password: str | None = None,
) -> bytes:
    """The document with one signature more, as an incremental update."""
    signer = signers.SimpleSigner(
        signing_cert=x509.Certificate.load(issuer.certificate.der),
        signing_key=keys.PrivateKeyInfo.load(pem.unarmor(issuer.key.pem().encode())[2]),
        cert_registry=SimpleCertificateStore(),
        prefer_pss=pss,
    )
    about = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm=digest,
        certify=certify,
        subfilter=fields.SigSeedSubFilter.PADES if cades else None,
    )
    writer = IncrementalPdfFileWriter(io.BytesIO(document or plain_pdf()))
    if password is not None:
        writer.encrypt(password)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the maker of a test file thinks of it is no matter
        return bytes(signers.sign_pdf(writer, about, signer=signer).getvalue())


def annotated(document: bytes) -> bytes:
    """The document with a page's content exchanged in a later revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"q (forged) Q"))
    writer.update_container(page)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def described(document: bytes) -> bytes:
    """The document with a field of its information set in a later revision."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    writer.root["/Lang"] = generic.pdf_string("zh")
    writer.update_root()
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def written(objects: Sequence[bytes]) -> bytes:
    """A PDF of these objects, of which the first is the catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n" % number + content + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n" % size + table
    start = body.rindex(b"xref\n")
    return body + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start)


def sm2_pdf(cast: Cast, *, subfilter: str = "adbe.pkcs7.detached", stretch: int = 0) -> bytes:
    """A PDF signed with SM2 and SM3, written by hand; `stretch` widens the gap it leaves."""
    reserved = b"<" + b"0" * _ROOM + b">"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[4 0 R]>>>>",
        b"<</Type/Pages/Kids[5 0 R]/Count 1>>",
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/"
        + subfilter.encode()
        + b"/M(D:20240501100000+08'00')/ByteRange[0 1111111111 2222222222 3333333333]/Contents"
        + reserved
        + b">>",
        b"<</FT/Sig/Type/Annot/Subtype/Widget/T(Sig1)/V 3 0 R/Rect[0 0 0 0]/P 5 0 R/F 132>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Annots[4 0 R]>>",
    ]
    whole = written(objects)
    begin = whole.index(reserved)
    end = begin + len(reserved) + stretch
    for mark, number in ((b"1" * 10, begin), (b"2" * 10, end), (b"3" * 10, len(whole) - end)):
        whole = whole.replace(mark, b"%-10d" % number)
    value = signed_data(cast, whole[:begin] + whole[end:], attributes=True).hex().encode()
    return whole[: begin + 1] + value + whole[begin + 1 + len(value) :]
