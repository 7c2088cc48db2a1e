"""PDF files: which bytes each signature covers, what came later, and who signed."""

import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from builders import Issuer, Root, a_root, an_issuer
from ofdfiles import SIGNED_AT, the_cast
from pdffiles import annotated, described, plain_pdf, signed_pdf, sm2_pdf, written
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.licences.files.examine import examine_file
from zwhub.licences.files.findings import (
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    Integrity,
)
from zwhub.licences.files.pdf import examine_pdf
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.findings import Outcome, Verdict

Name, Why = FileCheckName, FileReason
NOW = datetime.now(UTC) + timedelta(hours=2)  # a test may run long after this is read


@pytest.fixture(scope="module")
def root() -> Root:
    return a_root(Algorithm.ES256)


@pytest.fixture(scope="module")
def signer(root: Root) -> Issuer:
    return an_issuer(Algorithm.ES256, root=root)


@pytest.fixture(scope="module")
def rsa(root: Root) -> Issuer:
    return an_issuer(Algorithm.PS256, root=root)


def examined(octets: bytes, root: Root, *keys: TrustedKey) -> FileFinding:
    listed = {key.kid: key for key in keys}
    return examine_file(octets, Anchors(TrustList("test", listed, (root.certificate,)), NOW))


def failures(found: FileFinding, at: int = 0) -> set[FileCheckName]:
    checks = found.signatures[at].checks
    return {check.name for check in checks if check.outcome is Outcome.FAIL}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("cades", [False, True])
def test_a_valid_file_is_genuine(root: Root, signer: Issuer, cades: bool, compressed: bool) -> None:
    octets = signed_pdf(signer, plain_pdf(compressed=compressed), cades=cades)
    found = examined(octets, root)
    (signature,) = found.signatures
    assert {check.outcome for check in signature.checks} == {Outcome.PASS}
    assert (found.verdict, found.reason, found.uncovered) == (Verdict.GENUINE, Why.OK, ())
    assert signature.integrity is Integrity.INTACT
    assert signature.signed_at is not None
    assert abs(signature.signed_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize("pss", [False, True])
def test_rsa(root: Root, rsa: Issuer, pss: bool) -> None:
    assert examined(signed_pdf(rsa, pss=pss), root).verdict is Verdict.GENUINE


def test_line_ends_behind_the_end_are_nothing(root: Root, signer: Issuer) -> None:
    assert examined(signed_pdf(signer) + b"\r\n", root).verdict is Verdict.GENUINE


def test_sm2() -> None:
    found = examined(sm2_pdf(the_cast()), the_cast().root)
    assert (found.verdict, found.reason) == (Verdict.GENUINE, Why.OK)
    assert found.signatures[0].signed_at == SIGNED_AT


def test_another_digest_is_not_checked(root: Root, rsa: Issuer) -> None:
    found = examined(signed_pdf(rsa, digest="sha512"), root)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)


def test_another_kind_of_signature_is_not_ignored() -> None:
    found = examined(sm2_pdf(the_cast(), subfilter="adbe.x509.rsa_sha1"), the_cast().root)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)
    assert found.signatures[0].integrity is Integrity.NOT_CHECKED


def test_a_gap_wider_than_the_signature_is_not_believed() -> None:
    found = examined(sm2_pdf(the_cast(), stretch=5), the_cast().root)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)


def test_altered_content(root: Root, signer: Issuer) -> None:
    found = examined(signed_pdf(signer).replace(b"200 200", b"200 201"), root)
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.CONTENT_ALTERED)
    assert found.signatures[0].integrity is Integrity.ALTERED


@pytest.mark.parametrize("change", [annotated, described, lambda octets: octets + b"\n% more"])
def test_what_is_added_after_signing_is_unsigned(
    root: Root, signer: Issuer, change: Callable[[bytes], bytes]
) -> None:
    octets = signed_pdf(signer)
    found = examined(change(octets), root)
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.UNSIGNED_PARTS)
    assert found.signatures[0].integrity is Integrity.PARTLY_SIGNED
    assert found.uncovered[0].startswith(f"bytes {len(octets)}-")
    assert failures(found) == {Name.COVERAGE}


