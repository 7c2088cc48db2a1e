"""OFD files: what is signed, what changed, what nobody signed, and who did it."""

import base64
import random
import sys
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import x509

from builders import a_root, an_issuer
from effort import effort
from ofdfiles import (
    FAMILIES,
    LIST,
    NOW,
    PAGE,
    SEAL,
    SEALS,
    SIGNATURE,
    SIGNED_AT,
    VALUE,
    Cast,
    a_document,
    a_seal,
    a_seal_signature,
    bits,
    octets,
    oid,
    seal_in,
    seq,
    signature_list,
    signature_xml,
    signed_again,
    signed_data,
    signed_parts,
    the_cast,
    tlv,
    utc_time,
    zipped,
)
from zwhub.kernel.crypto.digests import sm3
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.licences.files.examine import examine_file
from zwhub.licences.files.findings import FileCheckName, FileFinding, FileReason, Integrity
from zwhub.licences.files.ofd import examine_ofd
from zwhub.licences.findings import Outcome, Verdict

Name, Why = FileCheckName, FileReason


def examined(parts: dict[str, bytes], cast: Cast | None = None) -> FileFinding:
    return examine_file(zipped(parts), (cast or the_cast()).anchors())


def outcomes(found: FileFinding, at: int = 0) -> dict[FileCheckName, Outcome]:
    return {check.name: check.outcome for check in found.signatures[at].checks}


def failures(found: FileFinding, at: int = 0) -> set[FileCheckName]:
    return {name for name, one in outcomes(found, at).items() if one is Outcome.FAIL}


def resealed(version: int = 4, cast: Cast | None = None, **seal: Any) -> dict[str, bytes]:
    """A document signed with a seal that is special."""
    cast = cast or the_cast()
    parts = signed_parts(cast, f"v{version}")
    parts[SEAL] = a_seal(cast, version, **seal)
    parts[VALUE] = a_seal_signature(cast, version, parts[SIGNATURE], seal=parts[SEAL])
    return parts


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_valid_file_is_genuine(family: str, relative: bool) -> None:
    found = examined(signed_parts(the_cast(), family, relative=relative))
    (signature,) = found.signatures
    assert {check.outcome for check in signature.checks} == {Outcome.PASS}
    assert (found.verdict, found.reason) == (Verdict.GENUINE, Why.OK)
    assert (signature.integrity, signature.verdict) == (Integrity.INTACT, Verdict.GENUINE)
    assert (signature.signed_at, signature.signer) == (SIGNED_AT, "示例市市场监督管理局")
    assert found.uncovered == ()
    sealed = {Name.SEAL_SIGNATURE, Name.SIGNER_LISTED, Name.SEAL_AT_SIGNING, Name.SEAL_NOW}
    assert (sealed <= outcomes(found).keys()) is (family in SEALS)
    order = [list(Name).index(check.name) for check in signature.checks]
    assert order == sorted(order)


@pytest.mark.parametrize("family", FAMILIES)
def test_altered_content_is_named(family: str) -> None:
    parts = signed_parts(the_cast(), family)
    parts[PAGE] += b" "
    found = examined(parts)
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.CONTENT_ALTERED)
    assert found.signatures[0].integrity is Integrity.ALTERED
    assert failures(found) == {Name.REFERENCES}
    assert PAGE in found.signatures[0].checks[0].detail.en


