"""The composition root (装配): settings in, ASGI application out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute

from zwhub.directory import store as directory
from zwhub.gateway.application import Application
from zwhub.gateway.execution import Engine
from zwhub.gateway.graphiql import Tab, graphiql_routes
from zwhub.gateway.health import Check, health_routes
from zwhub.gateway.http import GraphQLEndpoint
from zwhub.gateway.identity import Identity, TrustedIssuer
from zwhub.gateway.jwks import FetchedKeys, SigningKey, from_file, from_url
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.not_served import not_served
from zwhub.gateway.oauth import TokenEndpoint
from zwhub.gateway.sandbox import KINDS, Sandbox
from zwhub.gateway.status_lists import StatusListEndpoint
from zwhub.gateway.store import DatabaseClients, DatabaseReplays
from zwhub.gateway.uploads import UploadEndpoint
from zwhub.gateway.websocket import GraphQLSocket
from zwhub.graph.context import Context, Hub
from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.crypto.checkpoints import LogKey
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.kernel.crypto.opaque import OpaqueIds
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.crypto.token_keys import new_token_key
from zwhub.kernel.crypto.trust import TrustBook
from zwhub.kernel.paging import Cursors
from zwhub.kernel.status_book import StatusBook
from zwhub.kernel.words import Language
from zwhub.kernel.working_days import Calendar
from zwhub.licences.kept_checkpoint import KEPT
from zwhub.licences.ledger import ledger_of
from zwhub.licences.marks import require_own_secrets
from zwhub.licences.sequencer import Sequencer
from zwhub.licences.status_list import REFRESH_SECONDS, StatusLists
from zwhub.licences.upload import Uploads
from zwhub.licences.vault import Vault
from zwhub.platform.bundle import bundled
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database
from zwhub.platform.private_files import private_or_new, read_private
from zwhub.platform.secrets import Secrets
from zwhub.platform.settings import Settings
from zwhub.schema import operations, schema

log = structlog.get_logger("zwhub.app")
REFERENCE_SECONDS = 3.0
HOUSEKEEPING = "housekeeping"
LEDGER_KEY = "ledger.pem"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database and the cache are; the URLs hold passwords."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)


def make_hub(settings: Settings, servers: Servers) -> Hub:
    """The hub's parts, before it has read its reference data."""
    secrets = Secrets.of(settings)
    return Hub(
        db=Database(servers.database_url, pool_size=settings.database_pool),
        cache=Cache(servers.redis_url),
        trust=TrustBook(),
        calendar=Calendar({}, frozenset()),
        cursors=Cursors(secrets.cursors),
        ids=OpaqueIds(secrets.cursors),
        receipts=receipt_key(secrets.folder),
        status_lists=StatusBook(settings.public_url),
        index_secret=secrets.index,
        sealer=secrets.sealer,
        log_key=ledger_key(secrets.folder),
        checkpoint=settings.data_dir / KEPT,
        levels={},
        operations=operations(),
    )


def receipt_key(folder: Path) -> ReceiptKey:
    """The hub's receipt key, made on first use, 0600."""
    new = ReceiptKey.new
    pem = private_or_new(folder / "receipts.pem", lambda: new().private.pem().encode())
    return ReceiptKey(PrivateKey.from_pem(pem))


def ledger_key(folder: Path) -> LogKey:
    """The key of the ledger's checkpoints, made on first use, 0600."""
    pem = private_or_new(folder / LEDGER_KEY, lambda: LogKey.new().private.pem().encode())
    return LogKey(PrivateKey.from_pem(pem))


def existing_ledger_key(folder: Path) -> LogKey | None:
    """The same, where a hub has made it; whoever checks the ledger must not."""
    try:
        return LogKey(PrivateKey.from_pem(read_private(folder / LEDGER_KEY)))
    except FileNotFoundError:
        return None


async def read_reference(hub: Hub) -> None:
    """What every request needs of the directory: the calendar, and who handles which matter.

    Nothing is read when no profile was loaded since; the edition is asked for first, so that a
    load in between is seen the next time.
    """
    async with hub.db.read() as session:
        edition = await directory.edition(session)
        if edition == hub.edition:
            return
        hub.calendar = await directory.calendar(session)
        rows = await directory.matters(session)
    hub.levels = {row.code: frozenset(row.levels) for row in rows}
    hub.edition = edition