def test_a_second_signature_covers_the_first(root: Root, signer: Issuer, rsa: Issuer) -> None:
    found = examined(signed_pdf(rsa, signed_pdf(signer), field="Sig2"), root)
    assert [one.verdict for one in found.signatures] == [Verdict.GENUINE] * 2
    assert found.verdict is Verdict.GENUINE


def test_a_file_encrypted_against_printing_alone_is_read(root: Root, signer: Issuer) -> None:
    octets = signed_pdf(signer, plain_pdf(password=""), password="")
    assert examined(octets, root).verdict is Verdict.GENUINE
    assert examined(octets + b"more", root).reason is Why.UNSIGNED_PARTS


def test_a_file_that_takes_a_password_is_not_checked(root: Root, signer: Issuer) -> None:
    octets = signed_pdf(signer, plain_pdf(password="x"), password="x")
    found = examined(octets, root)
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.UNKNOWN_LAYOUT)
    assert "encrypted" in found.checks[0].detail.en


def test_a_strangers_second_signature_vouches_for_nothing(root: Root, signer: Issuer) -> None:
    found = examined(signed_pdf(an_issuer(), signed_pdf(signer), field="Sig2"), root)
    reasons = [one.reason for one in found.signatures]
    assert reasons == [Why.UNSIGNED_PARTS, Why.ISSUER_NOT_TRUSTED]


def test_a_change_signed_over_is_still_a_change(root: Root, signer: Issuer) -> None:
    found = examined(signed_pdf(signer, annotated(signed_pdf(signer)), field="Sig2"), root)
    assert [one.reason for one in found.signatures] == [Why.UNSIGNED_PARTS, Why.OK]
    assert found.verdict is Verdict.NOT_GENUINE


def test_a_certified_file_permits_what_it_says(root: Root, signer: Issuer) -> None:
    assert examined(signed_pdf(signer, certify=True), root).verdict is Verdict.GENUINE


def test_a_certificate_expired_at_signing(root: Root) -> None:
    past = an_issuer(root=root, not_after=NOW - timedelta(days=1))
    found = examined(signed_pdf(past), root)
    assert found.reason is Why.CERTIFICATE_EXPIRED_AT_SIGNING
    assert found.signatures[0].integrity is Integrity.INTACT


def test_a_signature_from_the_future(root: Root, signer: Issuer) -> None:
    trust = TrustList("test", {}, (root.certificate,))
    octets = signed_pdf(signer)
    early = examine_file(octets, Anchors(trust, datetime.now(UTC) - timedelta(minutes=6)))
    assert (early.verdict, early.reason) == (Verdict.NOT_GENUINE, Why.SIGNED_IN_FUTURE)
    by_another_clock = Anchors(trust, datetime.now(UTC) - timedelta(minutes=4))
    assert examine_file(octets, by_another_clock).verdict is Verdict.GENUINE


@pytest.mark.parametrize("before", [b"\n", b"junk\n", b"%!PS\n", bytes(1_019)])
def test_something_in_front_of_a_pdf(root: Root, signer: Issuer, before: bytes) -> None:
    found = examined(before + signed_pdf(signer), root)
    assert found.format is FileFormat.PDF
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.CONTAINER_REFUSED)
    assert "in front" in found.checks[0].detail.en


def test_what_no_reader_takes_for_a_pdf(root: Root, signer: Issuer) -> None:
    assert examined(bytes(1_025) + signed_pdf(signer), root).format is FileFormat.UNKNOWN


