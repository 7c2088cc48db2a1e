"""Health (健康检查): is the process alive, can it serve, and what has it counted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zwhub.gateway.respond import guarded

log = structlog.get_logger("zwhub.gateway")

_NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the hub cannot serve without: `probe` returns quietly or raises.

    `seconds` bounds the probe. A check that is not `needed` (the cache) is reported as
    `degraded` and leaves the hub ready.
    """

    probe: Callable[[], Awaitable[object]]
    seconds: float = 2.0
    needed: bool = True


def health_routes(checks: Mapping[str, Check], registry: CollectorRegistry) -> list[Route]:
    """`/health/live`, `/health/ready` and `/metrics`.

    `ready` answers 503 and names the checks that failed, without a reason: a reason can hold an
    address or a password, so it goes to the log alone.
    """

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers=_NO_STORE)

    async def ready(_: Request) -> Response:
        fine = await asyncio.gather(*(_passes(name, check) for name, check in checks.items()))
        failed = [name for name, ok in zip(checks, fine, strict=True) if not ok]
        down = any(checks[name].needed for name in failed)
        body = {
            "status": "unready" if down else "degraded" if failed else "ready",
            "checks": {name: "failed" if name in failed else "ok" for name in checks},
        }
        return JSONResponse(body, 503 if down else 200, headers=_NO_STORE)

    async def metrics(request: Request) -> Response:
        encode, media = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), media_type=media, headers=_NO_STORE)

    return [
        Route("/health/live", guarded(live)),
        Route("/health/ready", guarded(ready)),
        Route("/metrics", guarded(metrics)),
    ]


async def _passes(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(check.seconds):
            await check.probe()
    except Exception as error:
        log.warning("a readiness check failed", check=name, error=type(error).__name__)
        return False
    return True
