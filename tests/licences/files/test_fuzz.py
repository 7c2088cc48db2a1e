"""Damaged files: whatever happens to a signed file, nothing is raised and nothing passes."""

import random
from datetime import UTC, datetime

import pytest

from builders import an_issuer
from ofdfiles import FAMILIES, LIST, NOW, signed_parts, the_cast, zipped
from pdffiles import signed_pdf
from zwhub.kernel.crypto.trust import TrustList
from zwhub.licences.files.container import Container
from zwhub.licences.files.examine import examine_file
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.findings import Verdict

ROUNDS = 150


def flipped(octets: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(octets))
    return octets[:at] + bytes([octets[at] ^ 1 << dice.randrange(8)]) + octets[at + 1 :]


@pytest.mark.parametrize("family", FAMILIES)
def test_flips_in_the_parts_of_an_ofd(family: str) -> None:
    """Every part but the list of signatures is covered: any change of a bit must be seen."""
    dice, anchors = random.Random(family), the_cast().anchors()
    parts = signed_parts(the_cast(), family)
    for _ in range(ROUNDS):
        name = dice.choice(sorted(parts))
        changed = parts | {name: flipped(parts[name], dice)}
        found = examine_file(zipped(changed, stored=True), anchors)
        if found.verdict is Verdict.GENUINE:
            assert name == LIST, name
            assert {one.reason for one in found.signatures} == {"OK"}


@pytest.mark.parametrize("family", FAMILIES)
def test_flips_and_cuts_in_the_zip(family: str) -> None:
    """A flip may hit what no reader looks at, such as a date; then the content is the same."""
    dice, anchors = random.Random(family), the_cast().anchors()
    parts = signed_parts(the_cast(), family)
    whole = zipped(parts)
    assert examine_file(whole, anchors).verdict is Verdict.GENUINE
    for _ in range(ROUNDS):
        cut = whole[: dice.randrange(len(whole))]
        assert examine_file(cut, anchors).verdict is not Verdict.GENUINE
        changed = flipped(whole, dice)
        if examine_file(changed, anchors).verdict is Verdict.GENUINE:
            container = Container(changed)
            kept = {name: container.read(name) for name in container.names - {LIST}}
            assert kept == {name: parts[name] for name in parts if name != LIST}


def test_flips_and_cuts_in_a_pdf() -> None:
    """All bytes outside the signature's own string are signed; inside, spare zeros are not."""
    signer, dice = an_issuer(), random.Random(1)
    trust = TrustList("test", {}, (signer.root.certificate,))
    anchors = Anchors(trust, datetime.now(UTC))
    whole = signed_pdf(signer)
    assert examine_file(whole, anchors).verdict is Verdict.GENUINE
    begin = whole.index(b"/Contents <") + len(b"/Contents <")
    end = whole.index(b">", begin)
    for _ in range(ROUNDS // 3):
        cut = whole[: dice.randrange(len(whole) - 2)]
        assert examine_file(cut, anchors).verdict is not Verdict.GENUINE
        at = dice.choice([*range(begin), *range(end, len(whole))])
        changed = whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :]
        assert examine_file(changed, anchors).verdict is not Verdict.GENUINE
        changed = whole[:begin] + flipped(whole[begin:end], dice) + whole[end:]
        examine_file(changed, anchors)


def test_flips_and_cuts_in_a_record() -> None:
    issuer, dice = an_issuer(), random.Random(2)
    keys = {issuer.kid: issuer.trusted()}
    anchors = Anchors(TrustList("test", keys, (issuer.root.certificate,)), NOW)
    whole = issuer.a_licence().encode()
    assert examine_file(whole, anchors).verdict is Verdict.GENUINE
    for _ in range(ROUNDS):
        assert examine_file(flipped(whole, dice), anchors).verdict is not Verdict.GENUINE
        cut = whole[: dice.randrange(len(whole))]
        assert examine_file(cut, anchors).verdict is not Verdict.GENUINE


def test_noise_of_every_kind() -> None:
    dice, anchors = random.Random(3), the_cast().anchors()
    for start in (b"", b"PK\x03\x04", b"%PDF-1.7\n", b"eyJ", b"PK\x05\x06" + bytes(18)):
        for size in (0, 1, 20, 300, 5_000):
            found = examine_file(start + dice.randbytes(size), anchors)
            assert found.verdict is not Verdict.GENUINE
