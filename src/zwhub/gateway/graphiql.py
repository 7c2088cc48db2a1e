"""GraphiQL (交互式查询页面), served from our own package under a strict policy."""

import gzip
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from zwhub.gateway.respond import guarded
from zwhub.kernel.words import Words

PATH = "/graphiql"
FOREVER = "public, max-age=31536000, immutable"
# Nothing from elsewhere, no inline script, no eval; 'self' covers the WebSocket too. The nonce is
# for the one <style> that GraphiQL's dialogues add; its fonts and cursors are data: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_FILES = (
    "icon.svg",
    "page.css",
    "page.js",
    "vendor/graphiql.css",
    "vendor/graphiql.js",
    "vendor/graphql-ws.js",
    "vendor/react-dom.js",
    "vendor/react.js",
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One sample operation (样例操作): its name, document, variables, and who should run it."""

    name: Words
    query: str
    variables: Mapping[str, object] = field(default_factory=dict)
    persona: str | None = None


@dataclass(frozen=True, slots=True)
class PersonaToken:
    """One caller of the sandbox (沙箱身份) and its ready token."""

    key: str
    name: Words
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page; `digest` is of its content, so its address never goes stale."""

    name: str
    digest: str
    body: bytes = field(repr=False)
    packed: bytes = field(repr=False)

    @property
    def address(self) -> str:
        """Where the page finds it, relative to the page: the hub may live behind a prefix."""
        return f"graphiql/{self.digest}/{self.name}"


def graphiql_routes(operations: Sequence[Tab], personas: Sequence[PersonaToken]) -> list[Route]:
    """The page, its configuration and its assets.

    `personas` hold live tokens: give them in the sandbox only.
    """
    settings = _settings(operations, personas)

    async def config(request: Request) -> Response:
        headers = {**SAFE, "Cache-Control": "no-store"}
        return Response(settings, media_type="application/json", headers=headers)

    return [
        Route(PATH, guarded(_page)),
        Route(f"{PATH}/config.json", guarded(config)),
        Route(f"{PATH}/{{digest}}/{{name}}", guarded(_asset)),
    ]


def _settings(operations: Sequence[Tab], personas: Sequence[PersonaToken]) -> bytes:
    tabs = [
        {
            "zh": tab.name.zh,
            "en": tab.name.en,
            "query": tab.query,
            "variables": dict(tab.variables),
            "persona": tab.persona,
        }
        for tab in operations
    ]
    callers = [
        {"key": row.key, "zh": row.name.zh, "en": row.name.en, "token": row.token}
        for row in personas
    ]
    version = sha256(json.dumps(tabs).encode()).hexdigest()[:16]
    return json.dumps(
        {"version": version, "tabs": tabs, "personas": callers}, ensure_ascii=False
    ).encode()


async def _page(request: Request) -> Response:
    nonce = secrets.token_urlsafe(16)
    addresses = {
        name.replace(".", "_").replace("-", "_"): asset.address for name, asset in assets().items()
    }
    page = Template(_read("index.html").decode()).substitute(addresses, nonce=nonce)
    policy = POLICY.format(nonce=nonce)
    headers = {**SAFE, "Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return Response(page, media_type="text/html", headers=headers)


async def _asset(request: Request) -> Response:
    asset = assets().get(request.path_params["name"])
    if asset is None or asset.digest != request.path_params["digest"]:
        return Response(status_code=404, headers=SAFE)
    etag = f'"{asset.digest}"'
    headers = {**SAFE, "Cache-Control": FOREVER, "ETag": etag, "Vary": "Accept-Encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = asset.body
    if "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["Content-Encoding"] = asset.packed, "gzip"
    return Response(body, media_type=_TYPES[asset.name.rpartition(".")[2]], headers=headers)


@cache
def assets() -> Mapping[str, Asset]:
    """Every file of the page by name, read and packed once per process (about 1.6 MB)."""
    return {asset.name: asset for asset in map(_load, _FILES)}


def _load(path: str) -> Asset:
    body = _read(path)
    digest = sha256(body).hexdigest()[:16]
    return Asset(path.rpartition("/")[2], digest, body, gzip.compress(body, mtime=0))


def _read(path: str) -> bytes:
    return (files("zwhub.gateway") / "static" / path).read_bytes()
