"""`PUT /uploads/{ticket}` (上传入口): what is refused, when, and in which words."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from server import serving
from zwhub.gateway.limits import UploadLimits
from zwhub.gateway.uploads import UploadEndpoint
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.files.examine import LARGEST_FILE

UNTIL = datetime(2026, 3, 1, 12, tzinfo=UTC)
SYSTEM = Actor("department-1", Persona.DEPARTMENT)


class Box:
    """A simulated inbox: one ticket, `t`; it remembers what was kept, and how many are at it."""

    def __init__(self, size: int = 5, gate: asyncio.Event | None = None) -> None:
        self.size, self.gate = size, gate
        self.kept: list[bytes] = []
        self.began = 0
        self._octets = b""

    async def delivery(self, ticket: str, actor: Actor, now: datetime) -> "Box":
        assert actor is SYSTEM
        if ticket != "t":
            raise Refused(Reason.UNKNOWN_UPLOAD, Words("没有", "none"))
        return self

    def add(self, octets: bytes) -> None:
        self._octets += octets

    async def keep(self, now: datetime) -> datetime:
        self.began += 1
        if self.gate is not None:
            await self.gate.wait()
        self.kept.append(self._octets)
        return UNTIL


async def callers(authorization: str | None) -> Actor:
    return SYSTEM


def app(box: Box, **limits: Any) -> Starlette:
    return Starlette(routes=[UploadEndpoint(box, callers, UploadLimits(**limits)).route()])


def client(box: Box, **limits: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app(box, **limits))
    return httpx.AsyncClient(transport=transport, base_url="http://hub")


def code(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    assert error["extensions"]["requestId"] == answer.headers["x-request-id"]
    return str(error["extensions"]["code"])


def test_the_door_lets_in_what_is_examined() -> None:
    assert UploadLimits().bytes == LARGEST_FILE
    assert UploadLimits().time_for(LARGEST_FILE) == 90


async def test_what_is_taken() -> None:
    box = Box()
    async with client(box) as http:
        answer = await http.put("/uploads/t", content=b"hello")
    assert answer.status_code == 201
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    usable = "2026-03-01T20:00:00+08:00"
    assert answer.json() == {"size": 5, "sha256": digest, "usableUntil": usable}
    assert answer.headers["cache-control"] == "no-store"
    assert box.kept == [b"hello"]


@pytest.mark.parametrize(
    ("change", "status", "refusal"),
    [
        ({"method": "POST"}, 405, "METHOD_NOT_ALLOWED"),
        ({"method": "GET", "content": b""}, 405, "METHOD_NOT_ALLOWED"),
        ({"url": "/uploads/T"}, 404, "NOT_FOUND"),
        ({"url": "/uploads/"}, 404, "NOT_FOUND"),
        ({"content": b""}, 400, "BAD_REQUEST"),
        ({"content": b"hell"}, 400, "BAD_REQUEST"),
        ({"content": b"hello!"}, 400, "BAD_REQUEST"),
        ({"content": b"x" * 101}, 413, "BODY_TOO_LARGE"),
        ({"headers": {"content-length": "4"}}, 400, "BAD_REQUEST"),
        ({"headers": {"content-length": "-5"}}, 400, "BAD_REQUEST"),
        ({"headers": {"content-length": "5, 5"}}, 400, "BAD_REQUEST"),
        ({"headers": {"content-length": "9" * 5000}}, 413, "BODY_TOO_LARGE"),
        ({"headers": {"content-encoding": "gzip"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"headers": {"content-type": "text/plain"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            {"headers": {"content-type": "multipart/form-data; boundary=x"}},
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ],
)
async def test_what_is_refused(change: dict[str, Any], status: int, refusal: str) -> None:
    box = Box()
    request = {"method": "PUT", "url": "/uploads/t", "content": b"hello", **change}
    async with client(box, bytes=100) as http:
        answer = await http.request(**request)
    assert (answer.status_code, code(answer)) == (status, refusal)
    assert answer.headers["connection"] == "close"
    assert box.kept == []


async def test_it_speaks_both_languages() -> None:
    async with client(Box()) as http:
        messages = [
            (await http.put("/uploads/t", content=b"x", headers={"accept-language": one})).json()
            for one in ("zh-CN", "en")
        ]
    zh, en = (one["errors"][0]["message"] for one in messages)
    assert (zh, en) == (
        "长度与申请时不符：应为 5 字节",
        "Not the announced length, which is 5 bytes",
    )


@pytest.mark.parametrize("pieces", [(b"hel",), (b"hello", b"!"), (b"hello!", b"")])
async def test_a_server_that_hands_on_another_length_is_not_believed(
    pieces: tuple[bytes, ...],
) -> None:
    async def body() -> Any:
        for one in pieces:
            yield one

    box = Box()
    async with client(box) as http:
        headers = {"content-length": "5"}
        answer = await http.put("/uploads/t", content=body(), headers=headers)
    assert (answer.status_code, code(answer)) == (400, "BAD_REQUEST")
    assert box.kept == []


# What only a real connection shows.


async def exchange(address: str, *pieces: bytes) -> bytes:
    """Write the pieces, and read one answer or until the server closes."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        answer += await reader.readexactly(length)
    writer.close()
    return answer


