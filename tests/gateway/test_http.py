import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from frontdoor import NUMBER, TRUSTED, TRUSTED_MUTATION, TRUSTED_QUERY, Hub
from server import serving
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.respond import GRAPHQL_JSON, PLAIN_JSON

REQUEST = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"
MODERN = {"accept": GRAPHQL_JSON}
TRUSTED_IDS = {text: id_ for id_, text in TRUSTED.items()}


def client(hub: Hub) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(hub.app()), base_url="http://hub")


async def ask(http: httpx.AsyncClient, query: str, **more: Any) -> httpx.Response:
    headers = {**MODERN, **more.pop("headers", {})}
    return await http.post("/graphql", json={"query": query, **more}, headers=headers)


def code(answer: httpx.Response) -> str:
    found: str = answer.json()["errors"][0]["extensions"]["code"]
    return found


async def test_an_answer_is_not_cached_sniffed_or_anonymous(http: httpx.AsyncClient) -> None:
    answer = await ask(http, "{ node { name } }", headers={"x-request-id": REQUEST})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"node": {"name": "root"}}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == REQUEST
    assert answer.headers["content-type"] == f"{GRAPHQL_JSON}; charset=utf-8"


@pytest.mark.parametrize(
    "strange", ["a b\tc", "r1", f"{NUMBER:0>31}", "g" * 32, "0" * 37, "A" * 32]
)
async def test_a_strange_request_id_is_replaced(http: httpx.AsyncClient, strange: str) -> None:
    answer = await ask(http, "{ nowhere }", headers={"x-request-id": strange})
    fresh = answer.headers["x-request-id"]
    assert len(fresh) == 32
    assert fresh != strange
    assert answer.json()["errors"][0]["extensions"]["requestId"] == fresh


async def test_resolvers_see_the_caller_the_language_and_the_request(
    http: httpx.AsyncClient,
) -> None:
    headers = {"authorization": "Bearer clerk", "accept-language": "en", "x-request-id": REQUEST}
    answer = await ask(http, "{ caller }", headers=headers)
    assert answer.json()["data"]["caller"] == f"clerk-1 en {REQUEST}"


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        (None, 400, PLAIN_JSON),
        ("*/*", 400, PLAIN_JSON),
        ("application/json", 200, PLAIN_JSON),
        (GRAPHQL_JSON, 400, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/json;q=0.9", 400, GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=0.1, application/json", 200, PLAIN_JSON),
        ("application/json;q=0, */*", 400, PLAIN_JSON),
        ("text/html", 406, PLAIN_JSON),
        ("application/json;q=x", 406, PLAIN_JSON),
    ],
)
async def test_the_media_type_decides_the_status_of_a_bad_document(
    hub: Hub, accept: str | None, status: int, media: str
) -> None:
    async with client(hub) as http:
        del http.headers["accept"]
        headers = {} if accept is None else {"accept": accept}
        answer = await http.post("/graphql", json={"query": "{ nowhere }"}, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(media)
    assert answer.json()["errors"]


async def test_strict_statuses() -> None:
    async with client(Hub(FrontDoor(strict_status=True))) as http:
        assert (await ask(http, "{")).status_code == 400
        assert (await ask(http, "{ nowhere }")).status_code == 422
        assert (await ask(http, "{ node { name } broken }")).status_code == 294
        assert (await ask(http, "{ node { name } }")).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_told_which_ones_are_served(
    http: httpx.AsyncClient, method: str
) -> None:
    answer = await http.request(method, "/graphql")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json; charset=gbk"},
        {"content-type": "application/json", "content-encoding": "gzip"},
        {},
    ],
)
async def test_only_plain_json_is_read(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await http.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert answer.status_code == 415
    assert code(answer) == "UNSUPPORTED_MEDIA_TYPE"


async def test_get_runs_a_trusted_query(http: httpx.AsyncClient) -> None:
    query = {"documentId": f"sha256:{TRUSTED_IDS[TRUSTED_QUERY]}", "variables": '{"name":"n"}'}
    answer = await http.get("/graphql", params=query)
    assert answer.json()["data"] == {"node": {"name": "n"}}


async def test_get_never_runs_a_mutation(http: httpx.AsyncClient, hub: Hub) -> None:
    answer = await http.get("/graphql", params={"documentId": TRUSTED_IDS[TRUSTED_MUTATION]})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert hub.happened == []


async def test_in_production_get_needs_a_document_id() -> None:
    async with client(Hub(FrontDoor())) as http:
        assert (await http.get("/graphql", params={"query": "{ caller }"})).status_code == 405
        known = {"documentId": TRUSTED_IDS[TRUSTED_QUERY], "variables": '{"name":"n"}'}
        assert (await http.get("/graphql", params=known)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "query={a}&query={b}",
        "query=%ff",
        "documentId=1&query={a}",
        "variables={}",
        "query={__typename}&variables=[1]",
        "query={__typename}&variables=null1",
        "&".join(f"a{number}=1" for number in range(20)),
    ],
)
async def test_a_malformed_query_string_is_a_400(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(f"/graphql?{query}")
    assert answer.status_code == 400
    assert code(answer) == "BAD_REQUEST"


async def test_a_bad_token_is_401_with_a_challenge(http: httpx.AsyncClient) -> None:
    answer = await ask(http, "{ caller }", headers={"authorization": "Bearer nobody"})
    assert answer.status_code == 401
    assert code(answer) == "UNAUTHENTICATED"
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("token", "status", "expected"),
    [("busy", 429, "TOO_MANY_REQUESTS"), ("banned", 403, "FORBIDDEN")],
)
async def test_a_caller_may_be_kept_out(
    http: httpx.AsyncClient, token: str, status: int, expected: str
) -> None:
    answer = await ask(http, "{ caller }", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, code(answer)) == (status, expected)


