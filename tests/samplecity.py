"""The sample city under test (测试用示例市): loaded once, copied for each module, asked in front."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import httpx
import pytest
import pytest_asyncio
from redis.exceptions import RedisError
from sqlalchemy import event, make_url
from starlette.applications import Starlette

from builders import Issuer, an_issuer, records, trusting
from servers import FreshDatabase, ServerUrls, sweep
from zwhub.app import HOUSEKEEPING, Servers, create_app, make_hub, sample_operations
from zwhub.cli.personas import demo_personas
from zwhub.cli.sandbox import sample_tables
from zwhub.gateway.sandbox import DemoPersona, Sandbox
from zwhub.graph.context import Hub
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import LicenceIdentifier
from zwhub.licences import store
from zwhub.licences.kept_checkpoint import KEPT
from zwhub.licences.vault import Kept, Vault
from zwhub.platform import database
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database
from zwhub.platform.migrate import migrate
from zwhub.platform.reading import Readers
from zwhub.platform.secrets import Secrets
from zwhub.platform.settings import Settings
from zwhub.profile.folder import read_profile, sample_folder
from zwhub.profile.holders import Tables
from zwhub.profile.load import load_profile
from zwhub.profile.sample_city import SamplePki, make_pki, settle_sample, trust_sample

LICENCES = 600  # of the sample's many; the personas' own come first
CITIZEN, CITIZEN_NAME = "990101198805179982", "林知夏"
ENTERPRISE = "91990101MDK2T7H877"


@dataclass(frozen=True)
class SampleCity:
    """What was loaded: the `template` database to copy, and the keys that signed its licences."""

    template: str
    pki: SamplePki = field(repr=False)
    tables: Tables = field(repr=False)
    data_dir: Path
    sandbox: Sandbox


@dataclass(frozen=True)
class SampleHub:
    """A whole hub over a copy of the sample city, behind `http` without a socket between."""

    hub: Hub
    app: Starlette
    http: httpx.AsyncClient
    city: SampleCity

    @property
    def db(self) -> Database:
        return self.hub.db

    @property
    def vault(self) -> Vault:
        return Vault(self.hub.index_secret, self.hub.sealer)

    async def kept(self, identifier: str) -> Kept:
        """The registry's row under that identifier."""
        slot = self.vault.slot(LicenceIdentifier.parse(identifier))
        async with self.db.read() as session:
            return (await store.versions_of(session, {slot}))[slot]

    def headers(self, persona: str, language: str = "zh-CN") -> dict[str, str]:
        """What a client of that persona sends."""
        said = {"accept-language": language, "accept": "application/graphql-response+json"}
        if persona == "anonymous":
            return said
        return {**said, "authorization": f"Bearer {self.city.sandbox.token(persona)}"}

    async def ask(
        self,
        document: str,
        /,
        persona: str = "citizen",
        *,
        language: str = "zh-CN",
        **variables: Any,
    ) -> dict[str, Any]:
        """The JSON answer to a document, or to the published operation of that name.

        Without its `extensions`: what it cost is for `test_cost.py`.
        """
        body = {"query": OPERATIONS.get(document, document), "variables": variables}
        answer = await self.http.post(
            "/graphql", json=body, headers=self.headers(persona, language)
        )
        answered: dict[str, Any] = answer.json()
        answered.pop("extensions", None)
        return answered

    async def collect(self, *signed: str) -> list[dict[str, Any]]:
        """Deliver records as a department system; what became of each."""
        answer = await self.ask("collect-licences", "department", input=records(signed))
        outcomes: list[dict[str, Any]] = answer["data"]["collectLicences"]["records"]
        return outcomes

    async def verify(
        self, *, persona: str = "department", purpose: str = "窗口核对", **asked: Any
    ) -> dict[str, Any]:
        """`await hub.verify(number="…", asOf="…")`: by number, identifier or jws; the result."""
        by = {name: asked.pop(name) for name in ("number", "identifier", "jws") if name in asked}
        question = {"licence": by, "purpose": purpose, **asked}
        answer = await self.ask("verify-licence", persona, input=question)
        result: dict[str, Any] = answer["data"]["verifyLicence"]
        return result


@contextlib.contextmanager
def statements(hub: SampleHub) -> Iterator[list[str]]:
    """Every statement that reaches the database on behalf of what runs in the block.

    A COPY counts as one. The hub's own housekeeping is not counted.
    """

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        task = asyncio.current_task()
        if task is None or not task.get_name().startswith(HOUSEKEEPING):
            seen.append(statement)

    async def noted(session: Any, table: Any, names: Sequence[str], records: Sequence[Any]) -> None:
        if records:
            note(None, None, f"COPY {table.__tablename__}")
        await copy(session, table, names, records)

    async def read(readers: Readers, statement: str, *values: Any) -> Sequence[Any]:
        note(None, None, statement)
        return await fetch(readers, statement, *values)

    async def changed(readers: Readers, statement: str, *values: Any) -> Sequence[Any]:
        note(None, None, statement)
        return await change(readers, statement, *values)

    seen: list[str] = []
    fetch, change = Readers.fetch, Readers.change
    copy, engine = database.copy_records, hub.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            mock.patch.object(database, "copy_records", noted),
            mock.patch.object(Readers, "fetch", read),
            mock.patch.object(Readers, "change", changed),
        ):
            yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