@pytest.mark.parametrize("family", FAMILIES)
def test_content_altered_together_with_its_digest(family: str) -> None:
    parts = signed_parts(the_cast(), family)
    document = a_document() | {PAGE: b"<forged/>"}
    parts |= document | {SIGNATURE: signature_xml(document, sealed=family in SEALS)}
    found = examined(parts)
    assert found.reason is Why.CONTENT_ALTERED
    assert Name.DATA_HASH in failures(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_missing_file_is_an_alteration(family: str) -> None:
    parts = signed_parts(the_cast(), family)
    del parts[PAGE]
    assert examined(parts).reason is Why.CONTENT_ALTERED


@pytest.mark.parametrize("family", FAMILIES)
def test_an_unsigned_part_is_named(family: str) -> None:
    found = examined(signed_parts(the_cast(), family) | {"Doc_0/Annots/A.xml": b"<a/>"})
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.UNSIGNED_PARTS)
    assert found.signatures[0].integrity is Integrity.PARTLY_SIGNED
    assert found.uncovered == ("Doc_0/Annots/A.xml",)


def test_a_seal_beside_the_signature_that_is_another_is_unsigned() -> None:
    parts = signed_parts(the_cast(), "v4")
    parts[SEAL] = a_seal(the_cast(), 4, by_digest=True)
    found = examined(parts)
    assert (found.reason, found.uncovered) == (Why.UNSIGNED_PARTS, (SEAL,))


@pytest.mark.parametrize("version", [1, 4, 5])
def test_a_forged_seal(version: int) -> None:
    found = examined(resealed(version, forged=True))
    assert found.reason is Why.SEAL_INVALID
    assert failures(found) == {Name.SEAL_SIGNATURE}
    assert found.signatures[0].integrity is Integrity.INTACT


@pytest.mark.parametrize("version", [1, 4, 5])
def test_an_altered_seal(version: int) -> None:
    parts = signed_parts(the_cast(), f"v{version}")
    changed = parts[VALUE].replace(b"SEAL-1", b"SEAL-2")
    found = examined(parts | {VALUE: changed, SEAL: seal_in(changed)})
    assert failures(found) == {Name.DOCUMENT_SIGNATURE, Name.SEAL_SIGNATURE}
    assert found.reason is Why.SIGNATURE_INVALID


@pytest.mark.parametrize("version", [1, 4, 5])
def test_a_signer_whom_the_seal_does_not_list(version: int) -> None:
    found = examined(resealed(version, listed=[the_cast().maker.certificate.der]))
    assert failures(found) == {Name.SIGNER_LISTED}
    assert found.reason is Why.SIGNER_NOT_LISTED


@pytest.mark.parametrize("version", [4, 5])
def test_a_list_of_digests(version: int) -> None:
    assert examined(resealed(version, by_digest=True)).verdict is Verdict.GENUINE
    others = [the_cast().maker.certificate.der]
    found = examined(resealed(version, by_digest=True, listed=others))
    assert found.reason is Why.SIGNER_NOT_LISTED


def test_a_list_of_unknown_digests_is_not_checked() -> None:
    other = seq(tlv(19, b"SM9"), octets(bytes(32)))
    seal = a_seal(the_cast(), 4, by_digest=True)
    known = seq(tlv(19, b"SM3"), octets(sm3(the_cast().signer.certificate.der)))
    assert known in seal
    parts = signed_parts(the_cast(), "v4")
    parts[SEAL] = seal.replace(known, other)
    parts[VALUE] = a_seal_signature(the_cast(), 4, parts[SIGNATURE], seal=parts[SEAL])
    assert outcomes(examined(parts))[Name.SIGNER_LISTED] is Outcome.NOT_CHECKED


@pytest.mark.parametrize("family", FAMILIES)
def test_a_certificate_expired_at_signing(family: str) -> None:
    cast = the_cast()
    past = an_issuer(Algorithm.SM2, root=cast.root, not_after=SIGNED_AT - timedelta(days=1))
    found = examined(signed_parts(Cast(cast.root, past, cast.maker), family))
    assert found.reason is Why.CERTIFICATE_EXPIRED_AT_SIGNING
    assert found.signatures[0].integrity is Integrity.INTACT


