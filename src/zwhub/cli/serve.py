"""`zwhub serve` (运行) and `zwhub migrate` (迁移): a hub on the operator's own data."""

import asyncio
from contextlib import closing
from typing import Annotated

import typer

from zwhub.app import create_app, make_hub
from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.serving import address_of, bind, serve_app
from zwhub.cli.speak import refuse, say
from zwhub.cli.standing import opened, own_secrets, standing_database, standing_servers
from zwhub.kernel.words import Words
from zwhub.licences import store as licences
from zwhub.platform.migrate import behind, migrate
from zwhub.platform.telemetry import start_logging


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on (监听地址).")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on (端口).")] = 8000,
    data_dir: DataDir = None,
) -> None:
    """Run the hub on your own data: no sandbox, no demo tokens.

    ZWHUB_DATABASE_URL and ZWHUB_REDIS_URL name your servers; what they do not name runs embedded
    in the data folder. Run `zwhub migrate` and `zwhub profile load` first.
    """
    settings = settings_for(data_dir)
    start_logging(settings.log_level)
    with closing(bind(host, port)) as listening, standing_servers(settings) as servers:
        if behind(servers.database_url):
            refuse(
                Words(
                    "数据库结构不是最新：请先运行 zwhub migrate。",
                    "The database is behind this version: run `zwhub migrate` first.",
                )
            )
        own_secrets(settings, servers.database_url)
        if asyncio.run(_trusts_sandbox(servers.database_url)):
            say(
                Words(
                    "警告：信任列表含沙箱密钥，示例证照会被判为真实；勿用于正式环境。",
                    "Warning: the trust list holds a sandbox's keys, so that sample licences verify "
                    "as genuine. Do not use this database in earnest.",
                )
            )
        app = create_app(settings, make_hub(settings, servers), None, [])
        address = address_of(host, listening)
        serve_app(app, listening, ready=f"ready {address}/graphql")


async def _trusts_sandbox(url: str) -> bool:
    async with opened(url) as db, db.read() as session:
        return await licences.trusts_sandbox(session)


def migrate_database(data_dir: DataDir = None) -> None:
    """Bring the database to the newest step (数据库迁移); safe to run again."""
    with standing_database(settings_for(data_dir)) as url:
        migrate(url)
    say(Words("数据库结构已是最新。", "The database is up to date."))
