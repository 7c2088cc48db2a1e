from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from frontdoor import Hub


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest_asyncio.fixture
async def http(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `hub`, in the developer's profile, without a socket between them."""
    transport = httpx.ASGITransport(hub.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client
