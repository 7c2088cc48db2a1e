"""Privacy (隐私): nothing personal or secret in logs, metrics, errors or cache keys."""

import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import httpx
import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy import make_url, text

from builders import Issuer, a_citizen_number, a_holder, altered, trusting
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, SampleCity, SampleHub, a_hub
from servers import FreshDatabase, ServerUrls
from zwhub.platform.telemetry import start_logging

NAME = "欧阳听雨"
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b")
FILE_PATH = re.compile(r"/(work|home|root|usr|tmp|var)/|site-packages|\.py\b")
JWS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+")


@dataclass
class Heard:
    """What the hub said while it was at work: its log, and every error it answered."""

    log: io.StringIO
    errors: list[object]

    def everything(self) -> str:
        return self.log.getvalue() + str(self.errors)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log of everything, at level debug; as it was before afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    start_logging("debug", stream=stream)
    client = logging.getLogger("httpx")  # the test's own voice, not the hub's
    client.setLevel(logging.WARNING)
    yield stream
    client.setLevel(logging.NOTSET)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
async def talkative(
    log: io.StringIO,
    sample_city: SampleCity,
    fresh_database: FreshDatabase,
    server_urls: ServerUrls,
) -> AsyncIterator[tuple[SampleHub, str]]:
    """A hub that began to log before it was made, and the address of its database."""
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url) as hub,
    ):
        yield hub, url


async def good_and_bad(hub: SampleHub, issuer: Issuer, number: str) -> list[object]:
    """A series of operations with a person's data in every place; the errors among the answers."""
    record = issuer.a_licence(number=number, holders=[a_holder(NAME, number)])
    wrong = issuer.a_licence(holders=[a_holder(NAME, number[:17] + "?")])
    claim = {"code": number, "name": NAME}
    collected = await hub.ask(
        "collect-licences",
        "department",
        input={"records": [{"jws": one} for one in (record, wrong, altered(record, name=NAME), NAME)]},
    )  # fmt: skip
    results: list[object] = [
        one["problems"] for one in collected["data"]["collectLicences"]["records"]
    ]
    for asked in (
        {"number": number},
        {"number": number, "holder": claim},
        {"jws": altered(record, name=NAME)},
        {"jws": number},
        {"number": number, "purpose": ""},
        {"number": number, "asOf": "2999-01-01T00:00:00Z"},
    ):
        found = await hub.verify(**asked)
        results.append([found.get("checks"), found.get("message"), found.get("path")])
    by = f'{{ licence(by: {{number: "{number}"}}) {{ number surface {{ value }} }} }}'
    shop = 'query($h: String!) { licenceSupermarket(input: {itemCodes: ["1"], holder: {code: $h}})'
    shop += " { __typename ... on UserError { message path } } }"
    return [
        *results,
        *[(await hub.ask(by, persona)).get("errors") for persona in ("department", "clerk")],
        await hub.ask(shop, "department", h=number),
        await hub.ask(shop, "citizen", h=number),
        await hub.ask(shop, "citizen", h=[number, NAME]),
        await hub.ask("query($n: Int!) { node(id: $n) { id } }", "citizen", n=number),
        await hub.ask(f'{{ items(first: "{number}") {{ edges {{ cursor }} }} }}', "citizen"),
        await hub.ask(f'{{ workingDays(from: "{number}", days: 1) {{ dueOn }} }}', "citizen"),
        await hub.ask("items", "citizen", first=1, after=number),
        await hub.ask("verify-licence", "department", input={"licence": number, "purpose": NAME}),
    ]


async def raw_calls(hub: SampleHub, number: str) -> list[object]:
    """Requests that are refused before any resolver sees them."""
    token = hub.city.sandbox.token("citizen")
    broken = {"authorization": f"Bearer {token[:-4]}"}
    answers: list[httpx.Response] = [
        await hub.http.post("/graphql", json={"query": "{a}"}, headers=broken),
        await hub.http.post("/graphql", content=f'{{"query": {number}'.encode()),
        await hub.http.post("/graphql", json={"query": f"{{ a {number} }}"}),
        await hub.http.post("/graphql", json={"documentId": number}),
        await hub.http.get("/graphql", params={"query": f'{{ item(by: {{code: "{number}"}})'}),
        await hub.http.post("/oauth/token", data={"client_assertion": token, "scope": number}),
        await hub.http.get(f"/{number}"),
    ]
    return [one.text for one in answers]


async def break_the_database(hub: SampleHub) -> None:
    async with hub.db.write() as session:
        await session.execute(text("ALTER TABLE verifications RENAME TO elsewhere"))


def must_stay_secret(hub: SampleHub, url: str, number: str) -> list[str]:
    people = [CITIZEN, CITIZEN_NAME, ENTERPRISE, number, NAME]
    tokens = [hub.city.sandbox.token(key).split(".")[2] for key in ("citizen", "department")]
    address = make_url(url)
    secrets = [str(hub.city.data_dir), address.database or "?", address.password or url]
    return [*people, *tokens, *secrets]


async def test_what_is_said_holds_nothing_personal_or_secret(
    talkative: tuple[SampleHub, str], log: io.StringIO, issuer_keys: dict[object, Issuer]
) -> None:
    hub, url = talkative
    issuer, number = next(iter(issuer_keys.values())), a_citizen_number()
    await trusting(hub.db, issuer)
    errors = await good_and_bad(hub, issuer, number)
    errors += await raw_calls(hub, number)
    await break_the_database(hub)
    failed = await hub.ask(
        "verify-licence",
        "department",
        input={"licence": {"number": number}, "purpose": NAME, "holder": {"name": NAME}},
    )
    assert failed["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    heard = Heard(log, [*errors, failed])
    said = heard.everything()
    assert "UndefinedTable" in log.getvalue()  # the fault itself is told to the operator
    assert [secret for secret in must_stay_secret(hub, url, number) if secret in said] == []
    for line in [*log.getvalue().splitlines(), *map(str, heard.errors)]:
        for pattern in (SQL, FILE_PATH, JWS):
            assert not pattern.search(line), line


async def test_metrics_and_cache_keys_hold_nothing_personal(
    hub: SampleHub, issuer: Issuer, server_urls: ServerUrls
) -> None:
    number = a_citizen_number()
    await good_and_bad(hub, issuer, number)
    metrics = (await hub.http.get("/metrics")).text
    assert "zwhub_graphql_requests_total" in metrics
    async with Redis.from_url(server_urls.redis_url) as client:
        namespace = hub.hub.cache._namespace
        keys = [key.decode() async for key in client.scan_iter(match=f"{namespace}:*")]
    assert keys
    for secret in (number, NAME, CITIZEN, CITIZEN_NAME, ENTERPRISE):
        assert secret not in metrics
        assert not any(secret in key for key in keys)