@pytest.mark.parametrize("family", FAMILIES)
def test_a_certificate_expired_since_is_told_and_does_not_decide(family: str) -> None:
    cast = the_cast()
    soon = an_issuer(Algorithm.SM2, root=cast.root, not_after=SIGNED_AT + timedelta(days=1))
    found = examined(signed_parts(Cast(cast.root, soon, cast.maker), family))
    assert failures(found) == {Name.CERTIFICATE_NOW}
    assert found.verdict is Verdict.GENUINE


@pytest.mark.parametrize("version", [1, 4, 5])
def test_a_seal_out_of_its_period(version: int) -> None:
    before = examined(resealed(version, valid_from=SIGNED_AT + timedelta(days=1)))
    after = examined(resealed(version, valid_until=SIGNED_AT - timedelta(days=1)))
    assert before.reason is after.reason is Why.SEAL_EXPIRED_AT_SIGNING
    since = examined(resealed(version, valid_until=NOW - timedelta(days=1)))
    assert (failures(since), since.verdict) == ({Name.SEAL_NOW}, Verdict.GENUINE)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_untrusted_root(family: str) -> None:
    elsewhere = a_root(Algorithm.SM2)
    strangers = Cast(elsewhere, the_cast().signer, the_cast().maker)
    found = examined(signed_parts(the_cast(), family), strangers)
    assert failures(found) == {Name.TRUST_ANCHOR}
    assert found.reason is Why.ISSUER_NOT_TRUSTED


@pytest.mark.parametrize("version", [1, 4, 5])
def test_a_seal_made_by_an_untrusted_maker(version: int) -> None:
    stranger = an_issuer(Algorithm.SM2)
    cast = Cast(the_cast().root, the_cast().signer, stranger)
    found = examined(resealed(version, cast))
    assert failures(found) == {Name.TRUST_ANCHOR}


@pytest.mark.parametrize("version", [1, 4, 5])
def test_numbers_with_a_zero_too_many(version: int) -> None:
    cast = the_cast()
    parts = signed_parts(cast, f"v{version}")
    parts[SEAL] = a_seal(cast, version, zeros=True, extended=True)
    parts[VALUE] = a_seal_signature(
        cast, version, parts[SIGNATURE], seal=parts[SEAL], zeros=True, stamped=version > 1
    )
    assert examined(parts).verdict is Verdict.GENUINE


@pytest.mark.parametrize(("version", "stated"), [(1, 2), (1, 3), (4, 1), (5, 4)])
def test_the_structure_tells_and_not_the_number(version: int, stated: int) -> None:
    assert examined(resealed(version, stated=stated)).verdict is Verdict.GENUINE


@pytest.mark.parametrize("octets_", ["样例市".encode(), "样例市".encode("gb18030")])
def test_names_in_a_string_of_another_age(octets_: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    name = x509.Name.load(seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(20, octets_)))))
    root = a_root(Algorithm.SM2)
    with monkeypatch.context() as patch:
        patch.setattr("zwhub.kernel.crypto.issuance._name", lambda *_: name)
        signer = an_issuer(Algorithm.SM2, root=root)
    cast = Cast(root, signer, an_issuer(Algorithm.SM2, root=root))
    for family in FAMILIES:
        found = examined(signed_parts(cast, family), cast)
        assert (found.verdict, found.signatures[0].signer) == (Verdict.GENUINE, "样例市")


@pytest.mark.parametrize(
    "time",
    [
        bits(b"20240501020000Z"),
        bits(b"2024-05-01 10:00:00"),
        bits(b"20240501100000"),
        bits(utc_time(SIGNED_AT)),
        octets(b"2024-05-01T10:00:00.000+08:00"),
        utc_time(SIGNED_AT),
        bits("2024年05月01日 10:00:00".encode()),
    ],
)
def test_the_forms_of_the_signing_time(time: bytes) -> None:
    parts = signed_parts(the_cast(), "v1")
    parts[SIGNATURE] = signature_xml(a_document(), time="20230101000000Z")  # which does not count
    parts[VALUE] = a_seal_signature(the_cast(), 1, parts[SIGNATURE], time=time)
    parts[SEAL] = seal_in(parts[VALUE])
    found = examined(parts)
    assert (found.signatures[0].signed_at, found.verdict) == (SIGNED_AT, Verdict.GENUINE)


