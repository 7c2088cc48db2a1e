"""`zwhub schema` (架构) and `zwhub doctor` (自检): what this hub is, and what it stands on."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from importlib.metadata import version
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.table import Table
from sqlalchemy import text

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import language, out
from zwhub.cli.standing import opened, reached_database
from zwhub.directory import store as directory
from zwhub.gateway.limits import DocumentLimits, FrontDoor
from zwhub.kernel.crypto import sm2
from zwhub.kernel.words import Words
from zwhub.licences import store as licences
from zwhub.platform.cache import Cache
from zwhub.platform.database import Database
from zwhub.platform.migrate import behind
from zwhub.schema import sdl


def schema() -> None:
    """Print the published GraphQL schema (SDL)."""
    sys.stdout.write(sdl())


def doctor(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what is in use: database, cache, SM2, calendar, licences, limits (自检)."""
    settings = settings_for(data_dir)
    facts = {"zwhub": version("zwhub"), "sm2": sm2.backend()}
    with reached_database(settings) as url:
        facts["migrations"] = "behind: run `zwhub migrate`" if behind(url) else "newest"
        facts |= asyncio.run(_facts(url, settings.redis_url))
    facts |= _limits()
    if as_json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    title = Words("自检", "What this hub stands on").in_(language())
    table = Table("", "", title=title, show_header=False)
    for name, said in facts.items():
        table.add_row(name, said.replace(", ", "\n"))
    out.print(table)


async def _facts(database_url: str, redis_url: SecretStr | None) -> Mapping[str, str]:
    facts = {"cache": "embedded, runs with the hub"}
    if redis_url is not None:
        facts["cache"] = await _cache(redis_url.get_secret_value())
    async with opened(database_url) as db:
        return facts | {name: said async for name, said in _of_database(db)}


async def _cache(url: str) -> str:
    cache = Cache(url)
    try:
        return "up" if await cache.ping() else "away: slower, never wrong"
    finally:
        await cache.close()


async def _of_database(db: Database) -> AsyncIterator[tuple[str, str]]:
    async with db.read() as session:
        yield "database", f"PostgreSQL {await session.scalar(text('SHOW server_version'))}"
        if await session.scalar(text("SELECT to_regclass('city')")) is None:
            yield "profile", "none: run `zwhub migrate`, then `zwhub profile load`"
            return
        city = await directory.city(session)
        yield "profile", city.name if city else "none: run `zwhub profile load`"
        years = sorted((await directory.calendar(session)).published)
        yield "calendar", f"{years[0]}–{years[-1]}" if years else "none"
        count, exact = await licences.count_licences(session)
        yield "licences", f"{count}" if exact else f"about {count}"


def _limits() -> Mapping[str, str]:
    door, document = FrontDoor(), DocumentLimits()
    return {
        "body limit": f"{door.body_bytes} bytes",
        "document limits": ", ".join(
            f"{name.replace('_', ' ')} {_figure(getattr(document, name))}"
            for name in document.__dataclass_fields__
        ),
        "at once": f"{door.load.known} places for known callers, "
        f"{door.load.anonymous} for the anonymous",
    }


def _figure(value: object) -> str:
    return " and ".join(sorted(value)) if isinstance(value, frozenset) else str(value)
