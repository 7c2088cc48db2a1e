"""Connections that PostgreSQL ends at any moment (连接中断): 200 or 503, never a fault of the hub's own."""

import asyncio
import random
from collections import Counter
from typing import Any

import asyncpg
import structlog

from builders import Issuer
from samplecity import CITIZEN, OPERATIONS, SampleHub

ASKERS, KILLS = 24, 40
END_ALL = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
AND ($1 OR random() < 0.4)"""
ONE = "{ licence(by: {number: %s}) { number name status statusHistory { since } } }"


def questions(number: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What comes all day: the document, who asks, with which variables."""
    asked = {"purpose": "断线", "licences": [{"number": number}] * 3}
    verify = {"purpose": "断线", "licence": {"number": number}}
    holder = {"itemCodes": [], "holder": {"code": CITIZEN}}
    return [
        (ONE % f'"{number}"', "department", {}),
        ("verify-licence", "department", {"input": verify}),
        ("verify-licence", "department", {"input": {**verify, "licence": {"number": "NONE"}}}),
        ("verify-licences", "department", {"input": asked}),
        ("my-licences", "citizen", {"first": 10}),
        ("access-log", "citizen", {"first": 5}),
        ("{ businessMatters { code leadOrganisation { name } } }", "anonymous", {}),
        ("licence-supermarket", "department", {"input": holder}),
    ]


async def test_no_answer_is_a_fault(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect(issuer.a_licence(number="LOST"))
    seen: Counter[tuple[int, str]] = Counter()
    over = asyncio.Event()

    async def asker(seed: int) -> None:
        chance = random.Random(seed)
        while not over.is_set():
            document, persona, variables = chance.choice(questions("LOST"))
            body = {"query": OPERATIONS.get(document, document), "variables": variables}
            answer = await hub.http.post("/graphql", json=body, headers=hub.headers(persona))
            codes = {one["extensions"]["code"] for one in answer.json().get("errors", ())}
            for code in codes or {"OK"}:
                seen[answer.status_code, code] += 1

    async def ending() -> None:
        url = hub.db.engine.url.set(drivername="postgresql")
        killer = await asyncpg.connect(url.render_as_string(hide_password=False))
        chance = random.Random(7)
        for number in range(KILLS):
            await asyncio.sleep(chance.uniform(0, 0.1))
            await killer.fetchval(END_ALL, number % 3 == 0)
        await killer.close()
        over.set()

    with structlog.testing.capture_logs() as said:
        await asyncio.gather(ending(), *(asker(seed) for seed in range(ASKERS)))
    faults = [one for one in said if one["log_level"] == "error"]
    assert faults == []
    assert {status for status, _ in seen} <= {200, 503}, seen
    assert {code for _, code in seen} <= {"OK", "SERVICE_UNAVAILABLE", "EXECUTION_TIMEOUT"}, seen
    assert seen[200, "OK"] > KILLS
    assert "errors" not in await hub.ask(ONE % '"LOST"', "department")
