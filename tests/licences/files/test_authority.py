"""Whose signature a licence needs: where a file names one, its issuer's, with the right to issue it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from builders import ISSUER, Issuer, a_root, an_issuer, licence_types
from ofdfiles import (
    FAMILIES,
    NOW,
    SIGNED_AT,
    Cast,
    a_document,
    signed_again,
    signed_parts,
    the_cast,
    zipped,
)
from pdffiles import plain_pdf, signed_pdf
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import Term, TrustedKey, TrustList
from zwhub.kernel.identifiers.licence import build
from zwhub.licences.body import read_body
from zwhub.licences.files.authority import NamedLicence, by_its_issuer
from zwhub.licences.files.examine import examine_file
from zwhub.licences.files.findings import FileCheckName, FileFinding
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.findings import Outcome, Verdict

TYPE, ANOTHER = licence_types()["vehicle-licence"], licence_types()["driving-licence"]
POLICE = "11990100009810667L"  # another body of the sample
NAMED = build(TYPE, ISSUER, "FILE1", 1)
OF_A_REGION = build(TYPE, "990100", "FILE1", 1)


def anchors(cast: Cast, *keys: TrustedKey, folder: bool = False) -> Anchors:
    listed = {key.kid: key for key in keys}
    trust = TrustList("test", listed, (cast.root.certificate,))
    return Anchors(trust, NOW, knows_rights=not folder)


def an_ofd(cast: Cast, *names: str, family: str = "v4") -> bytes:
    return zipped(signed_parts(cast, family, document=a_document(*names)))


def said(found: FileFinding) -> tuple[str, str]:
    return found.verdict, found.reason


@pytest.mark.parametrize("family", FAMILIES)
def test_the_issuers_own_signature(family: str) -> None:
    cast = the_cast()
    found = examine_file(an_ofd(cast, NAMED, family=family), anchors(cast, cast.signer.trusted()))
    assert (said(found), found.identifier) == (("GENUINE", "OK"), NAMED)
    last = found.signatures[0].checks[-1]
    assert (last.name, last.outcome) == (FileCheckName.ISSUER_AUTHORISED, Outcome.PASS)


def another(key: TrustedKey) -> TrustedKey:
    return replace(key, kid="another", issuer=POLICE)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: None, "ISSUER_NOT_TRUSTED"),
        (another, "ISSUER_NOT_AUTHORISED"),
        (lambda key: replace(key, may_sign=frozenset({ANOTHER})), "ISSUER_NOT_AUTHORISED"),
        (
            lambda key: replace(key, terms={TYPE: Term(first=date(2024, 5, 2))}),
            "ISSUER_NOT_AUTHORISED",
        ),
        (lambda key: replace(key, withdrawn_since=NOW), "ISSUER_NOT_TRUSTED"),
        (lambda key: replace(key, retired_from=SIGNED_AT), "ISSUER_NOT_TRUSTED"),
    ],
)
def test_a_trusted_root_alone_gives_no_right_to_a_licence(
    family: str, change: Callable[[TrustedKey], TrustedKey | None], reason: str
) -> None:
    cast = the_cast()
    key = change(cast.signer.trusted())
    found = examine_file(an_ofd(cast, NAMED, family=family), anchors(cast, *([key] if key else [])))
    assert said(found) == ("NOT_GENUINE", reason)
    assert found.signatures[0].verdict is Verdict.NOT_GENUINE


def test_a_certificate_under_two_names_counts_by_the_one_that_may() -> None:
    cast = the_cast()
    own = cast.signer.trusted()
    found = examine_file(an_ofd(cast, NAMED), anchors(cast, another(own), own))
    assert said(found) == ("GENUINE", "OK")


def test_what_another_body_signs_above_the_issuer_is_not_the_issuers() -> None:
    cast = the_cast()
    police = an_issuer(Algorithm.SM2, root=cast.root, code=POLICE)
    parts = signed_parts(cast, document=a_document(NAMED)) | {"Doc_0/Annots/A.xml": b"<a/>"}
    twice = zipped(signed_again(replace(cast, signer=police), parts))
    keys = cast.signer.trusted(), police.trusted()
    found = examine_file(twice, anchors(cast, *keys))
    assert [one.reason for one in found.signatures] == ["OK", "ISSUER_NOT_AUTHORISED"]
    assert found.verdict is Verdict.NOT_GENUINE


def test_a_pdf_by_another_body() -> None:
    root = a_root()
    issuer, police = an_issuer(root=root), an_issuer(root=root, code=POLICE)
    listed = {one.kid: one.trusted() for one in (issuer, police)}
    trust = Anchors(TrustList("test", listed, (root.certificate,)), datetime.now(UTC))
    content = plain_pdf({"LicenceIdentifier": NAMED})
    assert said(examine_file(signed_pdf(issuer, content), trust)) == ("GENUINE", "OK")
    found = examine_file(signed_pdf(police, content), trust)
    assert said(found) == ("NOT_GENUINE", "ISSUER_NOT_AUTHORISED")
    assert said(examine_file(signed_pdf(police), trust)) == ("GENUINE", "OK")  # it names none


def test_a_file_that_names_two_licences_is_none_of_them() -> None:
    cast = the_cast()
    two = an_ofd(cast, NAMED, build(TYPE, ISSUER, "FILE2", 1))
    found = examine_file(two, anchors(cast, cast.signer.trusted()))
    assert (said(found), found.identifier) == (("INDETERMINATE", "MALFORMED"), None)


def test_a_name_that_is_none() -> None:
    cast, trust = the_cast(), anchors(the_cast(), the_cast().signer.trusted())
    found = examine_file(an_ofd(cast, "1.2.156.3005.2." + "1" * 30), trust)
    assert (said(found), found.identifier) == (("NOT_GENUINE", "MALFORMED"), None)
    wrong = NAMED[:-1] + ("A" if NAMED[-1] != "A" else "B")
    assert said(examine_file(an_ofd(cast, wrong), trust))[1] == "CHECK_CHARACTER_WRONG"


def test_a_name_that_tells_a_region_only() -> None:
    """Whose licence it is, the registry knows."""
    cast, trust = the_cast(), anchors(the_cast(), the_cast().signer.trusted())
    found = examine_file(an_ofd(cast, OF_A_REGION), trust)
    assert said(found) == ("INDETERMINATE", "ISSUER_NOT_AUTHORISED")
    for code, reason in ((ISSUER, "OK"), (POLICE, "ISSUER_NOT_AUTHORISED")):
        licence = replace(NamedLicence(TYPE, None), issuer=code)
        assert by_its_issuer(found, licence, trust).reason == reason


def test_what_the_registry_says_of_a_licence(issuer_body: bytes) -> None:
    assert NamedLicence.registered(read_body(issuer_body)) == NamedLicence(TYPE, ISSUER)


@pytest.fixture
def issuer_body() -> bytes:
    return json.dumps(the_cast().signer.a_body()).encode()


def test_a_folder_of_certificates_tells_whose_they_are() -> None:
    cast = the_cast()
    ofd = an_ofd(cast, NAMED)
    key = replace(cast.signer.trusted(), may_sign=frozenset())
    assert said(examine_file(ofd, anchors(cast, key, folder=True))) == ("GENUINE", "OK")
    found = examine_file(ofd, anchors(cast, another(key), folder=True))
    assert said(found) == ("NOT_GENUINE", "ISSUER_NOT_AUTHORISED")
    found = examine_file(ofd, anchors(cast, folder=True))  # it holds the root alone
    assert said(found) == ("INDETERMINATE", "ISSUER_NOT_TRUSTED")
    strangers = replace(cast, signer=an_issuer(Algorithm.SM2, root=cast.root, code=POLICE))
    found = examine_file(an_ofd(strangers, NAMED), anchors(cast, folder=True))
    assert said(found) == ("NOT_GENUINE", "ISSUER_NOT_TRUSTED")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ISSUER, ("GENUINE", "OK")),
        (POLICE, ("NOT_GENUINE", "ISSUER_NOT_AUTHORISED")),
        ("", ("INDETERMINATE", "ISSUER_NOT_AUTHORISED")),
    ],
)
def test_a_record_by_another_bodys_key(code: str, expected: tuple[str, str]) -> None:
    signer: Issuer = an_issuer()
    key = replace(signer.trusted(), issuer=code)
    trust = TrustList("test", {key.kid: key}, (signer.root.certificate,))
    found = examine_file(signer.a_licence().encode(), Anchors(trust, NOW, knows_rights=False))
    assert said(found) == expected


def test_without_any_root_nobody_can_say() -> None:
    nobody = Anchors(TrustList("0", {}, ()), NOW)
    found = examine_file(an_ofd(the_cast(), NAMED), nobody)
    assert said(found) == ("INDETERMINATE", "ISSUER_NOT_TRUSTED")
