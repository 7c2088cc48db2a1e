"""`zwhub clients` (部门系统): who may ask for tokens as a department system."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.speak import out, refuse, say
from zwhub.cli.standing import opened, standing_database
from zwhub.directory import store as directory
from zwhub.gateway import store
from zwhub.gateway.jwks import key_set
from zwhub.gateway.oauth import CLIENT_ID
from zwhub.kernel.actor import Scope
from zwhub.kernel.words import Words

clients = typer.Typer(help="Department systems (部门系统客户端).", no_args_is_help=True)
_LARGEST_FILE = 262_144


@clients.command()
def add(
    client_id: Annotated[str, typer.Argument(help="Name of the client, e.g. hrss-core.")],
    organisation: Annotated[str, typer.Option(help="Code of the body it belongs to (机构代码).")],
    jwks: Annotated[Path, typer.Option(help="File with its public keys, a JWKS.")],
    scope: Annotated[
        list[str],
        typer.Option(help=f"One of {', '.join(Scope)}; repeat it (权限)."),
    ],
    data_dir: DataDir = None,
) -> None:
    """Register a department system, or replace what is known of it (登记部门系统).

    It then asks POST /oauth/token for tokens with `private_key_jwt` (RFC 7523).
    """
    _require_name(client_id)
    row = {"client_id": client_id, "jwks": _public_keys(jwks), "scopes": _scopes(scope)}
    with standing_database(settings_for(data_dir)) as url:
        asyncio.run(_register(url, organisation, row))
    say(Words(f"已登记 {client_id}。", f"{client_id} is registered."))


@clients.command()
def remove(
    client_id: Annotated[str, typer.Argument(help="Name of the client.")],
    data_dir: DataDir = None,
) -> None:
    """Remove a department system (移除部门系统): it gets no more tokens.

    A token that it holds already is good for its last quarter of an hour.
    """
    with standing_database(settings_for(data_dir)) as url:
        asyncio.run(_remove(url, client_id))
    say(Words(f"已移除 {client_id}。", f"{client_id} is removed."))


@clients.command("list")
def list_clients(data_dir: DataDir = None) -> None:
    """List the registered department systems (列出部门系统)."""
    with standing_database(settings_for(data_dir)) as url:
        rows = asyncio.run(_clients(url))
    table = Table("client", "organisation", "level", "scopes", "added")
    for row in rows:
        added = f"{row.added_at:%Y-%m-%d}"
        table.add_row(row.client_id, row.name, row.level, " ".join(row.scopes), added)
    out.print(table)


def _require_name(client_id: str) -> None:
    """It stands in tokens, log lines and tables."""
    if not CLIENT_ID.fullmatch(client_id):
        refuse(
            Words(
                "客户端名称须为 1 至 100 个字母、数字或 . _ : -。",
                "A client's name has 1 to 100 letters, digits or . _ : - in it.",
            )
        )


def _public_keys(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            keys = json.loads(file.read(_LARGEST_FILE))["keys"]
        private = any("d" in key for key in keys)
        usable = bool(key_set(keys))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        refuse(Words(f"{path} 不是 JWKS 文件。", f"{path} is not a JWKS file."))
    if private:
        refuse(
            Words("JWKS 含私钥：只应登记公钥。", "The JWKS holds a private key: give public ones.")
        )
    if not usable:
        refuse(Words("JWKS 中没有可用的公钥。", "The JWKS holds no key that can be used."))
    return list(keys)


def _scopes(names: list[str]) -> list[str]:
    unknown = sorted(set(names) - set(Scope))
    if unknown:
        known = ", ".join(Scope)
        refuse(Words(f"未知的权限；可选：{known}", f"No such scope; choose from: {known}"))
    return sorted(set(names))


async def _register(url: str, organisation: str, row: dict[str, Any]) -> None:
    async with opened(url) as db, db.write() as session:
        body = (await directory.organisations_by_code(session, [organisation])).get(organisation)
        if body is None:
            refuse(Words("机构目录中没有此代码。", "The directory has no body of this code."))
        more = {"name": body.name, "organisation": body.code, "level": body.level}
        await store.register_client(session, {**row, **more, "added_at": datetime.now(UTC)})


async def _remove(url: str, client_id: str) -> None:
    async with opened(url) as db, db.write() as session:
        if not await store.remove_client(session, client_id):
            refuse(Words("没有登记此客户端。", "No such client is registered."))


async def _clients(url: str) -> list[Any]:
    async with opened(url) as db, db.read() as session:
        return list(await store.clients(session))