class Ask(Protocol):
    """`await ask("item", code="…")` gives the whole answer; see `SampleHub.ask`."""

    async def __call__(
        self, document: str, /, persona: str = ..., *, language: str = ..., **variables: Any
    ) -> dict[str, Any]: ...


OPERATIONS: Mapping[str, str] = sample_operations()


def personas() -> list[DemoPersona]:
    """The sandbox's callers; `powerless` has no scope, `county` and `village` another level,
    `elsewhere` is another body."""
    city = demo_personas()
    department = next(one for one in city if one.key == "department")
    return [
        *city,
        replace(department, key="powerless", scopes=frozenset()),
        replace(department, key="county", level="县"),
        replace(department, key="village", level="村"),
        replace(department, key="elsewhere", organisation="11990100009812267C"),
    ]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(fresh_database: FreshDatabase) -> AsyncIterator[str]:
    """The name of a database with every table and no row: a template to copy."""
    async with fresh_database() as url:
        await asyncio.to_thread(migrate, url)
        yield str(make_url(url).database)


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(fresh_database: FreshDatabase, migrated: str) -> AsyncIterator[Database]:
    """A migrated database without a row, for one test."""
    async with fresh_database(template=migrated) as url:
        db = Database(url, pool_size=4)
        yield db
        await db.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sample_city(
    fresh_database: FreshDatabase, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SampleCity]:
    """The sample city, loaded once for each worker: the whole profile, `LICENCES` licences."""
    data_dir, tables = tmp_path_factory.mktemp("city"), sample_tables()
    pki = make_pki(tables["issuers"], {row["code"]: row["name"] for row in tables["organisations"]})
    async with fresh_database(template=migrated) as url:
        db = Database(url, pool_size=1)
        secrets = Secrets.of(Settings(data_dir=data_dir))
        await _settle(db, pki, tables, Vault(secrets.index, secrets.sealer))
        await db.close()
        template = str(make_url(url).database)
        yield SampleCity(template, pki, tables, data_dir, Sandbox(data_dir, personas()))


async def _settle(db: Database, pki: SamplePki, tables: Tables, vault: Vault) -> None:
    profile, now = read_profile(sample_folder()), datetime.now(UTC)
    sample = {**profile.settings["sample"], "licences": LICENCES}
    async with db.write() as session:
        await load_profile(session, profile, now)
        await trust_sample(session, pki, tables, now)
        await settle_sample(session, pki, tables, sample, vault, now, lambda _: None)


@contextlib.asynccontextmanager
async def a_hub(
    city: SampleCity, database_url: str, redis_url: str, *, patience: float = 2.0, **settings: Any
) -> AsyncIterator[SampleHub]:
    """A hub over that database and cache; developer profile unless `settings` say otherwise.

    The cache has `patience` seconds for an answer: two busy cores are slower than a real one.
    """
    (city.data_dir / KEPT).unlink(missing_ok=True)  # of another test's database
    chosen = {"data_dir": city.data_dir, "profile": "developer", **settings}
    hub = make_hub(Settings(**chosen), Servers(database_url, redis_url))
    await hub.cache.close()
    namespace = f"zwhub-test-{secrets.token_hex(8)}"
    hub.cache = Cache(redis_url, namespace=namespace, timeout=patience)
    app = create_app(Settings(**chosen), hub, city.sandbox, [])
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://hub") as http,
    ):
        yield SampleHub(hub, app, http, city)
    with contextlib.suppress(RedisError):  # a test may have taken its cache away
        await sweep(redis_url, namespace)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hub(
    sample_city: SampleCity, fresh_database: FreshDatabase, server_urls: ServerUrls
) -> AsyncIterator[SampleHub]:
    """A hub over a copy of the sample city; one for each test module, written to freely."""
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def ask(hub: SampleHub) -> Ask:
    """`hub.ask`: `answer = await ask("verify-licence", "department", input={…})`."""
    return hub.ask


@pytest.fixture(scope="session")
def issuer_keys() -> Mapping[Algorithm, Issuer]:
    """One issuer for each algorithm, on no trust list yet."""
    return {algorithm: an_issuer(algorithm) for algorithm in Algorithm}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def issuers(
    hub: SampleHub, issuer_keys: Mapping[Algorithm, Issuer]
) -> Mapping[Algorithm, Issuer]:
    """The same, trusted by the module's hub."""
    await trusting(hub.db, *issuer_keys.values())
    return issuer_keys


@pytest.fixture(scope="module")
def issuer(issuers: Mapping[Algorithm, Issuer]) -> Issuer:
    """An issuer that the hub trusts: `record = issuer.a_licence(valid_until="2030-01-01")`."""
    return issuers[Algorithm.ES256]
