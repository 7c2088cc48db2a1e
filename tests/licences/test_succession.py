"""What a licence may name as `previous` (关联证照标识), and what it ends thereby."""

from typing import Any

import pytest

from builders import ISSUER, REGION, Issuer, an_issuer, licence_types
from samplecity import SampleHub
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import LicenceIdentifier, build
from zwhub.licences.body import Body
from zwhub.licences.held import Held
from zwhub.licences.succession import problem, replaced

VEHICLE, DEED = (licence_types()[key] for key in ("vehicle-licence", "real-estate-certificate"))
OTHER = "11990100009810667L"
OWN_2, OWN_1, OWN_7 = (build(VEHICLE, ISSUER, "MINE", number) for number in (2, 1, 7))
OLD, OLD_BY_REGION = build(VEHICLE, ISSUER, "OLD", 3), build(VEHICLE, REGION, "OLD", 3)
ELSEWHERE, OTHER_TYPE = build(VEHICLE, OTHER, "OLD", 1), build(DEED, ISSUER, "OLD", 1)


@pytest.fixture(scope="module")
def maker() -> Issuer:
    return an_issuer(Algorithm.EDDSA)


def body(maker: Issuer, version: str, operation: str, previous: str | None) -> Body:
    said: dict[str, Any] = {"version": version, "operation": operation, "previous": previous}
    record = maker.a_licence(serial="MINE", type_code=VEHICLE, **said)
    return Held.read(0, record.encode()).body


@pytest.mark.parametrize(
    ("version", "operation", "previous", "ends"),
    [
        ("001", "新发", None, None),
        ("002", "变更", OWN_1, None),  # told by the version itself
        ("008", "延续", OWN_2, None),  # not every version reached this repository
        ("001", "延续", OLD, OLD),
        ("001", "变更", OLD, OLD),
        ("001", "转入", OLD, OLD),
        ("001", "转入", ELSEWHERE, None),  # its own issuer says that it was transferred out
        ("001", "延续", None, None),
    ],
)
def test_what_can_be_replaced(
    maker: Issuer, version: str, operation: str, previous: str | None, ends: str | None
) -> None:
    said = body(maker, version, operation, previous)
    assert problem(said) is None
    assert replaced(said) == (None if ends is None else LicenceIdentifier.parse(ends))


BAD = [
    ("002", "变更", OWN_2, "lower version"),
    ("002", "变更", OWN_7, "lower version"),
    ("001", "变更", OWN_1, "lower version"),
    ("002", "变更", OLD, "no version of this licence"),
    ("001", "新发", OLD, "not for a new licence"),
    ("001", "变更", OTHER_TYPE, "another type"),
    ("001", "转入", OTHER_TYPE, "another type"),
    ("001", "延续", ELSEWHERE, "another body"),
    ("001", "延续", OLD_BY_REGION, "another body"),
]


@pytest.mark.parametrize(("version", "operation", "previous", "words"), BAD)
def test_what_cannot_be_replaced(
    maker: Issuer, version: str, operation: str, previous: str, words: str
) -> None:
    said = body(maker, version, operation, previous)
    found = problem(said)
    assert found is not None
    assert words in found.en
    assert replaced(said) is None


async def test_an_unrelated_previous_is_quarantined_with_its_code(
    hub: SampleHub, issuer: Issuer
) -> None:
    stray = issuer.a_licence(version="002", previous=OLD)
    (found,) = await hub.collect(stray)
    assert found["outcome"] == "QUARANTINED"
    assert [one["code"] for one in found["problems"]] == ["PREVIOUS_UNRELATED"]
    (good,) = await hub.collect(issuer.a_licence(operation="延续", previous=OLD))
    assert good["outcome"] == "ACCEPTED"