def _keeping(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """What the hub does by itself, known by its name from what it does for a caller."""
    return asyncio.create_task(work, name=HOUSEKEEPING)


async def _keep_up(hub: Hub) -> None:
    """A profile that is loaded meanwhile reaches the running hub within seconds."""
    while True:
        await asyncio.sleep(REFERENCE_SECONDS)
        try:
            await read_reference(hub)
        except Exception as error:  # the database is away: what was read still stands
            log.warning("reference data not looked at", error=type(error).__name__)


async def _keep_lists(hub: Hub) -> None:
    """The status lists follow every change; reading takes at most half of the time."""
    lists = StatusLists(hub.db, hub.status_lists)
    while True:
        started = monotonic()
        try:
            await lists.refresh(datetime.now(UTC))
        except Exception as error:  # the lists say themselves how old they are
            log.warning("status lists not refreshed", error=type(error).__name__)
        await asyncio.sleep(max(REFRESH_SECONDS, monotonic() - started))


def create_app(
    settings: Settings, hub: Hub, sandbox: Sandbox | None, tabs: Sequence[Tab]
) -> Starlette:
    """The ASGI application over a hub that stands."""
    registry = CollectorRegistry()
    tokens = _token_endpoint(settings, hub, sandbox)
    identity = Identity(_issuers(settings, sandbox, tokens), secret=hub.index_secret)
    door = _door(settings)
    engine = Engine.of(schema._schema, door, Metrics(registry), trusted_documents(tabs))

    def contexts(actor: Actor, language: Language, request_id: str) -> Context:
        return Context(hub, actor, datetime.now(UTC), language, request_id)

    endpoint = GraphQLEndpoint(engine, identity.actor, contexts)
    socket = GraphQLSocket(engine, identity.actor, contexts)
    inbox = Uploads(hub.db, Vault(hub.index_secret, hub.sealer))
    routes: list[BaseRoute] = [
        Route("/graphql", endpoint),
        Route("/graphql/", endpoint),  # a redirect would lose the body of a POST
        WebSocketRoute("/graphql", socket),
        tokens.route(),
        Route("/.well-known/jwks.json", _jwks(hub)),
        StatusListEndpoint(hub.status_lists, hub.receipts).route(),
        UploadEndpoint(inbox, identity.actor, door.upload).route(),
        *health_routes(_checks(hub), registry),
    ]
    if settings.profile == "developer" or sandbox is not None:
        routes.append(Route("/", _to_graphiql))
        routes += graphiql_routes(tabs, sandbox.persona_tokens() if sandbox else [])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with hub.db.write() as session:
            await require_own_secrets(session, Vault(hub.index_secret, hub.sealer))
        await read_reference(hub)
        sequencer, stop = Sequencer(hub.db, ledger_of(hub)), asyncio.Event()
        await sequencer.attend()  # the ledger has begun before the first trace is written
        following = [_keeping(_keep_up(hub)), _keeping(_keep_lists(hub))]
        sequencing = _keeping(sequencer.run(stop))
        yield
        for task in following:
            task.cancel()
        stop.set()
        await asyncio.wait([*following, sequencing])
        await hub.cache.close()
        await hub.db.close()

    return Application(
        endpoint,
        settings.allowed_origins,
        routes=routes,
        lifespan=lifespan,
        exception_handlers={HTTPException: not_served},
    )


async def _to_graphiql(_: Request) -> RedirectResponse:
    return RedirectResponse("graphiql")


def _door(settings: Settings) -> FrontDoor:
    return FrontDoor(
        profile=Profile(settings.profile),
        strict_status=settings.strict_status,
        allowed_origins=frozenset(settings.allowed_origins),
    )


def trusted_documents(tabs: Sequence[Tab]) -> Mapping[str, str]:
    """The sample operations under their sha256: they answer to `documentId`."""
    return {sha256(tab.query.encode()).hexdigest(): tab.query for tab in tabs}


def sample_operations() -> Mapping[str, str]:
    """The published operations by name."""
    folder = bundled("schema") / "operations"
    return {path.stem: path.read_text("utf-8") for path in sorted(folder.glob("*.graphql"))}


def _token_endpoint(settings: Settings, hub: Hub, sandbox: Sandbox | None) -> TokenEndpoint:
    """In the sandbox one key signs all tokens; elsewhere the hub has its own for departments."""
    if sandbox is not None:
        key, issuer = sandbox.key, sandbox.issuer
    else:
        pem = private_or_new(settings.data_dir / "secrets" / "tokens.pem", new_token_key)
        key, issuer = SigningKey(pem), settings.public_url
    return TokenEndpoint(
        url=f"{settings.public_url}/oauth/token",
        issuer=issuer,
        key=key,
        clients=DatabaseClients(hub.db, sandbox),
        replays=DatabaseReplays(hub.db),
    )


def _issuers(
    settings: Settings, sandbox: Sandbox | None, tokens: TokenEndpoint
) -> list[TrustedIssuer]:
    """Whose tokens count: the sandbox's own, or the hub's for departments; the city's provider."""
    issuers = [sandbox.trusted() if sandbox is not None else tokens.trusted()]
    if settings.identity_issuer is not None and settings.identity_jwks is not None:
        where = settings.identity_jwks
        fetch = from_url(where) if "://" in where else from_file(Path(where))
        algorithms = frozenset(settings.identity_algorithms)
        # A department system proves its own key to the hub's token endpoint; nobody vouches for it.
        people = frozenset(KINDS) - {Persona.DEPARTMENT}
        provider = TrustedIssuer(settings.identity_issuer, FetchedKeys(fetch), algorithms, people)
        issuers.append(provider)
    return issuers


def _jwks(hub: Hub) -> Callable[[Request], Awaitable[JSONResponse]]:
    keys = {"keys": [hub.receipts.jwk()]}

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse(keys, headers={"cache-control": "public, max-age=300"})

    return jwks


def _checks(hub: Hub) -> Mapping[str, Check]:
    async def database() -> None:
        async with hub.db.read() as session:
            await session.execute(text("SELECT 1"))

    async def cache() -> None:
        if not await hub.cache.ping():
            raise ConnectionError

    return {"database": Check(database), "cache": Check(cache, needed=False)}
