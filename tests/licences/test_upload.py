"""Uploads through the front door (上传): announced, put over real HTTP, verified once."""

import asyncio
import os
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, make_url, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool
from structlog.testing import capture_logs

from builders import Issuer, an_issuer
from ofdfiles import Cast, a_document, signed_parts, zipped
from pdffiles import plain_pdf, signed_pdf
from samplecity import SampleCity, SampleHub, a_hub
from server import serving
from servers import FreshDatabase, ServerUrls
from zwhub.graph.context import MOST_LARGE_FILES
from zwhub.kernel.crypto.digests import sha256_hex
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.receipts import read_receipt
from zwhub.licences.create_upload import MOST_OPEN
from zwhub.licences.files.examine import LARGEST_FILE
from zwhub.licences.model import Upload, UploadPiece, Verification
from zwhub.licences.upload import PIECE, ticket_digest

CREATE = """mutation ($size: Int!) { createUpload(input: {size: $size}) { __typename
    ... on Upload { id ticket size expiresAt } ... on UserError { code message path } } }"""


@pytest.fixture(scope="module")
def cast(issuers: Mapping[Algorithm, Issuer]) -> Cast:
    """A signer and a maker of seals whom the hub trusts."""
    signer = issuers[Algorithm.SM2]
    return Cast(signer.root, signer, an_issuer(Algorithm.SM2, root=signer.root))


@pytest.fixture(scope="module")
def ofd(cast: Cast) -> bytes:
    """A sealed file of 15 MB."""
    document = {**a_document(), "Doc_0/Res/scan.bin": os.urandom(15_000_000)}
    return zipped(signed_parts(cast, "v4", document=document), stored=True)


@pytest.fixture(scope="module")
async def door(hub: SampleHub) -> AsyncIterator[httpx.AsyncClient]:
    """The hub behind a real socket."""
    async with (
        serving(hub.app) as address,
        httpx.AsyncClient(base_url=f"http://{address}", timeout=30) as client,
    ):
        yield client


@pytest.fixture(autouse=True)
async def nothing_open(hub: SampleHub) -> None:
    """What other tests left counts against nobody."""
    async with hub.db.write() as session:
        await session.execute(text("DELETE FROM uploads"))


async def created(hub: SampleHub, size: int, persona: str = "department") -> dict[str, Any]:
    answer = await hub.ask(CREATE, persona, size=size)
    result: dict[str, Any] = answer["data"]["createUpload"]
    return result


