import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from frontdoor import NUMBER, Hub
from server import serving

pytestmark = pytest.mark.node


@pytest_asyncio.fixture
async def address() -> AsyncIterator[str]:
    async with serving(Hub().app()) as address:
        yield address


async def node(folder: Path, script: str, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        "node", script, *arguments, cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def test_every_graphql_over_http_audit_passes(packages: Path, address: str) -> None:
    audits = await node(packages, "audit.mjs", f"http://{address}/graphql")
    assert len(audits) == 61
    assert [audit for audit in audits if audit["status"] != "ok"] == []


async def over_ws(
    folder: Path, address: str, token: str, *documents: dict[str, Any]
) -> list[list[Any]]:
    url = f"ws://{address}/graphql"
    answers: list[list[Any]] = await node(
        folder, "subscribe.mjs", url, token, json.dumps(documents)
    )
    return answers


async def test_graphql_ws_runs_every_kind_of_operation(packages: Path, address: str) -> None:
    answers = await over_ws(
        packages,
        address,
        "Bearer clerk",
        {"query": "{ node { name } }"},
        {"query": "mutation { slow(seconds: 0) }"},
        {"query": "subscription($to: Int!) { count(to: $to) }", "variables": {"to": 3}},
        {"query": "{ caller }"},
    )
    told = [[one["data"] for one in each] for each in answers]
    assert told[:2] == [[{"node": {"name": "root"}}], [{"slow": "done"}]]
    assert told[2] == [{"count": number} for number in (1, 2, 3)]
    assert answers[3][0]["data"]["caller"].startswith("clerk-1 ")


async def test_graphql_ws_reads_our_errors(packages: Path, address: str) -> None:
    nowhere, broken = await over_ws(
        packages, address, "", {"query": "{ nowhere }"}, {"query": "subscription { breaking }"}
    )
    assert nowhere[0]["failed"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert broken[0]["data"] == {"breaking": 1}
    assert NUMBER not in json.dumps(broken)
    assert "INTERNAL_SERVER_ERROR" in json.dumps(broken)


async def test_graphql_ws_sees_a_bad_token_as_forbidden(packages: Path, address: str) -> None:
    answers = await over_ws(packages, address, "Bearer nobody", {"query": "{ caller }"})
    assert answers == [[{"failed": {"code": 4403, "reason": "Forbidden"}}]]