def head(*lines: str) -> bytes:
    return "\r\n".join(("PUT /uploads/t HTTP/1.1", "Host: hub", *lines, "", "")).encode()


async def test_a_chunked_body_has_no_length() -> None:
    async with serving(app(box := Box())) as address:
        chunked = head("Transfer-Encoding: chunked")
        answer = await exchange(address, chunked, b"5\r\nhello\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 411")
    assert b"LENGTH_REQUIRED" in answer
    assert box.kept == []


async def test_a_byte_too_many_is_refused_before_it_comes() -> None:
    async with serving(app(Box())) as address:
        waiting = head(f"Content-Length: {LARGEST_FILE + 1}", "Expect: 100-continue")
        answer = await exchange(address, waiting)
        assert answer.startswith(b"HTTP/1.1 413")
        sending = head(f"Content-Length: {LARGEST_FILE + 1}")
        answer = await exchange(address, sending, b"x" * (LARGEST_FILE + 1))
        assert answer.startswith(b"HTTP/1.1 413")


async def test_who_waits_to_be_asked_is_asked() -> None:
    async with serving(app(box := Box())) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head("Content-Length: 5", "Expect: 100-continue"))
        assert (await reader.readline()).startswith(b"HTTP/1.1 100")
        writer.write(b"hello")
        await reader.readline()
        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        writer.close()
    assert box.kept == [b"hello"]


async def test_a_longer_body_is_another_request() -> None:
    """What comes after the stated length belongs to no upload."""
    async with serving(app(box := Box())) as address:
        answer = await exchange(address, head("Content-Length: 5"), b"hello and more\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 201", b"HTTP/1.1 400"))
    assert box.kept in ([b"hello"], [])


async def test_a_slow_body_is_not_waited_for() -> None:
    async with serving(app(box := Box(), seconds=0.1)) as address:
        answer = await exchange(address, head("Content-Length: 5"), b"hel")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"REQUEST_TIMEOUT" in answer
    assert box.kept == []


async def test_many_at_once_wait_for_their_turn() -> None:
    gate = asyncio.Event()
    box = Box(gate=gate)
    async with client(box, at_once=2, wait_seconds=5) as http:
        waiting = [asyncio.create_task(http.put("/uploads/t", content=b"hello")) for _ in range(5)]
        await until(lambda: box.began == 2)
        await asyncio.sleep(0.05)
        assert box.began == 2
        gate.set()
        answers = await asyncio.gather(*waiting)
    assert box.began == 5
    assert answers[0].status_code == 201


async def test_too_many_at_once_are_told_to_come_back() -> None:
    gate = asyncio.Event()
    box = Box(gate=gate)
    async with client(box, at_once=1, wait_seconds=0.05) as http:
        first = asyncio.create_task(http.put("/uploads/t", content=b"hello"))
        await until(lambda: box.began == 1)
        second = await http.put("/uploads/t", content=b"hello")
        gate.set()
        assert (await first).status_code == 201
    assert (second.status_code, code(second)) == (503, "SERVICE_UNAVAILABLE")
    assert second.headers["retry-after"] == "10"


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not done():  # noqa: ASYNC110 - what is simulated has no event
            await asyncio.sleep(0.01)
