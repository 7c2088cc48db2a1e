"""Status lists over HTTP (状态列表): both formats, read with libraries the hub does not use here."""

import gzip
import zlib
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from joserfc import jwk
from joserfc import jwt as jose_jwt
from starlette.applications import Starlette

from zwhub.gateway.status_lists import LIFETIME, StatusListEndpoint
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.status_book import SIZE, StatusBook
from zwhub.kernel.status_lists import INVALID, SUSPENDED, VALID

HUB = "https://hub.example"
TOKEN, CREDENTIAL = "application/statuslist+jwt", "application/vc+jwt"
KEY = ReceiptKey.new()


@pytest.fixture
def book() -> StatusBook:
    """Four licences; what follows was given to nobody."""
    book = StatusBook(HUB, datetime.now(UTC))
    for row_id, status in enumerate((VALID, INVALID, SUSPENDED, VALID), start=1):
        book.put(row_id, status)
    return book


@pytest_asyncio.fixture
async def http(book: StatusBook) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[StatusListEndpoint(book, KEY).route()])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as client:
        yield client


async def get(http: httpx.AsyncClient, address: str = "1", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.get(f"/status-lists/{address}", headers=named)


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def flags(credential: str) -> list[int]:
    """The first eight flags of a credential that PyJWT believes."""
    key = jwt.PyJWK(KEY.jwk())
    claims = jwt.decode(credential, key, algorithms=["ES256"], options={"require": ["exp", "iat"]})
    assert claims["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    octets = gzip.decompress(unpadded(claims["credentialSubject"]["encodedList"][1:]))
    assert len(octets) == SIZE // 8
    return [octets[0] >> 7 - bit & 1 for bit in range(8)]


async def test_the_token_is_read_by_another_library(http: httpx.AsyncClient) -> None:
    answer = await get(http, accept=TOKEN)
    assert answer.headers["content-type"] == TOKEN
    token = jose_jwt.decode(answer.text, jwk.import_key({**KEY.jwk()}), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "kid": KEY.kid, "typ": "statuslist+jwt"}
    claims: dict[str, Any] = token.claims
    assert (claims["iss"], claims["sub"]) == (HUB, f"{HUB}/status-lists/1")
    assert claims["exp"] - claims["iat"] == LIFETIME.total_seconds()
    assert claims["status_list"]["bits"] == 2
    octets = zlib.decompress(unpadded(claims["status_list"]["lst"]))
    assert len(octets) == SIZE // 4
    assert [octets[0] >> shift & 3 for shift in (0, 2, 4, 6)] == [0, 1, 2, 0]
    assert set(octets[1:]) == {0xFF}  # 3: nobody's


async def test_the_credentials_are_read_by_another_library(http: httpx.AsyncClient) -> None:
    answer = await get(http, accept=CREDENTIAL)
    assert answer.headers["content-type"] == CREDENTIAL
    assert jwt.get_unverified_header(answer.text)["typ"] == "vc+jwt"
    assert flags(answer.text) == [0, 1, 0, 0, 0, 0, 0, 0]
    assert flags((await get(http, "1?purpose=revocation")).text) == [0, 1, 0, 0, 0, 0, 0, 0]
    # Where the hub vouches for nothing the flag is set, too.
    suspension = (await get(http, "1?purpose=suspension", accept=CREDENTIAL)).text
    assert flags(suspension) == [0, 0, 1, 0, 1, 1, 1, 1]
    claims = jwt.decode(suspension, options={"verify_signature": False})
    assert claims["id"] == f"{HUB}/status-lists/1?purpose=suspension"
    assert claims["credentialSubject"]["statusPurpose"] == "suspension"


@pytest.mark.parametrize(
    ("accept", "address", "media"),
    [
        ("*/*", "1", TOKEN),
        ("", "1", TOKEN),
        ("text/html,*/*;q=0.8", "1", TOKEN),
        ("application/*", "1?purpose=suspension", CREDENTIAL),
        (f"{TOKEN};q=0.2, {CREDENTIAL}", "1", CREDENTIAL),
        (f"{TOKEN}, {CREDENTIAL};q=0.9", "1?purpose=revocation", TOKEN),
        (f"{CREDENTIAL};q=0, {TOKEN.upper()}", "1", TOKEN),
    ],
)
async def test_the_format_is_the_callers_choice(
    http: httpx.AsyncClient, accept: str, address: str, media: str
) -> None:
    answer = await get(http, address, accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media)
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("2", 404, "UNKNOWN_LIST"),
        ("0", 404, "UNKNOWN_LIST"),
        ("01", 404, "UNKNOWN_LIST"),
        ("-1", 404, "UNKNOWN_LIST"),
        ("1.0", 404, "UNKNOWN_LIST"),
        ("١", 404, "UNKNOWN_LIST"),
        ("9" * 5000, 404, "UNKNOWN_LIST"),
        ("1?purpose=message", 400, "BAD_REQUEST"),
    ],
)
async def test_what_is_not_there(
    http: httpx.AsyncClient, address: str, status: int, code: str
) -> None:
    answer = await get(http, address, accept_language="en")
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/json;q=1", f"{TOKEN};q=0", f"{TOKEN};q=x"]
)
async def test_another_format_is_refused(http: httpx.AsyncClient, accept: str) -> None:
    answer = await get(http, accept=accept, accept_language="zh-CN")
    assert (answer.status_code, answer.json()["error"]) == (406, "NOT_ACCEPTABLE")
    assert "或" in answer.json()["message"]


async def test_who_has_the_list_gets_no_body(http: httpx.AsyncClient, book: StatusBook) -> None:
    first = await get(http)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "public, max-age=3"
    for known in (tag, tag.removeprefix("W/"), "*", f'"other", {tag}'):
        again = await get(http, if_none_match=known)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await get(http)).content == first.content  # signed once
    other = await get(http, accept=CREDENTIAL, if_none_match=tag)
    assert other.status_code == 200
    book.put(1, SUSPENDED)
    changed = await get(http, if_none_match=tag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_another_hour_another_edition(http: httpx.AsyncClient, book: StatusBook) -> None:
    """A list that never changes must not expire in its readers' hands."""
    assert book.read_at is not None
    before = await get(http)
    expiry = jwt.decode(before.text, options={"verify_signature": False})["exp"]
    book.read_at += timedelta(hours=1)
    after = await get(http, if_none_match=before.headers["etag"])
    assert jwt.decode(after.text, options={"verify_signature": False})["exp"] == expiry + 3600


@pytest.mark.parametrize("age", [None, timedelta(minutes=2)])
async def test_no_list_rather_than_an_old_one(
    http: httpx.AsyncClient, book: StatusBook, age: timedelta | None
) -> None:
    await get(http)
    book.read_at = None if age is None else datetime.now(UTC) - age
    answer = await get(http)
    assert (answer.status_code, answer.json()["error"]) == (503, "STATUS_UNAVAILABLE")
