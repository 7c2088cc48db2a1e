"""A batch's signature (批次签名): believed for exactly one file of one trusted issuer, else not."""

import json
import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from builders import ISSUER, Issuer, a_root, an_issuer, body_of, licence_types
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.jws import parse, sign
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.trust import Term, TrustList
from zwhub.licences.batch import (
    TYP,
    Batch,
    BatchReason,
    BatchVerdict,
    DeliveredFile,
    check_batch,
    sign_batch,
)
from zwhub.licences.deliveries.read import batch_signature, examined
from zwhub.licences.held import Held

NOW = datetime(2026, 6, 1, tzinfo=UTC)
CONTENT = b'{"record":"a.b.c"}\n'
FILE = DeliveredFile("part-001.jsonl", len(CONTENT), sha256_hex(CONTENT))
BATCH = Batch(FILE, 1, ISSUER, NOW - timedelta(days=1))
SCHEMA = json.loads((Path(__file__).parents[2] / "schema/batch.schema.json").read_text("utf-8"))
FLIPS = 400


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return an_issuer()


def trust_of(*issuers: Issuer) -> TrustList:
    roots = tuple(one.root.certificate for one in issuers)
    return TrustList("1", {one.kid: one.trusted() for one in issuers}, roots)


def signed(issuer: Issuer, batch: Batch = BATCH) -> bytes:
    return sign_batch(issuer.key, issuer.kid, batch).encode()


def said(issuer: Issuer, **changes: Any) -> bytes:
    """A batch signature whose payload says something else; `drop=` leaves a member out."""
    dropped = changes.pop("drop", None)
    members = {**body_of(signed(issuer).decode()), **changes}
    members.pop(dropped, None)
    return sign(issuer.key, issuer.kid, json.dumps(members).encode(), TYP).encode()


def judged(one: bytes, issuer: Issuer, file: DeliveredFile = FILE) -> BatchVerdict:
    return check_batch(one, file, trust_of(issuer), NOW)


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_batch_is_believed_under_every_algorithm(algorithm: Algorithm) -> None:
    one = an_issuer(algorithm)
    verdict = judged(signed(one), one)
    assert verdict.trusted
    assert verdict.batch == BATCH
    assert judged(signed(one) + b"\r\n", one).trusted  # as an editor leaves it


def test_the_payload_follows_its_schema(issuer: Issuer) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    payload = json.loads(parse(signed(issuer)).payload)
    Draft202012Validator(SCHEMA).validate(payload)
    assert payload.keys() == set(SCHEMA["required"]) == set(SCHEMA["properties"])


def test_it_vouches_for_records_of_that_issuer_and_of_its_types_alone(issuer: Issuer) -> None:
    vehicle = licence_types()["vehicle-licence"]
    other = an_issuer(code="11990100009810667L")
    narrow = an_issuer(types=[vehicle])
    own, foreign = (Held.read(0, one.a_licence().encode()).body for one in (narrow, other))
    deed = narrow.a_licence(type_code=licence_types()["real-estate-certificate"])
    verdict = judged(signed(narrow), narrow)
    assert verdict.vouches_for(own)
    assert not verdict.vouches_for(foreign)
    assert not verdict.vouches_for(Held.read(0, deed.encode()).body)
    doubted = replace(verdict, reason=BatchReason.FILE_DIFFERS)
    assert not doubted.vouches_for(own)


@pytest.mark.parametrize(
    "file",
    [
        replace(FILE, size=FILE.size + 1),
        replace(FILE, sha256=sha256_hex(b"")),
        replace(FILE, name="part-002.jsonl"),
    ],
)
def test_another_file_is_not_vouched_for(issuer: Issuer, file: DeliveredFile) -> None:
    assert judged(signed(issuer), issuer, file).reason is BatchReason.FILE_DIFFERS


def test_a_key_that_is_unknown_withdrawn_expired_or_under_no_root(issuer: Issuer) -> None:
    past = NOW - timedelta(days=30)
    stranger, withdrawn = an_issuer(), an_issuer(withdrawn_since=past)
    expired, unborn = an_issuer(not_after=past), an_issuer(not_before=NOW)
    retired = an_issuer(retired_from=BATCH.signed_at)
    assert judged(signed(stranger), issuer).reason is BatchReason.KEY_NOT_TRUSTED
    for one in (withdrawn, retired, expired, unborn):
        assert judged(signed(one), one).reason is BatchReason.KEY_NOT_TRUSTED
    rootless = replace(trust_of(issuer), roots=(a_root().certificate,))
    verdict = check_batch(signed(issuer), FILE, rootless, NOW)
    assert verdict.reason is BatchReason.KEY_NOT_TRUSTED


