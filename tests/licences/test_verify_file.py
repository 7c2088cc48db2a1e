"""`verifyLicenceFile` at the front door: the file's signatures, and then the licence it names."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from builders import Issuer, a_citizen_number, a_holder, altered, an_issuer, trusting
from ofdfiles import (
    PAGE,
    SIGNATURE,
    VALUE,
    Cast,
    a_document,
    signature_xml,
    signed_data,
    signed_parts,
    zipped,
)
from pdffiles import signed_pdf
from samplecity import SampleHub
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.receipts import read_receipt
from zwhub.kernel.identifiers.licence import build
from zwhub.licences.model import Verification


async def verified(hub: SampleHub, octets: bytes, **more: Any) -> dict[str, Any]:
    encoded = base64.b64encode(octets).decode()
    question = {"content": encoded, "name": "a.file", "purpose": "窗口核对", **more}
    answer = await hub.ask("verify-licence-file", "department", input=question)
    result: dict[str, Any] = answer["data"]["verifyLicenceFile"]
    return result


@pytest.fixture(scope="module")
def cast(issuers: Mapping[Algorithm, Issuer]) -> Cast:
    """A signer and a maker of seals whom the hub trusts."""
    signer = issuers[Algorithm.SM2]
    return Cast(signer.root, signer, an_issuer(Algorithm.SM2, root=signer.root))


async def test_a_record_that_was_collected(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    found = await verified(hub, record.encode() + b"\n")
    assert (found["format"], found["verdict"], found["reason"]) == ("JWS", "GENUINE", "OK")
    assert found["signatures"][0]["integrity"] == "INTACT"
    assert found["uncoveredParts"] == []


async def test_a_record_that_was_not_collected(hub: SampleHub, issuer: Issuer) -> None:
    found = await verified(hub, issuer.a_licence().encode())
    assert (found["verdict"], found["reason"]) == ("INDETERMINATE", "NOT_REGISTERED")


async def test_a_forged_record(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    found = await verified(hub, altered(record, name="别的证照").encode())
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "RECORD_DIFFERS")
    assert found["signatures"][0]["reason"] == "SIGNATURE_INVALID"


async def test_an_ofd_that_names_no_licence(hub: SampleHub, cast: Cast) -> None:
    found = await verified(hub, zipped(signed_parts(cast, "v4")))
    assert (found["format"], found["verdict"]) == ("OFD", "GENUINE")
    names = [check["name"] for check in found["signatures"][0]["checks"]]
    assert names[:4] == ["REFERENCES", "COVERAGE", "DATA_HASH", "DOCUMENT_SIGNATURE"]
    assert found["signatures"][0]["signedAt"] == "2024-05-01T10:00:00+08:00"


async def test_a_valid_seal_on_a_licence_that_is_none_any_more(
    hub: SampleHub, issuer: Issuer, cast: Cast
) -> None:
    body = issuer.a_body()
    await hub.collect(issuer.signed(body))
    content = zipped(signed_parts(cast, "v4", document=a_document(body["identifier"])))
    assert (await verified(hub, content))["verdict"] == "GENUINE"
    past = issuer.a_body(valid_from="2020-01-01", valid_until="2021-01-01")
    await hub.collect(issuer.signed(past))
    content = zipped(signed_parts(cast, "v4", document=a_document(past["identifier"])))
    found = await verified(hub, content)
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "EXPIRED")
    assert found["signatures"][0]["verdict"] == "GENUINE"
    never = zipped(signed_parts(cast, "v4", document=a_document(issuer.a_body()["identifier"])))
    assert (await verified(hub, never))["reason"] == "NOT_REGISTERED"


async def test_a_licence_sealed_by_another_body(hub: SampleHub, issuer: Issuer, cast: Cast) -> None:
    """Under the same root, and for a while on the same list."""
    body = issuer.a_body()
    await hub.collect(issuer.signed(body))
    police = an_issuer(Algorithm.SM2, root=cast.root, code="11990100009810667L")
    other = replace(cast, signer=police)
    sealed = zipped(signed_parts(other, "v4", document=a_document(body["identifier"])))
    found = await verified(hub, sealed)
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "ISSUER_NOT_TRUSTED")
    await trusting(hub.db, police)
    found = await verified(hub, sealed)
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "ISSUER_NOT_AUTHORISED")
    assert found["signatures"][0]["verdict"] == "NOT_GENUINE"
    assert (await verified(hub, zipped(signed_parts(other, "v4"))))["verdict"] == "GENUINE"


async def test_a_licence_whose_name_tells_a_region(
    hub: SampleHub, issuer: Issuer, cast: Cast
) -> None:
    body = issuer.a_body()
    named = build(body["typeCode"], body["region"], "REGION1", 1)
    await hub.collect(issuer.signed({**body, "identifier": named}))
    found = await verified(hub, zipped(signed_parts(cast, "v4", document=a_document(named))))
    assert (found["verdict"], found["reason"]) == ("GENUINE", "OK")


@pytest.mark.parametrize("kind", ["JWS", "OFD"])
async def test_a_file_from_the_future(
    hub: SampleHub, issuer: Issuer, cast: Cast, kind: str
) -> None:
    content = issuer.a_licence(signed_at="2040-05-01T10:00:00+08:00").encode()
    if kind == "OFD":
        parts = signed_parts(cast, "sign")
        parts[SIGNATURE] = signature_xml(a_document(), sealed=False, time="20400501020000Z")
        parts[VALUE] = signed_data(cast, parts[SIGNATURE])
        content = zipped(parts)
    found = await verified(hub, content)
    assert (found["format"], found["reason"]) == (kind, "SIGNED_IN_FUTURE")
    assert found["verdict"] == found["signatures"][0]["verdict"] == "NOT_GENUINE"


async def test_a_holders_number_in_an_identifier_is_masked(hub: SampleHub, issuer: Issuer) -> None:
    number = a_citizen_number()
    record = issuer.a_licence(serial=number, holders=[a_holder(code=number)])
    await hub.collect(record)
    encoded = base64.b64encode(record.encode()).decode()
    document = """mutation ($content: String!) {
        verifyLicenceFile(input: {content: $content, purpose: "核对"}) {
            ... on FileVerification { verdict identifier receipt } } }"""
    answer = await hub.ask(document, "department", content=encoded)
    found = answer["data"]["verifyLicenceFile"]
    claims = read_receipt(found["receipt"], {"keys": [hub.hub.receipts.jwk()]})
    assert found["verdict"] == "GENUINE"
    assert "*" in found["identifier"]
    assert number not in json.dumps([found, claims])


async def test_an_altered_ofd(hub: SampleHub, cast: Cast) -> None:
    parts = signed_parts(cast, "v4") | {PAGE: b"<forged/>", "more.xml": b"<more/>"}
    found = await verified(hub, zipped(parts))
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "CONTENT_ALTERED")
    assert found["uncoveredParts"] == ["more.xml"]


async def test_a_pdf(hub: SampleHub, issuer: Issuer) -> None:
    content = await asyncio.to_thread(signed_pdf, issuer)
    assert (await verified(hub, content))["verdict"] == "GENUINE"
    found = await verified(hub, content + b"more")
    assert (found["verdict"], found["reason"]) == ("NOT_GENUINE", "UNSIGNED_PARTS")


async def test_something_else_entirely(hub: SampleHub) -> None:
    found = await verified(hub, b"hello")
    assert (found["format"], found["verdict"]) == ("UNKNOWN", "INDETERMINATE")
    assert (found["reason"], found["signatures"]) == ("UNKNOWN_FORMAT", [])


async def test_it_leaves_a_trace_and_a_receipt(hub: SampleHub, cast: Cast) -> None:
    content = zipped(signed_parts(cast, "v5"))
    found = await verified(hub, content, purpose="留痕")
    claims = read_receipt(found["receipt"], {"keys": [hub.hub.receipts.jwk()]})
    asked = {"by": "FILE", "format": "OFD", "sha256": sha256_hex(content)}
    assert (claims["asked"], claims["verdict"]) == (asked, "GENUINE")
    assert claims["signatures"] == [{"verdict": "GENUINE", "reason": "OK", "integrity": "INTACT"}]
    async with hub.db.read() as session:
        (trace,) = await session.scalars(select(Verification).where(Verification.purpose == "留痕"))
    assert str(trace.id) == claims["jti"]
    assert (trace.asked_by, trace.verdict, trace.receipt) == ("FILE", "GENUINE", found["receipt"])
    assert "a.file" not in json.dumps([trace.checks, claims])
    named = base64.b64encode(f"Verification:{trace.id}".encode()).decode()
    answer = await hub.ask(f'{{ verification(id: "{named}") {{ verdict }} }}', "department")
    assert answer["data"] == {"verification": None}


@pytest.mark.parametrize(
    ("place", "value", "code"),
    [
        ("content", "", "INVALID_INPUT"),
        ("content", "no base64", "INVALID_INPUT"),
        ("content", "A" * 1_000_100, "TOO_LONG"),
        ("purpose", " ", "INVALID_INPUT"),
        ("purpose", "x" * 201, "TOO_LONG"),
        ("name", "x" * 256, "TOO_LONG"),
        ("upload", "VXBsb2FkOjE", "INVALID_INPUT"),
    ],
)
async def test_what_is_refused(hub: SampleHub, place: str, value: str, code: str) -> None:
    found = await verified(hub, b"hello", **{place: value})
    where = ["input"] if place == "upload" else ["input", place]
    assert (found["code"], found["path"]) == (code, where)
