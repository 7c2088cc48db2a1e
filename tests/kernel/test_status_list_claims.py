"""Claims of status lists (状态列表声明): the specifications' examples, and what is not believed."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from zwhub.kernel.crypto.jws import parse, sign
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.status_list_claims import (
    BITSTRING_TYP,
    TOKEN_TYP,
    Edition,
    bitstring_claims,
    read_bitstring_list,
    read_token_list,
    token_list_claims,
)
from zwhub.kernel.status_lists import (
    INVALID,
    SUSPENDED,
    BadStatusList,
    Bitstring,
    StatusArray,
    read_lst,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=8)))
URI = "https://hub.example/status-lists/1"
EDITION = Edition(URI, "https://hub.example", NOW, NOW + timedelta(hours=1), timedelta(seconds=5.5))
# Token Status List §5.1, and Bitstring Status List v1.0, Example 3.
DRAFT = {
    "exp": 2291720170,
    "iat": 1686920170,
    "status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"},
    "sub": "https://example.com/statuslists/1",
    "ttl": 43200,
}
RECOMMENDATION = {
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "id": "https://example.com/credentials/status/3",
    "type": ["VerifiableCredential", "BitstringStatusListCredential"],
    "issuer": "did:example:12345",
    "validFrom": "2021-04-05T14:27:40Z",
    "credentialSubject": {
        "id": "https://example.com/status/3#list",
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
        "encodedList": "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA",
    },
}
Change = Callable[[dict[str, Any]], object]


def statuses() -> StatusArray:
    array = StatusArray.of(100_000, 2)
    array[3], array[99_999] = INVALID, SUSPENDED
    return array


def token() -> dict[str, Any]:
    return token_list_claims(EDITION, statuses())


def credential() -> dict[str, Any]:
    return bitstring_claims(EDITION, statuses().bitstring(INVALID), "revocation")


def test_the_examples_are_read() -> None:
    found = read_token_list(DRAFT, "https://example.com/statuslists/1", NOW)
    assert (found.bits, found.octets) == (1, b"\xb9\xa3")
    assert isinstance(RECOMMENDATION["id"], str)
    flags = read_bitstring_list(RECOMMENDATION, RECOMMENDATION["id"], "revocation", NOW)
    assert (len(flags), flags[94_567]) == (131_072, False)


def test_the_claims_of_a_token() -> None:
    claims = token()
    lst = claims["status_list"].pop("lst")
    assert read_lst(lst, 2) == statuses()
    assert claims == {
        "iss": "https://hub.example",
        "sub": URI,
        "iat": 1772413200,
        "exp": 1772416800,
        "ttl": 5,
        "status_list": {"bits": 2},
    }


def test_the_claims_of_a_credential() -> None:
    claims = credential()
    assert claims["credentialSubject"].pop("encodedList").startswith("uH4sI")
    assert claims == {
        "iss": "https://hub.example",
        "iat": 1772413200,
        "exp": 1772416800,
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": URI,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "https://hub.example",
        "validFrom": "2026-03-02T01:00:00Z",
        "validUntil": "2026-03-02T02:00:00Z",
        "credentialSubject": {
            "id": f"{URI}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "ttl": 5500,
        },
    }


def test_what_is_signed_is_read_back() -> None:
    key = PrivateKey.generate(Algorithm.ES256)
    record = parse(sign(key, "status-1", json.dumps(token()).encode(), TOKEN_TYP))
    assert record.typ == "statuslist+jwt"
    found = read_token_list(json.loads(record.payload), URI, NOW)
    assert (found[2], found[3], found[99_999]) == (0, INVALID, SUSPENDED)
    record = parse(sign(key, "status-1", json.dumps(credential()).encode(), BITSTRING_TYP))
    assert record.typ == "vc+jwt"
    flags = read_bitstring_list(json.loads(record.payload), URI, "revocation", NOW)
    assert (flags[2], flags[3], flags[99_999]) == (False, True, False)


def test_a_second_and_a_millisecond_are_the_shortest_refresh() -> None:
    edition = Edition(URI, "https://hub.example", NOW, EDITION.expires, timedelta(microseconds=1))
    assert token_list_claims(edition, statuses())["ttl"] == 1
    claims = bitstring_claims(edition, statuses().bitstring(INVALID), "suspension")
    assert claims["credentialSubject"]["ttl"] == 1


@pytest.mark.parametrize(
    ("seconds", "in_force"), [(-61, False), (-59, True), (0, True), (3599, True), (3600, False)]
)
def test_a_list_is_believed_while_it_is_in_force(seconds: int, in_force: bool) -> None:
    now = NOW.astimezone(UTC) + timedelta(seconds=seconds)
    lists: list[Callable[[], StatusArray | Bitstring]] = [
        lambda: read_token_list({**token(), "nbf": token()["iat"]}, URI, now),
        lambda: read_bitstring_list(credential(), URI, "revocation", now),
    ]
    for read in lists:
        if in_force:
            assert len(read()) >= 100_000
        else:
            with pytest.raises(BadStatusList, match="not in force"):
                read()


def without(*path: str) -> Change:
    def change(claims: dict[str, Any]) -> None:
        for name in path[:-1]:
            claims = claims[name]
        del claims[path[-1]]

    return change


def put(value: object, *path: str) -> Change:
    def change(claims: dict[str, Any]) -> None:
        for name in path[:-1]:
            claims = claims[name]
        claims[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("sub"), "another list"),
        (put(URI + "/", "sub"), "another list"),
        (without("iat"), "not a status list"),
        (put("1772413200", "iat"), "not a status list"),
        (put(True, "iat"), "not a status list"),
        (put(None, "exp"), "not a status list"),
        (put(float("nan"), "exp"), "not in force"),
        (put(float("nan"), "nbf"), "not in force"),
        (without("status_list"), "not a status list"),
        (put([], "status_list"), "not a status list"),
        (put("2", "status_list", "bits"), "not a status list"),
        (put(True, "status_list", "bits"), "not a status list"),
        (put(3, "status_list", "bits"), "1, 2, 4 or 8 bits"),
        (put(b"", "status_list", "lst"), "not a status list"),
        (put("", "status_list", "lst"), "cannot be unpacked"),
    ],
)
def test_another_token_is_not_believed(change: Change, message: str) -> None:
    claims = deepcopy(token())
    change(claims)
    with pytest.raises(BadStatusList, match=message):
        read_token_list(claims, URI, NOW)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("id"), "another list"),
        (put(URI + "#list", "id"), "another list"),
        (put("2026-03-02T09:00:00", "validUntil"), "not a status list"),
        (put("2026-13-02T09:00:00Z", "validUntil"), "not a status list"),
        (put(1772416800, "validFrom"), "not a status list"),
        (put("2026-03-02T01:00:00Z", "validUntil"), "not in force"),
        (put(1772413200, "exp"), "not in force"),
        (put("VerifiableCredential", "type"), "not a status list"),
        (put(None, "credentialSubject"), "not a status list"),
        (put("StatusList2021", "credentialSubject", "type"), "not a status list"),
        (without("credentialSubject", "encodedList"), "not a status list"),
        (without("credentialSubject", "statusPurpose"), "another purpose"),
        (put(["suspension"], "credentialSubject", "statusPurpose"), "another purpose"),
        (put("", "credentialSubject", "encodedList"), "letter u"),
    ],
)
def test_another_credential_is_not_believed(change: Change, message: str) -> None:
    claims = deepcopy(credential())
    change(claims)
    with pytest.raises(BadStatusList, match=message):
        read_bitstring_list(claims, URI, "revocation", NOW)


def test_what_is_allowed_to_be_missing_or_several() -> None:
    claims = credential()
    for name in ("validFrom", "validUntil", "iat", "exp", "iss"):
        del claims[name]
    claims["type"] = "BitstringStatusListCredential"
    claims["credentialSubject"]["statusPurpose"] = ["suspension", "revocation"]
    assert read_bitstring_list(claims, URI, "revocation", NOW)[3]
    eternal = {name: value for name, value in token().items() if name != "exp"}
    assert read_token_list(eternal, URI, NOW + timedelta(days=9999))[3] == INVALID


def test_an_edition_holds_for_some_time() -> None:
    for expires, refresh in ((NOW, timedelta(1)), (EDITION.expires, timedelta(0))):
        with pytest.raises(ValueError, match="holds for some time"):
            Edition(URI, "https://hub.example", NOW, expires, refresh)
