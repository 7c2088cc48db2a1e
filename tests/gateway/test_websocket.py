import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from frontdoor import NUMBER, TRUSTED, TRUSTED_QUERY, Hub
from server import serving
from zwhub.gateway.limits import FrontDoor, Profile, SocketLimits
from zwhub.gateway.websocket import PROTOCOL


def narrow(**limits: Any) -> FrontDoor:
    return FrontDoor(profile=Profile.DEVELOPER, socket=SocketLimits(**limits))


@asynccontextmanager
async def dialled(hub: Hub, protocol: str = PROTOCOL, **more: Any) -> AsyncIterator["Line"]:
    async with serving(hub.app()) as address:
        protocols = [Subprotocol(protocol)]
        url = f"ws://{address}/graphql"
        async with connect(url, subprotocols=protocols, **more) as connection:
            yield Line(connection)


@asynccontextmanager
async def greeted(hub: Hub, **payload: Any) -> AsyncIterator["Line"]:
    async with dialled(hub) as line:
        await line.say(type="connection_init", payload=payload)
        assert await line.hear() == {"type": "connection_ack"}
        yield line


class Line:
    """One client's end of a socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def subscribe(self, operation: str, query: str, **more: Any) -> None:
        await self.say(id=operation, type="subscribe", payload={"query": query, **more})

    async def hear(self) -> Any:
        async with asyncio.timeout(60):
            return json.loads(await self.connection.recv())

    async def closed(self) -> tuple[int, str]:
        with suppress(ConnectionClosed):
            while True:
                await self.hear()
        return self.connection.close_code or 0, self.connection.close_reason or ""


def costing(points: float) -> dict[str, Any]:
    return {"extensions": {"cost": {"requestedQueryCost": points}}}


async def test_a_query_a_mutation_and_a_subscription(hub: Hub) -> None:
    async with greeted(hub) as line:
        await line.subscribe("q", "{ node { name } }")
        assert await line.hear() == {
            "id": "q",
            "type": "next",
            "payload": {"data": {"node": {"name": "root"}}, **costing(0.05)},
        }
        assert await line.hear() == {"id": "q", "type": "complete"}
        await line.subscribe("q", "mutation { slow(seconds: 0) }")  # a finished id is free again
        assert (await line.hear())["payload"]["data"] == {"slow": "done"}
        assert (await line.hear())["type"] == "complete"
        await line.subscribe("s", "subscription { count(to: 2) }")
        heard = [await line.hear() for _ in range(3)]
    assert [message.get("payload") for message in heard] == [
        {"data": {"count": 1}, **costing(0)},
        {"data": {"count": 2}, **costing(0)},
        None,
    ]


async def test_a_trusted_document_is_known_here_too(hub: Hub) -> None:
    known = {text: id_ for id_, text in TRUSTED.items()}[TRUSTED_QUERY]
    async with greeted(hub) as line:
        payload = {"documentId": known, "variables": {"name": "n"}}
        await line.say(id="1", type="subscribe", payload=payload)
        assert (await line.hear())["payload"]["data"] == {"node": {"name": "n"}}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nowhere }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($to: Int!) { count(to: $to) }", "BAD_USER_INPUT"),
        ("query($c: Claim!) { claim(claim: $c) }", "BAD_USER_INPUT"),
        ('{ node(name: "\\u0000") { name } }', "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", "OPERATION_RESOLUTION_FAILURE"),
        (
            " ".join(["{", *(f"a{i}: __typename" for i in range(30)), "}"]),
            "DOCUMENT_LIMIT_EXCEEDED",
        ),
    ],
)
async def test_errors_have_the_shape_they_have_over_http(hub: Hub, query: str, code: str) -> None:
    async with greeted(hub) as line:
        await line.subscribe("1", query)
        heard = await line.hear()
        assert heard["type"] == "error"
        assert heard["payload"][0]["extensions"]["code"] == code
        assert heard["payload"][0]["extensions"]["requestId"]
        await line.subscribe("1", "{ __typename }")  # the socket lives on
        assert (await line.hear())["type"] == "next"


async def test_a_fault_is_masked(hub: Hub) -> None:
    with capture_logs() as logs:
        field, source = await _two_faults(hub)
    assert [entry["log_level"] for entry in logs] == ["error", "error"]
    assert field["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert source["type"] == "error"
    assert source["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert NUMBER not in json.dumps([field, source])


async def _two_faults(hub: Hub) -> tuple[Any, Any]:
    """What comes of a field that breaks, and of a source that breaks after one event."""
    async with greeted(hub) as line:
        await line.subscribe("1", "{ broken }")
        field = await line.hear()
        assert (await line.hear())["type"] == "complete"
        await line.subscribe("2", "subscription { breaking }")
        assert (await line.hear())["payload"]["data"] == {"breaking": 1}
        return field, await line.hear()


async def test_ping_is_answered_with_its_payload(hub: Hub) -> None:
    async with dialled(hub) as line:
        await line.say(type="ping", payload={"n": 1})
        assert await line.hear() == {"type": "pong", "payload": {"n": 1}}
        await line.say(type="ping")
        assert await line.hear() == {"type": "pong"}
        await line.say(type="pong")
        await line.say(type="connection_init")
        assert await line.hear() == {"type": "connection_ack"}


async def test_another_protocol_is_closed_with_4406(hub: Hub) -> None:
    async with dialled(hub, protocol="graphql-ws") as line:
        assert await line.closed() == (4406, "Subprotocol not acceptable")


async def test_silence_is_closed_with_4408(hub: Hub) -> None:
    hub.door = narrow(init_seconds=0.1)
    async with dialled(hub) as line:
        assert (await line.closed())[0] == 4408


async def test_pings_do_not_put_the_init_timeout_off(hub: Hub) -> None:
    hub.door = narrow(init_seconds=0.2)
    async with dialled(hub) as line:
        with suppress(ConnectionClosed):
            for _ in range(20):
                await line.say(type="ping")
                await line.hear()
                await asyncio.sleep(0.05)
        assert line.connection.close_code == 4408


async def test_subscribing_before_the_acknowledgement_is_4401(hub: Hub) -> None:
    async with dialled(hub) as line:
        await line.subscribe("1", "{ __typename }")
        assert await line.closed() == (4401, "Unauthorized")


async def test_a_second_init_is_4429(hub: Hub) -> None:
    async with greeted(hub) as line:
        await line.say(type="connection_init")
        assert (await line.closed())[0] == 4429


async def test_an_id_in_use_is_4409(hub: Hub) -> None:
    async with greeted(hub) as line:
        for _ in range(2):
            await line.subscribe("same", "subscription { count(pause: 10) }")
        assert await line.closed() == (4409, "Subscriber for same already exists")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "null",
        "[]",
        '"ping"',
        "{}",
        '{"type": 1}',
        '{"type": "start"}',
        '{"type": "ping", "payload": 1}',
        '{"type": "ping", "type": "ping"}',
        '{"type": "subscribe", "id": "1"}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{a}"}}',
        '{"type": "subscribe", "id": 1, "payload": {"query": "{a}"}}',
        '{"type": "subscribe", "payload": {"query": "{a}"}}',
        '{"type": "complete"}',
        "[" * 9_000,
        b"{}",
    ],
)
async def test_a_message_outside_the_protocol_is_4400(hub: Hub, message: str | bytes) -> None:
    async with greeted(hub) as line:
        await line.connection.send(message)
        assert (await line.closed())[0] == 4400


async def test_a_message_too_big_is_1009(hub: Hub) -> None:
    hub.door = narrow(message_bytes=1_000)
    async with greeted(hub) as line:
        await line.connection.send(" " * 1_001)
        assert (await line.closed())[0] == 1009


async def test_a_message_of_too_many_values_is_1009(hub: Hub) -> None:
    async with greeted(hub) as line:
        await line.connection.send('{"type":"ping","payload":{"a":[' + "{}," * 9_999 + "{}]}}")
        assert (await line.closed())[0] == 1009


async def test_the_token_may_come_with_the_init(hub: Hub) -> None:
    async with greeted(hub, authorization="Bearer clerk") as line:
        await line.subscribe("1", "{ caller }")
        assert (await line.hear())["payload"]["data"]["caller"].startswith("clerk-1 ")


async def test_or_with_the_handshake(hub: Hub) -> None:
    async with dialled(hub, additional_headers={"Authorization": "Bearer clerk"}) as line:
        await line.say(type="connection_init")
        await line.hear()
        await line.subscribe("1", "{ caller }")
        assert (await line.hear())["payload"]["data"]["caller"].startswith("clerk-1 ")


@pytest.mark.parametrize(
    ("token", "code"), [("Bearer nobody", 4403), (7, 4400), ("Bearer broken", 1011)]
)
async def test_a_bad_token_closes_the_socket(hub: Hub, token: object, code: int) -> None:
    async with dialled(hub) as line:
        await line.say(type="connection_init", payload={"Authorization": token})
        closed = await line.closed()
    assert closed[0] == code
    assert NUMBER not in closed[1]


async def test_the_end_of_the_token_is_the_end_of_the_socket(hub: Hub) -> None:
    async with greeted(hub, Authorization="Bearer brief") as line:
        await line.subscribe("1", "subscription { count(to: 100, pause: 0.05) }")
        assert await line.closed() == (4401, "Token expired")
    assert hub.happened[-1] == "subscription ended"


async def test_complete_stops_a_subscription(hub: Hub) -> None:
    async with greeted(hub) as line:
        await line.subscribe("1", "subscription { count(to: 100, pause: 0.01) }")
        await line.hear()
        await line.say(id="1", type="complete")
        await line.say(id="nobody", type="complete")
        await line.subscribe("2", "{ __typename }")
        while (await line.hear())["id"] == "1":
            pass
        assert hub.happened[-1] == "subscription ended"
        assert "event 100" not in hub.happened


async def test_hanging_up_stops_what_runs_except_mutations(hub: Hub) -> None:
    async with greeted(hub) as line:
        await line.subscribe("1", "subscription { count(to: 100, pause: 0.01) }")
        await line.subscribe("2", "{ slow }")
        await line.subscribe("3", "mutation { slow(seconds: 0.3) }")
        await asyncio.sleep(0.1)
        await line.connection.close()
        await asyncio.sleep(0.4)
    assert {"subscription ended", "query cancelled", "mutation ended"} <= set(hub.happened)


async def test_operations_are_capped_per_connection(hub: Hub) -> None:
    hub.door = narrow(operations=2)
    async with greeted(hub) as line:
        for operation in ("1", "2", "3"):
            await line.subscribe(operation, "subscription { count(pause: 10) }")
        heard = await line.hear()
    assert (heard["id"], heard["type"]) == ("3", "error")
    assert heard["payload"][0]["extensions"]["code"] == "TOO_MANY_REQUESTS"


async def test_connections_are_capped(hub: Hub) -> None:
    hub.door = narrow(connections=0)
    async with dialled(hub) as line:
        assert (await line.closed())[0] == 1013


async def test_a_foreign_page_is_not_let_in(hub: Hub) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(hub, origin=Origin("https://elsewhere.example")):
            pass
    assert refused.value.response.status_code == 403


async def test_a_listed_page_is(hub: Hub) -> None:
    hub.door = FrontDoor(allowed_origins=frozenset({"https://portal.example"}))
    async with dialled(hub, origin=Origin("https://portal.example")) as line:
        await line.say(type="connection_init")
        assert await line.hear() == {"type": "connection_ack"}


async def test_and_so_is_our_own(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        own, protocols = Origin(f"http://{address}"), [Subprotocol(PROTOCOL)]
        async with connect(f"ws://{address}/graphql", subprotocols=protocols, origin=own) as line:
            assert line.subprotocol == PROTOCOL


async def test_a_slow_reader_slows_the_source(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        url, protocols = f"ws://{address}/graphql", [Subprotocol(PROTOCOL)]
        narrow_line: dict[str, Any] = {"max_queue": 1, "compression": None, "close_timeout": 0}
        async with connect(url, subprotocols=protocols, **narrow_line) as connection:
            line = Line(connection)
            await line.say(type="connection_init")
            await line.hear()
            await line.subscribe("1", "subscription { heavy }")
            produced = -1
            while produced != len(hub.happened):  # until the source stands still
                produced = len(hub.happened)
                await asyncio.sleep(0.2)
    assert 0 < produced < 1_000


async def test_sockets_are_counted(hub: Hub) -> None:
    async with greeted(hub):
        assert hub.registry.get_sample_value("zwhub_graphql_websockets") == 1
    assert hub.registry.get_sample_value("zwhub_graphql_websockets") == 0