def test_the_signed_xml_stands_in_for_a_time_that_cannot_be_read() -> None:
    parts = signed_parts(the_cast(), "v1")
    parts[VALUE] = a_seal_signature(the_cast(), 1, parts[SIGNATURE], time=bits(b"yesterday"))
    parts[SEAL] = seal_in(parts[VALUE])
    assert examined(parts).signatures[0].signed_at == SIGNED_AT


def test_without_any_time_nothing_is_vouched_for() -> None:
    parts = signed_parts(the_cast(), "sign")
    parts[SIGNATURE] = signature_xml(a_document(), sealed=False, time="soon")
    parts[VALUE] = signed_data(the_cast(), parts[SIGNATURE])
    found = examined(parts)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.SIGNING_TIME_UNKNOWN)


@pytest.mark.parametrize("form", ["digest", "base64", "whole"])
@pytest.mark.parametrize("attributes", [False, True])
def test_signed_data_with_content_inside(form: str, attributes: bool) -> None:
    parts = signed_parts(the_cast(), "sign")
    xml = parts[SIGNATURE]
    content = {"digest": sm3(xml), "base64": base64.b64encode(sm3(xml)), "whole": xml}[form]
    parts[VALUE] = signed_data(the_cast(), xml, content=content, attributes=attributes)
    assert examined(parts).verdict is Verdict.GENUINE
    parts[VALUE] = signed_data(the_cast(), xml, content=sm3(b"another"), attributes=attributes)
    assert examined(parts).reason is Why.CONTENT_ALTERED


@pytest.mark.parametrize("method", ["MD5", "SHA1", "", "1.2.3"])
def test_another_digest_is_not_checked(method: str) -> None:
    found = examined(signed_parts(the_cast(), "v4", method=method))
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)
    assert outcomes(found)[Name.REFERENCES] is Outcome.NOT_CHECKED
    assert found.signatures[0].integrity is Integrity.NOT_CHECKED


def test_the_name_of_the_digest_may_be_plain() -> None:
    assert examined(signed_parts(the_cast(), "v4", method="SM3")).verdict is Verdict.GENUINE


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", b"\x30\x80\0\0", seq(), seq(seq()), b"<xml/>", seq(octets(b"x")), bytes(2000)],
)
def test_an_unknown_layout_is_not_checked(value: bytes) -> None:
    found = examined(signed_parts(the_cast(), "v4") | {VALUE: value})
    assert outcomes(found)[Name.DOCUMENT_SIGNATURE] is Outcome.NOT_CHECKED
    assert found.verdict is not Verdict.GENUINE


def test_an_unknown_signature_algorithm_is_not_checked() -> None:
    parts = signed_parts(the_cast(), "v4")
    value = a_seal_signature(the_cast(), 4, parts[SIGNATURE], algorithm="1.2.3.4")
    found = examined(parts | {VALUE: value, SEAL: seal_in(value)})
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)