async def test_our_own_fault_says_nothing(http: httpx.AsyncClient) -> None:
    with capture_logs(processors=[merge_contextvars]) as logs:
        answer = await ask(http, "{ caller }", headers={"authorization": "Bearer broken"})
    assert answer.status_code == 500
    assert NUMBER not in answer.text
    (entry,) = logs
    assert entry["exc_info"]
    assert entry["request_id"] == answer.headers["x-request-id"]


async def test_a_resolver_s_fault_is_masked_and_logged(http: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        answer = await ask(http, "{ node { name } broken }", headers={"accept-language": "en"})
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["path"] == ["broken"]
    assert error["message"].startswith("Internal error")
    assert answer.json()["data"] == {"node": {"name": "root"}, "broken": None}
    assert NUMBER not in answer.text
    assert [(entry["field"], entry["exc_info"][0]) for entry in logs] == [("broken", RuntimeError)]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("NOT_ALLOWED", "FORBIDDEN"),
        ("UNAUTHENTICATED", "UNAUTHENTICATED"),
        ("TOO_LONG", "BAD_USER_INPUT"),
    ],
)
async def test_a_refusal_keeps_its_words(
    http: httpx.AsyncClient, reason: str, expected: str
) -> None:
    for language, words in (("zh-CN", "不行"), ("en-GB,en;q=0.9", "no")):
        headers = {"accept-language": language}
        query = "query($r: String!) { refused(reason: $r) }"
        answer = await ask(http, query, variables={"r": reason}, headers=headers)
        (error,) = answer.json()["errors"]
        assert error["message"] == words
        assert error["extensions"]["code"] == expected
        assert error["extensions"]["inputPath"] == ["input", "purpose"]


async def test_an_error_raised_on_purpose_passes(http: httpx.AsyncClient) -> None:
    (error,) = (await ask(http, "{ told }")).json()["errors"]
    assert error["message"] == "said on purpose"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ({"number": NUMBER, "purpose": "x"}, "$c.number"),
        ({"number": 1, "purpose": {"a": NUMBER}}, "$c.purpose"),
        ({"purpose": NUMBER}, "'number'"),
        ({"number": 1, "purpose": "x", NUMBER: 1}, "Claim"),
        ([NUMBER, NUMBER], "$c"),
        (NUMBER, "$c"),
        (None, "$c does not fit: it must not be null (type Claim!)"),
    ],
)
async def test_a_bad_variable_is_named_and_never_quoted(
    http: httpx.AsyncClient, claim: object, told: str
) -> None:
    query = "query($c: Claim!) { claim(claim: $c) }"
    answer = await ask(http, query, variables={"c": claim}, headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert code(answer) == "BAD_USER_INPUT"
    assert "data" not in answer.json()
    assert NUMBER not in answer.text
    assert told in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "document",
    [
        f'{{ claim(claim: {{number: "{NUMBER}", purpose: "x"}}) }}',
        f'{{ claim(claim: {{number: 1, purpose: ["{NUMBER}"]}}) }}',
        f'{{ number(of: "{NUMBER}") }}',
        f"{{ number(of: {NUMBER}) }}",
        f'{{ node "{NUMBER}" }}',
        f"{{ node {NUMBER} }}",
        f'{{ by(by: {{name: "{NUMBER}", number: 1}}) }}',
        f'query($n: Int = "{NUMBER}") {{ number(of: $n) }}',
    ],
)
async def test_a_bad_literal_is_never_quoted(http: httpx.AsyncClient, document: str) -> None:
    answer = await ask(http, document)
    assert answer.status_code == 400
    assert code(answer) in {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"}
    assert NUMBER not in answer.text


async def test_an_argument_that_does_not_fit_at_last_is_never_quoted(
    http: httpx.AsyncClient,
) -> None:
    query = "query($n: Int = 1, $p: String!) { claim(claim: {number: $n, purpose: $p}) }"
    answer = await ask(http, query, variables={"n": None, "p": NUMBER})
    assert code(answer) == "BAD_USER_INPUT"
    assert NUMBER not in answer.text


async def test_one_of_holds_for_variables_too(http: httpx.AsyncClient) -> None:
    query, both = "query($by: By!) { by(by: $by) }", {"name": "a", "number": 1}
    assert code(await ask(http, query, variables={"by": both})) == "BAD_USER_INPUT"
    answer = await ask(http, query, variables={"by": {"name": "a"}})
    assert answer.json()["data"] == {"by": "a"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{ by(by: {name: $x}) }", 400),
        ("query($x: String) { by(by: {name: $x}) }", 400),
        ("{ by(by: {}) }", 400),
        ("{ by(by: {name: null}) }", 400),
        ('{ by(by: {name: "a", number: 1}) }', 400),
        ("fragment F on Query { by(by: {name: $x}) } query($x: String!) { ...F }", 200),
    ],
)
async def test_one_of_holds_wherever_its_variable_is_defined(
    http: httpx.AsyncClient, query: str, status: int
) -> None:
    answer = await ask(http, query, variables={"x": "a"})
    assert answer.status_code == status
    assert answer.json().get("data") == ({"by": "a"} if status == 200 else None)


