"""Scale (规模): the tables divide as `docs/scale.md` says, and the hub does not notice."""

import asyncio
import re
from pathlib import Path

from sqlalchemy import text

from builders import Issuer
from commands import beside
from samplecity import SampleHub

DOCUMENT = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
SHARDS, TRACES = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)
DISTRIBUTED = re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", SHARDS)
KEYS = SHARDS[: SHARDS.index("SELECT create_distributed_table")]


# PostgreSQL has identity columns in partitioned tables from 17 on only.
NEXT_ID = """ALTER TABLE licence_statuses ALTER id
SET DEFAULT nextval(pg_get_serial_sequence('licence_statuses_whole', 'id'))"""


async def execute(hub: SampleHub, script: str) -> None:
    """Several statements, which only the driver's own call takes at once."""
    async with hub.db.engine.begin() as connection:
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert driver is not None
        await driver.execute(script)


def divided(table: str, column: str) -> str:
    """The table in four parts by hash: unique keys must hold the column, as in a sharded one."""
    parts = "".join(
        f"CREATE TABLE {table}_{n} PARTITION OF {table} FOR VALUES WITH (MODULUS 4, REMAINDER {n});"
        for n in range(4)
    )
    return (
        f"ALTER TABLE {table} RENAME TO {table}_whole;"
        f"CREATE TABLE {table} (LIKE {table}_whole INCLUDING DEFAULTS INCLUDING INDEXES) "
        f"PARTITION BY HASH ({column});{parts}"
        f"INSERT INTO {table} TABLE {table}_whole;"
    )


async def test_the_registry_in_shards(hub: SampleHub, issuer: Issuer) -> None:
    assert {table for table, _ in DISTRIBUTED} == {
        *("licences", "licence_names", "licence_holders", "licence_statuses"),
    }
    records = [issuer.a_licence(number=f"SHARD-{n}") for n in range(40)]
    await hub.collect(*records)
    mine = (await hub.ask("my-licences", first=50))["data"]["viewer"]
    await execute(hub, KEYS + "".join(divided(*one) for one in DISTRIBUTED) + NEXT_ID)
    for n, record in enumerate(records):
        assert (await hub.verify(number=f"SHARD-{n}"))["verdict"] == "GENUINE"
        assert (await hub.verify(jws=record))["verdict"] == "GENUINE"
    assert (await hub.ask("my-licences", first=50))["data"]["viewer"] == mine
    asked = {"licence": {"number": "SHARD-7"}, "status": "SUSPENDED", "reason": "查", "basis": "1"}
    answer = await hub.ask("change-licence-status", "elsewhere", input=asked)
    assert answer["data"]["changeLicenceStatus"]["__typename"] == "Licence", answer
    assert (await hub.verify(number="SHARD-7"))["reason"] == "SUSPENDED"


async def test_traces_by_month(hub: SampleHub, issuer: Issuer) -> None:
    record = issuer.a_licence()
    await hub.collect(record)
    before = await hub.verify(jws=record)
    await execute(hub, TRACES)
    await hub.verify(jws=record)
    asked = await hub.ask(
        "query Q($id: ID!) { node(id: $id) { id } }", "department", id=before["id"]
    )
    assert asked["data"]["node"]["id"] == before["id"]
    async with hub.db.read() as session:
        parts = text("SELECT count(*) FROM pg_inherits WHERE inhparent = 'verifications'::regclass")
        assert await session.scalar(parts) == 13
    done = await asyncio.to_thread(beside(hub), "ledger", "verify")
    assert (done.code, done.out) == (0, ""), done.err
