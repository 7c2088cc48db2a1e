"""A fleet of hubs (枢纽群): real processes over one database, one cache and one data folder."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

from zwhub.gateway import store
from zwhub.gateway.jwks import SigningKey
from zwhub.kernel.actor import Scope
from zwhub.kernel.crypto.token_keys import new_token_key
from zwhub.platform.database import Database

TESTS = Path(__file__).parent
PUBLIC_URL = "http://hub.city.example"
CLIENT = "fleet"
SKEWS = (0.0, 0.4, -0.4)


@dataclass
class HubProcess:
    """One hub: its orders, its process while it lives, and where it answers."""

    orders: Path
    skew: float
    environment: Mapping[str, str] = field(repr=False)
    process: asyncio.subprocess.Process | None = None
    url: str = ""

    @property
    def serves(self) -> bool:
        """As far as we know; it may be killed at any moment."""
        return bool(self.url) and self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        self.url = ""
        self.orders.mkdir(exist_ok=True)
        words = (TESTS / "faultyhub.py", self.orders, str(self.skew), "serve", "--port", "0")
        with (self.orders / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *words,
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        line = (await asyncio.wait_for(self.process.stdout.readline(), 60)).decode()
        assert line.startswith("ready "), (self.orders / "log").read_text()
        self.url = line.split()[1]

    async def end(self, how: signal.Signals = signal.SIGINT) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            await self.process.wait()

    def ordered_to_die(self) -> None:
        """With its next delivery, between the commit and the answer."""
        (self.orders / "die").touch()

    def died_as_ordered(self) -> bool:
        died = self.orders / "died"
        if self.serves or not died.exists():
            return False
        died.unlink()
        return True


@dataclass
class Fleet:
    """Several hubs, and a department system that may ask any of them."""

    hubs: list[HubProcess]
    http: httpx.AsyncClient
    token: str = field(default="", repr=False)
    errors: Counter[str] = field(default_factory=Counter)

    async def ask(self, hub: HubProcess, document: str, **variables: Any) -> dict[str, Any] | None:
        """The answer's data; None where the hub did not answer."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        try:
            answer = await self.http.post(hub.url, content=body, headers=headers)
        except httpx.TransportError as error:
            self.errors[type(error).__name__] += 1
            return None
        said = orjson.loads(answer.content)
        if "errors" in said:
            self.errors[str(said["errors"][0]["extensions"]["code"])] += 1
            return None
        data: dict[str, Any] = said["data"]
        return data


@asynccontextmanager
async def a_fleet(
    database_url: str, redis_url: str, data_dir: Path, folder: Path, organisation: str
) -> AsyncIterator[Fleet]:
    """Three hubs whose clocks differ; the department system belongs to `organisation`."""
    environment = {
        **os.environ,
        "ZWHUB_DATABASE_URL": database_url,
        "ZWHUB_REDIS_URL": redis_url,
        "ZWHUB_DATA_DIR": str(data_dir),
        "ZWHUB_PUBLIC_URL": PUBLIC_URL,
        "ZWHUB_LOG_LEVEL": "warning",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LC_ALL": "C.UTF-8",
    }
    hubs = [HubProcess(folder / f"hub-{n}", skew, environment) for n, skew in enumerate(SKEWS)]
    key = SigningKey(new_token_key())
    await _register(database_url, organisation, key)
    try:
        await asyncio.gather(*(hub.start() for hub in hubs))
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        async with httpx.AsyncClient(timeout=30, limits=limits) as http:
            fleet = Fleet(hubs, http)
            fleet.token = await _token(fleet, key)
            yield fleet
    finally:
        await asyncio.gather(*(hub.end() for hub in hubs))


async def _register(database_url: str, organisation: str, key: SigningKey) -> None:
    """As `zwhub clients add` does."""
    db = Database(database_url, pool_size=1)
    async with db.write() as session:
        row = {
            "client_id": CLIENT,
            "name": CLIENT,
            "organisation": organisation,
            "level": "省",
            "scopes": sorted(Scope),
            "jwks": [key.jwk],
            "added_at": datetime.now(UTC),
        }
        await store.register_client(session, row)
    await db.close()


async def _token(fleet: Fleet, key: SigningKey) -> str:
    """One hub gives it, and every hub believes it."""
    where = f"{PUBLIC_URL}/oauth/token"
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": where, "jti": secrets.token_hex(16)}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": key.sign({**claims, "exp": int(time.time()) + 120}, "JWT"),
    }
    url = fleet.hubs[0].url.replace("/graphql", "/oauth/token")
    answer = (await fleet.http.post(url, data=form)).json()
    assert "access_token" in answer, answer
    return str(answer["access_token"])