async def test_the_anonymous_in_production_see_no_schema_and_no_suggestion() -> None:
    async with client(Hub(FrontDoor(profile=Profile.PRODUCTION))) as http:
        typo = await ask(http, "{ nod { name } }")
        schema = await ask(http, get_introspection_query())
        known = {"authorization": "Bearer clerk"}
        assert "Did you mean" not in typo.text
        assert "Did you mean" in (await ask(http, "{ nod { name } }", headers=known)).text
        assert code(schema) == "GRAPHQL_VALIDATION_FAILED"
        assert "data" in (await ask(http, get_introspection_query(), headers=known)).json()
        assert (await ask(http, "{ __typename }")).status_code == 200


async def test_introspection_is_whole_for_developers(http: httpx.AsyncClient) -> None:
    answer = await ask(http, get_introspection_query())
    assert "errors" not in answer.json()


async def test_a_subscription_is_sent_elsewhere(http: httpx.AsyncClient) -> None:
    answer = await ask(http, "subscription { count }")
    assert answer.status_code == 400
    assert "graphql-transport-ws" in answer.text


async def test_what_takes_too_long_is_stopped(hub: Hub) -> None:
    hub.door = FrontDoor(execution_seconds=0.05)
    async with client(hub) as http:
        answer = await ask(http, "{ slow }")
    assert answer.status_code == 503
    assert code(answer) == "EXECUTION_TIMEOUT"
    assert hub.happened == ["query began", "query cancelled"]


async def test_metrics_count_kinds_and_outcomes_and_name_nobody(http: httpx.AsyncClient) -> None:
    for _ in range(2):
        await ask(http, "query NamedAfterSomebody { node { name } }")
    await ask(http, "{ broken }")
    await ask(http, "{ nowhere }")
    text = (await http.get("/metrics")).text
    assert 'zwhub_graphql_requests_total{operation="query",outcome="ok"} 2.0' in text
    assert 'zwhub_graphql_requests_total{operation="query",outcome="fault"} 1.0' in text
    assert 'zwhub_graphql_requests_total{operation="none",outcome="refused"} 1.0' in text
    assert 'zwhub_graphql_documents_total{result="hit"} 1.0' in text
    assert "NamedAfterSomebody" not in text


# What only a real connection shows.


async def exchange(address: str, *pieces: bytes, pause: float = 0) -> bytes:
    """Write the pieces, one by one, and read until the server closes or answers."""
    host, _, port = address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer += await reader.readexactly(length)
    writer.close()
    return answer


HEAD = b"POST /graphql HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_a_chunked_body_has_no_length_to_trust_and_is_counted(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        pieces = [chunk(b" " * 100_000)] * 11
        answer = await exchange(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *pieces)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"BODY_TOO_LARGE" in answer


async def test_a_chunked_body_within_the_limit_is_read(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        pieces = [chunk(b'{"query":'), chunk(b'"{__typename}"}'), chunk(b"")]
        answer = await exchange(address, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *pieces)
    assert b'{"data":{"__typename":"Query"}' in answer


async def test_a_slow_body_is_not_waited_for(hub: Hub) -> None:
    hub.door = FrontDoor(body_seconds=0.1)
    async with serving(hub.app()) as address:
        answer = await exchange(address, HEAD + b"Content-Length: 100\r\n\r\n", b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"REQUEST_TIMEOUT" in answer


async def hang_up(address: str, query: str, after: float) -> None:
    host, _, port = address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"query": query}).encode()
    writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    await asyncio.sleep(after)
    writer.close()
    await writer.wait_closed()


async def settled(hub: Hub, events: int) -> AsyncIterator[None]:
    for _ in range(100):
        if len(hub.happened) >= events:
            return
        await asyncio.sleep(0.02)
        yield


async def test_a_query_ends_when_its_caller_hangs_up(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        await hang_up(address, "{ slow }", after=0.2)
        async for _ in settled(hub, events=2):
            pass
    assert hub.happened == ["query began", "query cancelled"]
    assert (
        hub.registry.get_sample_value(
            "zwhub_graphql_requests_total", {"operation": "query", "outcome": "gone"}
        )
        == 1
    )


async def test_a_mutation_does_not(hub: Hub) -> None:
    async with serving(hub.app()) as address:
        await hang_up(address, "mutation { slow(seconds: 0.4) }", after=0.1)
        async for _ in settled(hub, events=2):
            pass
    assert hub.happened == ["mutation began", "mutation ended"]
