"""Connections (连接) of those who never come to the point."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from server import serving
from zwhub.cli import connection
from zwhub.cli.connection import MOST_HEAD_BYTES

HEAD = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).accept()
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return
    body = await Request(scope, receive).body()
    await PlainTextResponse(body)(scope, receive, send)


class Caller:
    """What was sent, and all that came back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def hear(self, end: bytes) -> bytes:
        async with asyncio.timeout(60):
            return await self._reader.readuntil(end)

    async def hear_all(self) -> bytes:
        async with asyncio.timeout(60):
            return await self._reader.read()


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with serving(echo) as address:
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        yield Caller(reader, writer)
        writer.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.5)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("said", [b"", b"\r\n\r\n", b"POST", HEAD, HEAD + b"x: "])
async def test_a_head_that_never_ends_is_hung_up_on(said: bytes, caller: Caller) -> None:
    await caller.say(said)
    assert (await caller.hear_all()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("said", [b"\r\n\r\n", b"POST", HEAD])
async def test_nor_does_a_second_one(said: bytes, caller: Caller) -> None:
    await caller.say(HEAD + b"\r\nhello")
    assert (await caller.hear(b"hello")).startswith(b"HTTP/1.1 200 ")
    await caller.say(said)
    assert (await caller.hear_all()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("hurried")
async def test_a_body_may_take_longer(caller: Caller) -> None:
    await caller.say(HEAD + b"\r\nhel")
    await asyncio.sleep(1)
    await caller.say(b"lo" + HEAD)
    assert (await caller.hear(b"hello")).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("endless", [b"x" * 4_096, b"x: y\r\n" * 700])
async def test_a_head_without_end_is_too_large(endless: bytes, caller: Caller) -> None:
    async def go_on() -> None:
        for _ in range(50 * MOST_HEAD_BYTES // len(endless)):
            await caller.say(endless)
            await asyncio.sleep(0)

    await caller.say(HEAD + b"long: ")
    with pytest.raises(ConnectionError):
        await go_on()


async def test_it_is_told_so(caller: Caller) -> None:
    await caller.say(HEAD + b"long: " + b"x" * (MOST_HEAD_BYTES + 1))
    assert (await caller.hear_all()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.usefixtures("hurried")
async def test_a_websocket_is_none_of_its_business() -> None:
    async with serving(echo) as address, connect(f"ws://{address}/") as socket:
        await asyncio.sleep(1.5)
        async with asyncio.timeout(60):
            await (await socket.ping())


OFFER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"


@pytest.mark.parametrize("cut", [0, 5, len(HEAD + OFFER), len(HEAD + OFFER) + 4])
async def test_an_upgrade_that_is_declined_costs_no_body(cut: int, caller: Caller) -> None:
    """As Java's HttpClient asks first; what follows is asked without the offer."""
    request = HEAD + OFFER + b"\r\nhello"
    await caller.say(request[:cut])
    await asyncio.sleep(0.1)
    await caller.say(request[cut:])
    assert (await caller.hear(b"hello")).startswith(b"HTTP/1.1 200 ")
    await caller.say(HEAD + b"\r\nagain")
    assert (await caller.hear(b"again")).startswith(b"HTTP/1.1 200 ")


async def test_requests_behind_one_another_are_answered(caller: Caller) -> None:
    await caller.say((HEAD + b"\r\nhello") * 3 + (HEAD + b"\r\nbye  "))
    assert (await caller.hear(b"bye  ")).count(b"hello") == 3