async def put(
    hub: SampleHub,
    door: httpx.AsyncClient,
    ticket: str,
    content: bytes,
    persona: str = "department",
    **headers: str,
) -> httpx.Response:
    said = {**hub.headers(persona), **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await door.put(f"/uploads/{ticket}", content=content, headers=said)


async def verified(hub: SampleHub, upload: str, persona: str = "department") -> dict[str, Any]:
    asked = {"upload": upload, "purpose": "窗口核对"}
    answer = await hub.ask("verify-licence-file", persona, input=asked)
    result: dict[str, Any] = answer["data"]["verifyLicenceFile"]
    return result


async def pieces(hub: SampleHub) -> list[bytes]:
    async with hub.db.read() as session:
        return list(await session.scalars(select(UploadPiece.sealed)))


def code(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    return str(error["extensions"]["code"])


async def test_an_ofd_of_15_mb(hub: SampleHub, door: httpx.AsyncClient, ofd: bytes) -> None:
    upload = await created(hub, len(ofd))
    assert upload["size"] == len(ofd)
    until = datetime.fromisoformat(upload["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=9) < until <= timedelta(minutes=10)
    answer = await put(hub, door, upload["ticket"], ofd)
    assert answer.status_code == 201
    said = answer.json()
    assert (said["size"], said["sha256"]) == (len(ofd), sha256_hex(ofd))
    until = datetime.fromisoformat(said["usableUntil"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < until <= timedelta(hours=1)
    found = await verified(hub, upload["id"])
    assert (found["format"], found["verdict"], found["reason"]) == ("OFD", "GENUINE", "OK")
    claims = read_receipt(found["receipt"], {"keys": [hub.hub.receipts.jwk()]})
    assert claims["asked"]["sha256"] == sha256_hex(ofd)


async def test_a_pdf_of_15_mb_altered_on_the_way(
    hub: SampleHub, door: httpx.AsyncClient, issuer: Issuer
) -> None:
    document = plain_pdf(drawn=os.urandom(15_000_000))
    content = await asyncio.to_thread(signed_pdf, issuer, document)
    assert len(content) > 15_000_000
    for octets, verdict in ((content, "GENUINE"), (content + b"more", "NOT_GENUINE")):
        upload = await created(hub, len(octets))
        answer = await put(hub, door, upload["ticket"], octets, content_type="application/pdf")
        assert answer.status_code == 201
        found = await verified(hub, upload["id"])
        assert (found["format"], found["verdict"]) == ("PDF", verdict)


async def test_a_chunk_at_a_time_and_to_the_last_byte(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    """Sizes around the pieces it is kept in, and the largest of all."""
    for size in (1, PIECE - 1, PIECE, PIECE + 1, LARGEST_FILE):
        content = os.urandom(size)
        upload = await created(hub, size)
        answer = await put(hub, door, upload["ticket"], content)
        assert answer.json()["sha256"] == sha256_hex(content)
        found = await verified(hub, upload["id"])
        claims = read_receipt(found["receipt"], {"keys": [hub.hub.receipts.jwk()]})
        assert claims["asked"]["sha256"] == sha256_hex(content)


async def test_what_lies_at_rest_is_sealed_and_the_ticket_is_not_kept(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    content = "身份证号".encode() * 300_000
    upload = await created(hub, len(content))
    await put(hub, door, upload["ticket"], content)
    kept = await pieces(hub)
    assert len(kept) == -(-len(content) // PIECE)
    assert content[:12] not in b"".join(kept)
    async with hub.db.read() as session:
        row = str((await session.execute(text("SELECT * FROM uploads"))).one())
    assert upload["ticket"] not in row
    async with hub.db.write() as session:  # exchanged pieces are not each other's
        await session.execute(text("UPDATE upload_pieces SET number = 9 - number"))
        await session.execute(text("UPDATE upload_pieces SET number = number - 6"))
    found = await verified(hub, upload["id"])
    assert (found["code"], found["path"]) == ("WRONG_STATE", ["input", "upload"])


async def test_one_use(hub: SampleHub, door: httpx.AsyncClient) -> None:
    upload = await created(hub, 5)
    await put(hub, door, upload["ticket"], b"hello")
    assert (await verified(hub, upload["id"]))["verdict"] == "INDETERMINATE"
    assert await pieces(hub) == []
    found = await verified(hub, upload["id"])
    assert (found["code"], found["path"]) == ("UNKNOWN_UPLOAD", ["input", "upload"])
    answer = await put(hub, door, upload["ticket"], b"hello")
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")


async def test_two_verifications_at_once_leave_one_trace(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    async def traces() -> int:
        async with hub.db.read() as session:
            return int(await session.scalar(select(func.count()).select_from(Verification)) or 0)

    before = await traces()
    upload = await created(hub, 5)
    await put(hub, door, upload["ticket"], b"hello")
    both = await asyncio.gather(*(verified(hub, upload["id"]) for _ in range(2)))
    assert sorted(one.get("code", "found") for one in both) == ["UNKNOWN_UPLOAD", "found"]
    assert await traces() == before + 1


async def test_few_are_in_memory_at_once(hub: SampleHub, door: httpx.AsyncClient) -> None:
    """An upload waits for its turn before it is read; what comes inline is small and does not."""
    upload = await created(hub, 5)
    await put(hub, door, upload["ticket"], b"hello")
    turns = hub.hub.large_files
    for _ in range(MOST_LARGE_FILES):
        await turns.acquire()
    waiting = asyncio.create_task(verified(hub, upload["id"]))
    inline = {"content": "aGVsbG8=", "purpose": "核对"}
    answer = await hub.ask("verify-licence-file", "department", input=inline)
    assert answer["data"]["verifyLicenceFile"]["verdict"] == "INDETERMINATE"
    assert not waiting.done()
    for _ in range(MOST_LARGE_FILES):
        turns.release()
    assert (await waiting)["verdict"] == "INDETERMINATE"


async def test_not_brought_yet(hub: SampleHub) -> None:
    upload = await created(hub, 5)
    found = await verified(hub, upload["id"])
    assert (found["code"], found["path"]) == ("WRONG_STATE", ["input", "upload"])


async def test_two_puts_at_once_one_wins(hub: SampleHub, door: httpx.AsyncClient) -> None:
    contents = [os.urandom(3_000_000), os.urandom(3_000_000)]
    upload = await created(hub, 3_000_000)
    both = await asyncio.gather(*(put(hub, door, upload["ticket"], one) for one in contents))
    assert sorted(one.status_code for one in both) == [201, 409]
    won = next(one.json()["sha256"] for one in both if one.status_code == 201)
    found = await verified(hub, upload["id"])
    claims = read_receipt(found["receipt"], {"keys": [hub.hub.receipts.jwk()]})
    assert claims["asked"]["sha256"] == won
    again = await created(hub, 3_000_000)
    assert (await put(hub, door, again["ticket"], contents[0])).status_code == 201
    late = await put(hub, door, again["ticket"], contents[1])
    assert (late.status_code, code(late)) == (409, "CONFLICT")


async def test_whatever_is_not_there_looks_the_same(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    theirs = await created(hub, 5)
    expired = await created(hub, 5)
    used = await created(hub, 5)
    await put(hub, door, used["ticket"], b"hello")
    await verified(hub, used["id"])
    async with hub.db.write() as session:
        await expire(session, expired["ticket"], hub)
    answers = [
        await put(hub, door, theirs["ticket"], b"hello", "elsewhere"),
        *[
            await put(hub, door, ticket, b"hello")
            for ticket in (
                expired["ticket"],
                used["ticket"],
                "",
                "x",
                "a/b",
                "%00",
                "é",
                "x" * 9000,
            )
        ],
    ]
    said = []
    for answer in answers:
        (error,) = answer.json()["errors"]
        assert len(error["extensions"].pop("requestId")) == 32
        left = {k: v for k, v in answer.headers.items() if k not in {"x-request-id", "date"}}
        said.append((answer.status_code, error, left))
    assert said == [said[0]] * len(said)
    assert said[0][0] == 404
    assert (await put(hub, door, theirs["ticket"], b"hello", "county")).status_code == 201
    for upload, persona in ((theirs, "elsewhere"), (used, "department")):
        assert (await verified(hub, upload["id"], persona))["code"] == "UNKNOWN_UPLOAD"


async def expire(session: AsyncSession, ticket: str, hub: SampleHub) -> None:
    mine = Upload.ticket_digest == ticket_digest(hub.vault, ticket)
    past = datetime.now(UTC) - timedelta(seconds=1)
    await session.execute(update(Upload).where(mine).values(expires_at=past))


async def test_what_expired_cannot_be_used_and_is_swept(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    upload = await created(hub, 5)
    await put(hub, door, upload["ticket"], b"hello")
    async with hub.db.write() as session:
        await expire(session, upload["ticket"], hub)
    assert (await verified(hub, upload["id"]))["code"] == "UNKNOWN_UPLOAD"
    assert len(await pieces(hub)) == 1
    async with hub.db.write() as session:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        await session.execute(update(Upload).values(expires_at=long_ago))
    await created(hub, 5, "elsewhere")
    assert await pieces(hub) == []


@pytest.mark.parametrize("upload", ["", "x", "VXBsb2FkOjE", "TGljZW5jZTox", "é", "A" * 5000])
async def test_strange_ids_find_nothing(hub: SampleHub, upload: str) -> None:
    found = await verified(hub, upload)
    assert (found["code"], found["path"]) == ("UNKNOWN_UPLOAD", ["input", "upload"])


@pytest.mark.parametrize(
    ("size", "refusal"),
    [(0, "INVALID_INPUT"), (-1, "INVALID_INPUT"), (LARGEST_FILE + 1, "TOO_LONG")],
)
async def test_sizes_that_are_refused(hub: SampleHub, size: int, refusal: str) -> None:
    found = await created(hub, size)
    assert (found["code"], found["path"]) == (refusal, ["input", "size"])


async def test_the_quota_is_the_organisations(hub: SampleHub, door: httpx.AsyncClient) -> None:
    many = await asyncio.gather(*(created(hub, 5) for _ in range(MOST_OPEN + 5)))
    made = [one for one in many if one["__typename"] == "Upload"]
    assert len(made) == MOST_OPEN
    assert {one["code"] for one in many if one not in made} == {"TOO_MANY"}
    assert (await created(hub, 5, "county"))["code"] == "TOO_MANY"
    assert (await created(hub, 5, "elsewhere"))["__typename"] == "Upload"
    await put(hub, door, made[0]["ticket"], b"hello")
    assert (await created(hub, 5))["code"] == "TOO_MANY"
    await verified(hub, made[0]["id"])
    assert (await created(hub, 5))["__typename"] == "Upload"


async def test_it_takes_a_token(hub: SampleHub, door: httpx.AsyncClient) -> None:
    upload = await created(hub, 5)
    answer = await put(hub, door, upload["ticket"], b"hello", "anonymous")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    answer = await put(hub, door, upload["ticket"], b"hello", authorization="Bearer x.y.z")
    assert (answer.status_code, code(answer)) == (401, "UNAUTHENTICATED")
    answer = await put(hub, door, upload["ticket"], b"hello", "citizen")
    assert (answer.status_code, code(answer)) == (404, "NOT_FOUND")


async def test_a_client_that_hangs_up_leaves_the_ticket_as_it_was(
    hub: SampleHub, door: httpx.AsyncClient
) -> None:
    upload = await created(hub, 5_000_000)
    host, port = door.base_url.host, door.base_url.port
    _, writer = await asyncio.open_connection(host, port)
    token = hub.headers("department")["authorization"]
    writer.write(
        f"PUT /uploads/{upload['ticket']} HTTP/1.1\r\nHost: hub\r\nAuthorization: {token}\r\n"
        "Content-Length: 5000000\r\n\r\n".encode()
    )
    writer.write(b"x" * 2_500_000)
    await writer.drain()
    writer.transport.abort()
    await asyncio.sleep(0.2)
    assert await pieces(hub) == []
    assert (await verified(hub, upload["id"]))["code"] == "WRONG_STATE"
    answer = await put(hub, door, upload["ticket"], b"x" * 5_000_000)
    assert answer.status_code == 201


async def test_the_database_is_away(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: ServerUrls
) -> None:
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url) as hub,
    ):
        upload = await created(hub, 5)
        headers, where = hub.headers("department", "en"), f"/uploads/{upload['ticket']}"
        await let_in(server_urls, url, False)
        with capture_logs() as log:
            answer = await hub.http.put(where, content=b"hello", headers=headers)
        assert (answer.status_code, code(answer)) == (503, "SERVICE_UNAVAILABLE")
        assert "retry-after" in answer.headers
        assert [one["event"] for one in log if one["log_level"] == "error"] == []
        assert upload["ticket"] not in answer.text + str(log)
        await let_in(server_urls, url, True)
        answer = await hub.http.put(where, content=b"hello", headers=headers)
        assert answer.status_code == 201


async def let_in(server_urls: ServerUrls, url: str, allowed: bool) -> None:
    """Whether the database takes connections; those that stand are ended if not."""
    name = make_url(url).database
    engine = create_async_engine(
        server_urls.database_admin_url, poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    async with engine.connect() as connection:
        await connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {allowed}'))
        if not allowed:
            end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            end += "WHERE datname = :name AND backend_type = 'client backend'"
            await connection.execute(text(end), {"name": name})
    await engine.dispose()


async def test_memory_is_about_the_files_size(hub: SampleHub, cast: Cast) -> None:
    """20 MB: received in about one and a half times that, verified in less than three times."""
    document = {**a_document(), "Doc_0/Res/scan.bin": os.urandom(19_900_000)}
    content = zipped(signed_parts(cast, "v4", document=document), stored=True)
    assert 19_900_000 < len(content) <= LARGEST_FILE
    upload = await created(hub, len(content))
    tracemalloc.start()
    try:
        assert await sent(hub, upload["ticket"], content) == 201
        received = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        found = await verified(hub, upload["id"])
        examined = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found["verdict"] == "GENUINE"
    assert received < 1.5 * len(content)
    assert examined < 3 * len(content)


async def sent(hub: SampleHub, ticket: str, content: bytes) -> int:
    """The status of a PUT whose body comes in pieces of 64 KB, as a server hands it on."""
    view, status = memoryview(content), 0
    starts = iter(range(0, len(content), 65_536))

    async def receive() -> dict[str, Any]:
        start = next(starts)
        more = start + 65_536 < len(content)
        return {
            "type": "http.request",
            "body": bytes(view[start : start + 65_536]),
            "more_body": more,
        }

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = {**hub.headers("department"), "content-length": str(len(content))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT",
        "path": f"/uploads/{ticket}",
        "raw_path": b"",
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }
    await hub.app(scope, receive, send)
    return status
