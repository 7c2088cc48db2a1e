"""Origins (网页来源): the web pages, besides the hub's own, whose browsers may call it."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware


def pages_elsewhere(origins: Sequence[str]) -> list[Middleware]:
    """CORS for the front ends named in the settings; without any, browsers keep others out."""
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT"],
            allow_headers=["authorization", "content-type", "accept-language"],
            expose_headers=["x-request-id", "retry-after"],
        )
    ]