def test_an_issuer_vouches_for_the_types_it_could_issue_when_it_signed(issuer: Issuer) -> None:
    own = min(issuer.types)
    over = Term(last=BATCH.signed_at.date() - timedelta(days=2))
    trust = trust_of(issuer)
    trust = replace(trust, keys={issuer.kid: replace(issuer.trusted(), terms={own: over})})
    verdict = check_batch(signed(issuer), FILE, trust, NOW)
    assert verdict.types == issuer.types - {own}


def test_an_issuer_vouches_for_itself_alone(issuer: Issuer) -> None:
    other = replace(BATCH, issuer="11990100009810667L")
    assert judged(signed(issuer, other), issuer).reason is BatchReason.ISSUER_DIFFERS


def test_a_signature_of_the_future(issuer: Issuer) -> None:
    later = replace(BATCH, signed_at=NOW + timedelta(seconds=1))
    assert judged(signed(issuer, later), issuer).reason is BatchReason.SIGNED_IN_FUTURE


def test_another_key_under_the_same_name(issuer: Issuer) -> None:
    forged = sign_batch(an_issuer().key, issuer.kid, BATCH).encode()
    assert judged(forged, issuer).reason is BatchReason.SIGNATURE_INVALID


def test_a_licence_is_no_batch(issuer: Issuer) -> None:
    payload = parse(signed(issuer)).payload
    licence = sign(issuer.key, issuer.kid, payload, "zwhub-licence+jws").encode()
    assert judged(licence, issuer).reason is BatchReason.MALFORMED
    assert judged(issuer.a_licence().encode(), issuer).reason is BatchReason.MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        *({"drop": name} for name in SCHEMA["required"]),
        {"more": 1},
        {"format": "zwhub-batch/2"},
        {"file": "../part-001.jsonl"},
        {"file": ""},
        {"size": True},
        {"size": -1},
        {"size": "19"},
        {"size": 19.0},
        {"records": None},
        {"records": 2**53},
        {"sha256": FILE.sha256.upper()},
        {"issuerCode": [ISSUER]},
        {"signedAt": "2026-05-31"},
        {"signedAt": "2026-02-30T00:00:00Z"},
    ],
)
def test_a_payload_out_of_its_form(issuer: Issuer, changes: dict[str, Any]) -> None:
    assert judged(said(issuer, **changes), issuer).reason is BatchReason.MALFORMED


@pytest.mark.parametrize(
    "payload",
    [b"[]", b"null", b"\xff", b"[" * 5_000, b'{"format":"zwhub-batch/1","format":"zwhub-batch/1"}'],
)
def test_a_payload_that_is_no_object(issuer: Issuer, payload: bytes) -> None:
    one = sign(issuer.key, issuer.kid, payload, TYP).encode()
    assert judged(one, issuer).reason is BatchReason.MALFORMED


@pytest.mark.parametrize("garbage", [b"", b"\0", b"a.b", b"\xff" * 100, b"a" * 10_000_000])
def test_garbage_is_malformed(issuer: Issuer, garbage: bytes) -> None:
    verdict = judged(garbage, issuer)
    assert verdict.reason is BatchReason.MALFORMED
    assert verdict.words.zh
    assert verdict.words.en


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_no_flipped_bit_is_believed(algorithm: Algorithm) -> None:
    one, chance = an_issuer(algorithm), random.Random(20261122)
    whole = signed(one)
    for _ in range(FLIPS):
        at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
        flipped = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
        assert not judged(flipped, one).trusted


def test_no_flipped_bit_of_the_file_is_believed(issuer: Issuer) -> None:
    one = signed(issuer)
    for place in range(8 * len(CONTENT)):
        changed = bytearray(CONTENT)
        changed[place // 8] ^= 1 << place % 8
        file = DeliveredFile(FILE.name, len(changed), sha256_hex(bytes(changed)))
        assert judged(one, issuer, file).reason is BatchReason.FILE_DIFFERS


def test_a_stranger_follows_the_documentation(issuer: Issuer, tmp_path: Path) -> None:
    """What docs/deliveries.md shows, with a JOSE library that is not ours, is believed."""
    text = (Path(__file__).parents[2] / "docs/deliveries.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    defined: dict[str, Any] = {}
    exec(code, defined)  # noqa: S102 - our own documentation
    path = tmp_path / FILE.name
    path.write_bytes(CONTENT)
    defined["vouch"](path, 1, ISSUER, issuer.kid, issuer.key.pem(), NOW)
    signed_by_stranger = batch_signature(path)
    assert signed_by_stranger is not None
    assert judged(signed_by_stranger, issuer, examined(path)).trusted
