"""A toy hub (测试用小枢纽): a small strawberry schema behind the real front door."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import strawberry
from graphql import GraphQLError, GraphQLSchema
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from zwhub.gateway.execution import Engine
from zwhub.gateway.health import Check, health_routes
from zwhub.gateway.http import GraphQLEndpoint
from zwhub.gateway.limits import FrontDoor, Profile
from zwhub.gateway.metrics import Metrics
from zwhub.gateway.websocket import GraphQLSocket
from zwhub.kernel.actor import ANONYMOUS, Actor, Persona
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Language, Words

NUMBER = "110101199003078515"


@dataclass
class UsedOnce:
    """Which client assertions one test's token endpoint has seen."""

    seen: set[str] = field(default_factory=set)

    async def replay(self, jti: str, expires: datetime) -> bool:
        known = jti in self.seen
        self.seen.add(jti)
        return known


@dataclass
class Context:
    """What the toy's resolvers see, and what they leave behind for a test to look at."""

    actor: Actor
    language: Language
    request_id: str
    happened: list[str] = field(default_factory=list)


Info = strawberry.Info[Context, None]


@strawberry.type
class Node:
    """A thing that holds itself, so that documents can be as deep as they like."""

    name: str

    @strawberry.field
    async def below(self) -> "Node":
        await asyncio.sleep(0)
        return Node(name=self.name)

    @strawberry.field
    def broken(self) -> str:
        raise RuntimeError(f"nothing about {NUMBER} may leak")


@strawberry.input
class Claim:
    """An input with a field that must not come back in a message."""

    number: int
    purpose: str


@strawberry.input(one_of=True)
class By:
    """One way to name a node."""

    name: str | None = strawberry.UNSET
    number: int | None = strawberry.UNSET


@strawberry.type
class Query:
    """Questions to the toy."""

    @strawberry.field
    def node(self, name: str = "root") -> Node:
        return Node(name=name)

    @strawberry.field
    def by(self, by: By) -> str:
        return by.name or str(by.number)

    @strawberry.field
    def claim(self, claim: Claim) -> str:
        return claim.purpose

    @strawberry.field
    def number(self, of: int = 0) -> int:
        return of

    @strawberry.field
    def broken(self) -> str | None:
        raise RuntimeError(f"nothing about {NUMBER} may leak")

    @strawberry.field
    def refused(self, reason: str) -> str | None:
        raise Refused(Reason(reason), Words("不行", "no"), ("input", "purpose"))

    @strawberry.field
    def told(self) -> str | None:
        raise GraphQLError("said on purpose", extensions={"code": "BAD_USER_INPUT"})

    @strawberry.field
    async def slow(self, info: Info, seconds: float = 30) -> str:
        info.context.happened.append("query began")
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            info.context.happened.append("query cancelled")
            raise
        return "done"

    @strawberry.field
    def caller(self, info: Info) -> str:
        return f"{info.context.actor.id} {info.context.language} {info.context.request_id}"


@strawberry.type
class Mutation:
    """Things done to the toy."""

    @strawberry.mutation
    async def slow(self, info: Info, seconds: float = 30) -> str | None:
        info.context.happened.append("mutation began")
        await asyncio.sleep(seconds)
        info.context.happened.append("mutation ended")
        return "done"

    @strawberry.mutation
    async def crowded(self) -> str | None:
        raise PoolTimeout("no connection was free")


@strawberry.type
class Subscription:
    """Things the toy tells."""

    @strawberry.subscription
    async def count(self, info: Info, to: int = 3, pause: float = 0) -> AsyncIterator[int]:
        try:
            for number in range(1, to + 1):
                await asyncio.sleep(pause)
                info.context.happened.append(f"event {number}")
                yield number
        finally:
            info.context.happened.append("subscription ended")

    @strawberry.subscription
    async def heavy(self, info: Info) -> AsyncIterator[str]:
        for number in range(1_000):
            info.context.happened.append(f"event {number}")
            yield "x" * 100_000

    @strawberry.subscription
    async def breaking(self) -> AsyncIterator[int]:
        yield 1
        raise RuntimeError(NUMBER)


SCHEMA: GraphQLSchema = strawberry.Schema(Query, Mutation, Subscription)._schema

TRUSTED_QUERY = "query Trusted($name: String!) { node(name: $name) { name } }"
TRUSTED_MUTATION = "mutation { slow(seconds: 0) }"
TRUSTED = {sha256(text.encode()).hexdigest(): text for text in (TRUSTED_QUERY, TRUSTED_MUTATION)}


async def callers(authorization: str | None) -> Actor:
    """`Bearer clerk` is a clerk, `Bearer brief` one whose token ends in a moment."""
    match authorization:
        case None:
            return ANONYMOUS
        case "Bearer clerk":
            return Actor("clerk-1", Persona.CLERK)
        case "Bearer brief":
            soon = datetime.now(UTC) + timedelta(seconds=0.2)
            return Actor("clerk-2", Persona.CLERK, expires_at=soon)
        case "Bearer busy":
            raise Refused(Reason.TOO_MANY, Words("过于频繁", "too often"))
        case "Bearer banned":
            raise Refused(Reason.NOT_ALLOWED, Words("已停用", "switched off"))
        case "Bearer broken":
            raise RuntimeError(NUMBER)
        case _:
            raise Refused(Reason.UNAUTHENTICATED, Words("令牌无效", "The token is not valid"))


DEVELOPER = FrontDoor(profile=Profile.DEVELOPER)


@dataclass
class Hub:
    """The toy behind the real door, and what happened inside it."""

    door: FrontDoor = DEVELOPER
    checks: dict[str, Check] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def context(self, actor: Actor, language: Language, request_id: str) -> Context:
        return Context(actor, language, request_id, self.happened)

    def app(self) -> Starlette:
        engine = Engine.of(SCHEMA, self.door, Metrics(self.registry), TRUSTED)
        endpoint = GraphQLEndpoint(engine, callers, self.context)
        socket = GraphQLSocket(engine, callers, self.context)
        return Starlette(
            routes=[
                Route("/graphql", endpoint),
                WebSocketRoute("/graphql", socket),
                *health_routes(self.checks, self.registry),
            ]
        )