def test_two_signatures_each_have_their_verdict() -> None:
    twice = signed_again(the_cast(), signed_parts(the_cast(), "v4"))
    found = examined(twice)
    assert [one.verdict for one in found.signatures] == [Verdict.GENUINE] * 2
    assert found.verdict is Verdict.GENUINE
    strangers = Cast(the_cast().root, an_issuer(Algorithm.SM2), the_cast().maker)
    annotated = signed_parts(the_cast(), "v4") | {"Doc_0/Annots/A.xml": b"<a/>"}
    found = examined(signed_again(strangers, annotated))
    assert [one.reason for one in found.signatures] == [Why.UNSIGNED_PARTS, Why.ISSUER_NOT_TRUSTED]
    found = examined(signed_again(the_cast(), annotated))
    assert found.verdict is Verdict.GENUINE


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("OFD.xml", b"", Why.MALFORMED),
        ("OFD.xml", b"<OFD><DocBody/><DocBody/></OFD>", Why.MALFORMED),
        ("OFD.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><OFD>&a;</OFD>', Why.MALFORMED),
        ("OFD.xml", b"<OFD><DocBody/></OFD>", Why.NOT_SIGNED),
        (LIST, b"", Why.MALFORMED),
        (LIST, b"<Signatures/>", Why.NOT_SIGNED),
        (LIST, b"<Signatures>" + b"<Signature/>" * 33 + b"</Signatures>", Why.MALFORMED),
        (LIST, b'<Signatures><Signature BaseLoc="/none"/></Signatures>', Why.UNSIGNED_PARTS),
        (SIGNATURE, b"<broken", Why.UNSIGNED_PARTS),
        (SIGNATURE, b"<Signature/>", Why.UNSIGNED_PARTS),
    ],
)
def test_a_broken_package(name: str, content: bytes, reason: FileReason) -> None:
    found = examined(signed_parts(the_cast(), "v4") | {name: content})
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, reason)


def test_the_identifier_that_custom_data_name() -> None:
    name = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
    found = examined(signed_parts(the_cast(), "v4", document=a_document(name)))
    assert found.identifier == name


@pytest.mark.parametrize("family", FAMILIES)
def test_a_signature_from_the_future(family: str) -> None:
    cast, content = the_cast(), zipped(signed_parts(the_cast(), family))
    early = examine_file(content, cast.anchors(SIGNED_AT - timedelta(minutes=6)))
    assert (early.verdict, early.reason) == (Verdict.NOT_GENUINE, Why.SIGNED_IN_FUTURE)
    assert failures(early) == {Name.SIGNING_TIME}
    by_another_clock = examine_file(content, cast.anchors(SIGNED_AT - timedelta(minutes=4)))
    assert by_another_clock.verdict is Verdict.GENUINE


def test_references_beyond_all_measure() -> None:
    """32 signatures, each over as many files as a container may hold."""
    files = {f"Doc_0/Res/{n}": b"" for n in range(9_900)}
    xml = signature_xml(a_document() | files, sealed=False)
    parts = a_document() | files | {LIST: signature_list(32)}
    parts |= {f"Doc_0/Signs/Sign_{n}/Signature.xml": xml for n in range(32)}
    content = zipped(parts, stored=True)
    with effort() as spent:
        found = examine_file(content, the_cast().anchors())
    assert spent < [4.0]
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.CONTAINER_REFUSED)


def test_parts_of_signatures_too_large_together() -> None:
    """Nine times the same four megabytes."""
    parts = signed_parts(the_cast(), "sign")
    parts[VALUE] = random.Random(1).randbytes(3_900_000)
    entry = f'<Signature BaseLoc="/{SIGNATURE}"/>'.encode()
    lists = [b"<Signatures>" + entry * count + b"</Signatures>" for count in (8, 9)]
    few, many = (examined(parts | {LIST: one}) for one in lists)
    assert few.reason is Why.UNKNOWN_LAYOUT
    assert many.reason is Why.CONTAINER_REFUSED


def test_a_file_that_takes_too_long_is_not_checked() -> None:
    content = zipped(signed_parts(the_cast(), "v4"))
    found = examine_ofd(content, the_cast().anchors(), seconds=0)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.CONTAINER_REFUSED)
    assert sys.getprofile() is None


def test_more_elements_than_a_file_of_that_size_needs() -> None:
    parts = signed_parts(the_cast(), "v4")
    parts[SIGNATURE] = b"<a>" + b"<b/>" * 300_000 + b"</a>"
    assert outcomes(examined(parts))[Name.DOCUMENT_SIGNATURE] is Outcome.NOT_CHECKED
