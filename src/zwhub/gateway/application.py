"""The application (应用入口): a POST to the API goes straight to it; the rest goes by its route."""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from zwhub.gateway.origins import pages_elsewhere

PATHS = frozenset({"/graphql", "/graphql/"})


class Application(Starlette):
    """Starlette, but for a POST to `/graphql`: its frames cost more than the hub's own door.

    With pages from elsewhere allowed, what such a page sends goes through Starlette's CORS; the
    endpoint answers its own faults, so that nothing else is left out.
    """

    def __init__(self, graphql: ASGIApp, allowed_origins: Sequence[str], **rest: Any) -> None:
        super().__init__(middleware=pages_elsewhere(allowed_origins), **rest)
        self._graphql = graphql
        self._elsewhere = bool(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_direct(scope):
            await self._graphql(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _is_direct(self, scope: Scope) -> bool:
        return (
            scope["method"] == "POST"
            and scope["path"] in PATHS
            and not scope.get("root_path")
            and not (self._elsewhere and any(name == b"origin" for name, _ in scope["headers"]))
        )