def test_an_untrusted_root(signer: Issuer) -> None:
    found = examined(signed_pdf(signer), a_root())
    assert (failures(found), found.reason) == ({Name.TRUST_ANCHOR}, Why.ISSUER_NOT_TRUSTED)


def test_trust_that_was_withdrawn(root: Root, signer: Issuer) -> None:
    withdrawn = TrustedKey("k", "x", signer.certificate, frozenset(), NOW - timedelta(days=1))
    assert examined(signed_pdf(signer), root, withdrawn).reason is Why.ISSUER_NOT_TRUSTED


def test_a_retired_key_signs_nothing_from_that_day_on(root: Root, signer: Issuer) -> None:
    listed = TrustedKey("k", "x", signer.certificate, frozenset())
    tomorrow, long_ago = NOW + timedelta(days=1), NOW - timedelta(days=3_000)
    later, before = replace(listed, retired_from=tomorrow), replace(listed, retired_from=long_ago)
    octets = signed_pdf(signer)
    assert examined(octets, root, later).reason is not Why.ISSUER_NOT_TRUSTED
    assert examined(octets, root, before).reason is Why.ISSUER_NOT_TRUSTED


def test_without_any_root_nobody_can_say() -> None:
    found = examine_file(sm2_pdf(the_cast()), Anchors(TrustList("0", {}, ()), NOW))
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.ISSUER_NOT_TRUSTED)


def test_an_unsigned_file(root: Root) -> None:
    found = examined(plain_pdf(), root)
    assert (found.verdict, found.reason) == (Verdict.NOT_GENUINE, Why.NOT_SIGNED)


@pytest.mark.parametrize("octets", [b"%PDF-", b"%PDF-1.7\n%%EOF", b"%PDF-1.7\n" + b"[" * 100_000])
def test_no_pdf_at_all(root: Root, octets: bytes) -> None:
    assert examined(octets, root).reason is Why.MALFORMED


def test_the_identifier_that_its_information_names(root: Root, signer: Issuer) -> None:
    name = "1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9"
    octets = signed_pdf(signer, plain_pdf({"LicenceIdentifier": name}))
    assert examined(octets, root).identifier == name


def test_a_form_in_which_two_paths_lead_everywhere() -> None:
    """Forty fields, each listing the next one twice: a walk over all paths never ends."""
    depth = 40
    objects = [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[3 0 R]>>>>"]
    objects += [b"<</Type/Pages/Kids[]/Count 0>>"]
    objects += [b"<</FT/Sig/T(a)/Kids[%d 0 R %d 0 R]>>" % (n, n) for n in range(4, 4 + depth)]
    began = time.monotonic()
    anchors = Anchors(TrustList("0", {}, ()), NOW)
    found = examine_pdf(written([*objects, b"<</FT/Sig/T(z)>>"]), anchors, seconds=0.5)
    assert time.monotonic() - began < 60
    assert (found.verdict, found.reason) == (Verdict.INDETERMINATE, Why.CONTAINER_REFUSED)
    assert sys.getprofile() is None


def test_a_form_that_leads_in_a_circle(root: Root) -> None:
    objects = [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[3 0 R]>>>>"]
    objects += [b"<</Type/Pages/Kids[]/Count 0>>", b"<</FT/Sig/T(a)/Kids[3 0 R]>>"]
    assert examined(written(objects), root).reason is Why.MALFORMED


def test_a_stream_that_unpacks_to_much_more_than_it_is(root: Root) -> None:
    packed = zlib.compress(bytes(200_000_000), 9)
    head = b"1 0 obj\n<</Type/XRef/Size 3/W[1 2 1]/Root 2 0 R/Filter/FlateDecode/Length %d>>"
    table = head % len(packed) + b"\nstream\n" + packed + b"\nendstream\nendobj\n"
    octets = b"%PDF-1.7\n" + table + b"startxref\n9\n%%EOF\n"
    tracemalloc.start()
    found = examined(octets, root)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert found.reason is Why.MALFORMED
