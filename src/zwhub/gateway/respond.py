"""Responses (应答): which media type, which status, which bytes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Send

from zwhub.gateway.problems import Code, Problem, TurnedAway
from zwhub.kernel.words import Words

log = structlog.get_logger("zwhub.gateway")

GRAPHQL_JSON = "application/graphql-response+json"
PLAIN_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Media:
    """The media type of the answer, and whether the caller asked for it by name."""

    type: str
    named: bool


ANY = Media(PLAIN_JSON, named=False)


@lru_cache(maxsize=256)
def negotiate(accept: str) -> Media:
    """The better of our two media types (RFC 9110 §12.5.1); `TurnedAway` 406 if neither is wanted.

    Nothing or a wildcard means `application/json` on the wire with the statuses of the newer
    type: since the watershed of GraphQL over HTTP a silent caller counts as a modern one.
    """
    if not accept.strip():
        return ANY
    best, best_quality = None, 0.0
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        media, quality = _OFFERS.get(name), _quality(parameters)
        if media is not None and quality > best_quality:
            best, best_quality = media, quality
    if best is None:
        raise TurnedAway(_NOT_ACCEPTABLE, status=406)
    return best


def status_of(turned: TurnedAway, media: Media, strict: bool) -> int:
    """The status of a request that was turned away (GraphQL over HTTP §Status Codes)."""
    if not turned.graphql:
        return turned.status
    if media.type == PLAIN_JSON and media.named:
        return 200
    parsed = turned.problems[0].code is not Code.GRAPHQL_PARSE_FAILED
    return 422 if strict and parsed else turned.status


async def send_json(
    send: Send, status: int, media: Media, body: Mapping[str, Any], headers: Mapping[str, str]
) -> None:
    """Send one JSON answer that no cache keeps and no browser sniffs."""
    payload = orjson.dumps(body)
    raw = [(b"content-length", b"%d" % len(payload)), *_lines(media.type)]
    raw += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": payload})


@lru_cache(maxsize=4)
def _lines(media: str) -> list[tuple[bytes, bytes]]:
    """What every answer of that media type says of itself."""
    return [
        (b"content-type", f"{media}; charset=utf-8".encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"Accept, Accept-Language, Authorization"),
    ]


Page = Callable[[Request], Awaitable[Response]]


def guarded(page: Page) -> Page:
    """A page whose own faults are logged and answered in JSON that says nothing of them."""

    @wraps(page)
    async def answered(request: Request) -> Response:
        try:
            return await page(request)
        except Exception:
            log.exception("a page failed")
            headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
            return JSONResponse({"error": "internal_server_error"}, 500, headers)

    return answered


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return min(max(float(parameter[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


_OFFERS = {
    GRAPHQL_JSON: Media(GRAPHQL_JSON, named=True),
    PLAIN_JSON: Media(PLAIN_JSON, named=True),
    "application/*": ANY,
    "*/*": ANY,
}
_NOT_ACCEPTABLE = Problem(
    Code.NOT_ACCEPTABLE,
    Words(
        f"只能应答 {GRAPHQL_JSON} 或 {PLAIN_JSON}",
        f"Only {GRAPHQL_JSON} and {PLAIN_JSON} are served",
    ),
)
