"""`zwhub demo` (演示): everything embedded, the sample city, a token for each persona, GraphiQL."""

import asyncio
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from zwhub.app import Servers, create_app, make_hub
from zwhub.cli.personas import demo_personas
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.sandbox import sample_tables, save_keys
from zwhub.cli.serving import address_of, bind, serve_app
from zwhub.cli.speak import err, language, out, say
from zwhub.cli.standing import opened, own_secrets, standing_servers
from zwhub.cli.tabs import sample_tabs
from zwhub.directory import store as directory
from zwhub.gateway.graphiql import Tab
from zwhub.gateway.sandbox import Sandbox
from zwhub.kernel.words import Words
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database
from zwhub.platform.embedded import database_apart
from zwhub.platform.migrate import migrate
from zwhub.platform.secrets import Secrets
from zwhub.platform.settings import Settings
from zwhub.platform.telemetry import start_logging
from zwhub.profile.folder import read_profile, sample_folder
from zwhub.profile.load import load_profile
from zwhub.profile.sample_city import make_pki, settle_sample, trust_sample


def demo(
    host: Annotated[str, typer.Option(help="Address to listen on (监听地址).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on (端口); 0 picks a free one.")] = 8000,
    data_dir: DataDir = None,
) -> None:
    """Run a whole hub with the sample city (示例市): nothing else is needed.

    The first start makes keys and signs the sample's licences (under a minute); a second start
    on the same folder keeps the data. Stop with Ctrl-C.
    """
    with closing(bind(host, port)) as listening:
        address = address_of(host, listening)
        settings = settings_for(data_dir, profile="developer", public_url=address)
        start_logging(settings.log_level)
        with standing_servers(settings) as servers:
            migrate(servers.database_url)
            sandbox = Sandbox(settings.data_dir, demo_personas())
            secrets = own_secrets(settings, servers.database_url)
            tabs = asyncio.run(_prepare(settings, servers, secrets))
            app = create_app(settings, make_hub(settings, servers), sandbox, tabs)
            _introduce(address, sandbox, settings)
            serve_app(app, listening, ready=f"ready {address}/graphql")


async def _prepare(settings: Settings, servers: Servers, secrets: Secrets) -> Sequence[Tab]:
    """Settle the sample city if nobody lives here yet; all of it in one transaction."""
    vault = Vault(secrets.index, secrets.sealer)
    async with opened(servers.database_url) as db:
        async with db.read() as session:
            settled = await directory.city(session) is not None
        if not settled:
            await _settle(db, settings.data_dir, vault)
        async with db.read() as session:
            return await sample_tabs(session, demo_personas(), vault)


async def _settle(db: Database, data_dir: Path, vault: Vault) -> None:
    now = datetime.now(UTC)
    profile = read_profile(sample_folder())
    tables = sample_tables()
    pki = make_pki(tables["issuers"], {row["code"]: row["name"] for row in tables["organisations"]})
    save_keys(data_dir, pki)
    sample = profile.settings["sample"]
    words = {"zh": "签发示例证照", "en": "Signing the sample licences"}[language()]
    with _progress() as progress:
        task = progress.add_task(words, total=sample["licences"])
        async with db.write() as session:
            await load_profile(session, profile, now)
            await trust_sample(session, pki, tables, now)
            await settle_sample(
                session,
                pki,
                tables,
                sample,
                vault,
                now,
                lambda done: progress.advance(task, done),
            )


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=err)


def host_is_local(address: str) -> bool:
    """Whether only this machine can reach it."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _introduce(address: str, sandbox: Sandbox, settings: Settings) -> None:
    if not host_is_local(address):
        say(
            Words(
                "注意：沙箱对本机以外开放，页面上的令牌人人可用；勿放真实数据。",
                "Mind: others can reach this sandbox, and its page hands everyone its tokens; "
                "keep real data out of it.",
            )
        )
    out.print("Authorization: Bearer …\n")
    for one in sandbox.persona_tokens():
        out.print(f"{one.key} · {one.name.in_(language())}\n{one.token}\n", markup=False)
    out.print(f"GraphiQL  {address}/graphiql")
    out.print(f"Data      {settings.data_dir}", markup=False)
    apart = database_apart(settings.data_dir) if settings.database_url is None else None
    if apart is not None:
        out.print(f"Database  {apart}", markup=False)
