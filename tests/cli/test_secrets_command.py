"""`zwhub secrets` (密钥): turned over beside a running hub, resumed after a kill, old keys gone."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from builders import Issuer, body_of, trusting
from commands import Command, Done, beside, environment_beside, zwhub
from samplecity import CITIZEN, SampleCity, SampleHub, a_hub
from servers import FreshDatabase, ServerUrls, sweep
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.sealing import DataKeys
from zwhub.licences import store_vault
from zwhub.licences.reseal import count
from zwhub.platform.private_files import write_private

CREATE = "mutation { createUpload(input: {size: 5}) { ... on Upload { id ticket } } }"
LATER = text("UPDATE secret_marks SET emptied_at = emptied_at - interval '1 hour'")


@pytest.fixture
async def hub(
    sample_city: SampleCity,
    fresh_database: FreshDatabase,
    server_urls: ServerUrls,
    tmp_path: Path,
) -> AsyncIterator[SampleHub]:
    """A hub with keys of its own: other modules' databases lie under the sample's."""
    data_dir = tmp_path / "data"
    shutil.copytree(sample_city.data_dir, data_dir)
    city = replace(sample_city, data_dir=data_dir)
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(city, url, server_urls.redis_url) as one,
    ):
        yield one


@pytest.fixture
async def issuer(hub: SampleHub, issuer_keys: dict[Algorithm, Issuer]) -> Issuer:
    one = issuer_keys[Algorithm.ES256]
    await trusting(hub.db, one)
    return one


async def run(command: Command, *words: str | Path) -> Done:
    """The command on a thread: it makes an event loop of its own."""
    return await asyncio.to_thread(command, *words)


async def amounts(hub: SampleHub) -> dict[int, dict[str, int]]:
    async with hub.db.read() as session:
        return {number: dict(rows) for number, rows in (await count(session)).items()}


async def execute(hub: SampleHub, statement: str) -> None:
    async with hub.db.write() as session:
        await session.execute(text(statement))


async def an_upload(hub: SampleHub) -> str:
    made = (await hub.ask(CREATE, "department"))["data"]["createUpload"]
    said = hub.headers("department")
    put = await hub.http.put(f"/uploads/{made['ticket']}", content=b"hello", headers=said)
    assert put.status_code == 201
    return str(made["id"])


async def verdict(hub: SampleHub, number: str) -> str:
    return str((await hub.verify(number=number))["verdict"])


async def test_a_rotation_beside_a_running_hub(
    hub: SampleHub, issuer: Issuer, server_urls: ServerUrls
) -> None:
    record, refused = issuer.a_licence(), "no record"
    number = body_of(record)["number"]
    await hub.collect(record, refused)
    upload = await an_upload(hub)
    assert await verdict(hub, number) == "GENUINE"  # from now on in the cache, under key 1
    before = (await amounts(hub))[1]
    assert set(before) == {"licences", "quarantined_records", "upload_pieces"}

    done = await run(beside(hub), "secrets", "rotate")
    assert done.code == 0, done.err
    assert "all lie under key 2" in done.err
    assert await amounts(hub) == {2: before}
    assert await verdict(hub, number) == "GENUINE"
    later = issuer.a_licence()
    await hub.collect(later)
    assert (await amounts(hub))[2]["licences"] == before["licences"] + 1
    await sweep(server_urls.redis_url, hub.hub.cache._namespace)
    assert await verdict(hub, number) == "GENUINE"
    asked = {"upload": upload, "purpose": "窗口核对"}
    found = await hub.ask("verify-licence-file", "department", input=asked)
    assert found["data"]["verifyLicenceFile"]["verdict"] == "INDETERMINATE"  # it was read

    shown = (await run(beside(hub), "secrets", "show")).out
    assert "old" in shown.splitlines()[1]
    assert "current" in shown.splitlines()[2]
    assert f"licences {before['licences'] + 1:,}" in shown.splitlines()[2]


async def test_old_keys_go_when_nothing_needs_them(hub: SampleHub, issuer: Issuer) -> None:
    command, ring = beside(hub), hub.vault.sealer.ring
    nothing = await run(command, "secrets", "forget")
    assert (nothing.code, "no old key" in nothing.err) == (0, True)
    await run(command, "secrets", "rotate")
    early = await run(command, "secrets", "forget")
    assert (early.code, "again in 11 minutes" in early.err) == (1, True)

    async with hub.db.write() as session:  # one that was on its way for that long
        await session.execute(LATER)
        column = store_vault.COLUMNS[0]
        row, *_ = await store_vault.under(session, column, lambda number: number == 2, None)
        late = replace_key(hub, ring, row)
        await store_vault.replace(session, column, [(row.key, late)])
    needed = await run(command, "secrets", "forget")
    assert (needed.code, "rotate` first" in needed.err) == (1, True)
    assert (await amounts(hub))[1] == {"licences": 1}

    again = await run(command, "secrets", "rotate")
    assert "Going on" in again.err
    assert "1 values were sealed again; all lie under key 2" in again.err
    async with hub.db.write() as session:
        await session.execute(LATER)
    gone = await run(command, "secrets", "forget")
    assert (gone.code, "Gone: the keys 1" in gone.err) == (0, True)
    assert list(hub.vault.sealer.ring.keys) == [2]
    shown = await run(command, "secrets", "show")  # the key is not missed
    assert shown.code == 0, shown.err
    record = issuer.a_licence()
    await hub.collect(record)
    assert await verdict(hub, body_of(record)["number"]) == "GENUINE"


def replace_key(hub: SampleHub, ring: DataKeys, row: store_vault.Sealed) -> bytes:
    """The value as a process would have sealed it that knew the old ring alone."""
    plain = hub.vault.sealer.open(row.value, row.about)
    return type(hub.vault.sealer)(lambda: ring).seal(plain, row.about)


async def test_killed_in_the_middle_it_goes_on(hub: SampleHub) -> None:
    await execute(hub, COPIES)
    total = (await amounts(hub))[1]["licences"]
    assert total > 30_000
    process = await start(hub, "rotate")
    while 2 not in (found := await amounts(hub)):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    await process.communicate()
    found = await amounts(hub)
    assert 0 < found[2]["licences"] < total
    done = await run(beside(hub), "secrets", "rotate")
    assert done.code == 0, done.err
    assert "Going on" in done.err
    assert (await amounts(hub))[2]["licences"] == total
    assert 1 not in await amounts(hub)


# Copies of what lies there; a value is bound to its series and version alone.
COPIES = """
INSERT INTO licences (id, series_key, version, type_code, issued_on, signed_at, collected_at, sealed)
OVERRIDING SYSTEM VALUE
SELECT id + n * 1000000, series_key, version, type_code, issued_on, signed_at, collected_at, sealed
FROM licences, generate_series(1, 60) AS n"""


async def start(hub: SampleHub, *words: str) -> asyncio.subprocess.Process:
    english = {"LC_ALL": "C.UTF-8", "COLUMNS": "200", "PATH": os.environ["PATH"]}
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    command = "from zwhub.cli import main; main()"
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", command, "secrets", *words),
        env={**english, **path, **environment_beside(hub)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_nothing_stays_behind_that_comes_meanwhile(hub: SampleHub, issuer: Issuer) -> None:
    """A hub takes in licences while the keys turn over twice; all open afterwards."""
    await execute(hub, COPIES)
    taken: list[str] = []

    async def collect() -> None:
        while not stop.is_set():
            several = [issuer.a_licence() for _ in range(5)]
            await hub.collect(*several)
            taken.extend(several)

    stop = asyncio.Event()
    collecting = asyncio.create_task(collect())
    for turn in (2, 3):
        before = len(taken)
        done = await run(beside(hub), "secrets", "rotate")
        assert f"all lie under key {turn}" in done.err
        assert len(taken) > before
    stop.set()
    await collecting
    assert set(await amounts(hub)) == {3}
    async with hub.db.write() as session:
        await session.execute(LATER)
    gone = await run(beside(hub), "secrets", "forget")
    assert "Gone: the keys 1, 2" in gone.err
    for start in range(0, len(taken), 1_000):
        asked = [{"identifier": body_of(one)["identifier"]} for one in taken[start : start + 1_000]]
        batch = {"licences": asked, "purpose": "核对"}
        answer = await hub.ask("verify-licences", "department", input=batch)
        counts = {
            one["verdict"]: one["count"] for one in answer["data"]["verifyLicences"]["counts"]
        }
        assert counts["GENUINE"] == len(asked)


async def test_an_altered_row_is_named_and_left(hub: SampleHub, issuer: Issuer) -> None:
    await hub.collect("no record")
    await execute(hub, "UPDATE quarantined_records SET record = set_byte(record, 20, 0)")
    await execute(hub, "UPDATE quarantined_records SET record = set_byte(record, 21, 0)")
    done = await run(beside(hub), "secrets", "rotate")
    assert done.code == 3
    assert "1 values were altered" in done.err
    assert done.out.startswith("quarantined_records ")
    async with hub.db.write() as session:
        await session.execute(LATER)
    gone = await run(beside(hub), "secrets", "forget")  # it opens under no key: none is needed
    assert gone.code == 0, gone.err
    shown = (await run(beside(hub), "secrets", "show")).out
    assert "unknown" in shown.splitlines()[1]


async def test_a_key_prepared_for_other_machines(hub: SampleHub) -> None:
    command = beside(hub)
    for _ in range(2):  # a second time it is still the same
        done = await run(command, "secrets", "rotate", "--prepare")
        assert (done.code, "Key 2 is ready" in done.err) == (0, True)
    assert set(await amounts(hub)) == {1}
    await run(command, "secrets", "rotate")
    assert set(await amounts(hub)) == {2}


async def test_two_at_once(hub: SampleHub) -> None:
    async with store_vault.turning_alone(hub.db) as free:
        assert free
        done = await run(beside(hub), "secrets", "rotate")
    assert (done.code, "Another process" in done.err) == (1, True)
    assert (await run(beside(hub), "secrets", "rotate")).code == 0


async def test_other_secrets_are_refused_at_once(hub: SampleHub, tmp_path: Path) -> None:
    """By each command that opens the database; the data folder's own name its fingerprint."""
    stranger = {**environment_beside(hub), "ZWHUB_DATA_DIR": str(tmp_path / "other")}
    shutil.copytree(hub.city.data_dir, tmp_path / "other")
    index = tmp_path / "other" / "secrets" / "index.key"
    (tmp_path / "a.csv").write_text("record\nx\n")
    commands: list[tuple[str | Path, ...]] = [
        ("secrets", "show"),
        ("secrets", "rotate"),
        ("secrets", "forget"),
        ("licences", "load", tmp_path / "a.csv"),
        ("ledger", "verify"),
        ("serve", "--port", "0"),
        ("demo", "--port", "0"),
    ]
    write_private(index, bytes(32))
    for words in commands:
        done = await asyncio.to_thread(zwhub, *words, environment=stranger)
        assert done.code == 1, words
        assert "another index key (index.key), fingerprint" in done.err
        assert hub.vault.marks()["index"].hex() in done.err
    shutil.copy(hub.city.data_dir / "secrets" / "index.key", index)
    ring = tmp_path / "other" / "secrets" / "data.keys"
    write_private(ring, DataKeys.new().text())
    other = await asyncio.to_thread(zwhub, "secrets", "show", environment=stranger)
    assert "another key 1 of data.keys" in other.err
    write_private(ring, DataKeys(2, {2: bytes(32)}).text())
    lacking = await asyncio.to_thread(zwhub, "secrets", "show", environment=stranger)
    assert (lacking.code, "needs key 1 of data.keys" in lacking.err) == (1, True)
    assert CITIZEN not in lacking.err


async def test_key_files_elsewhere(hub: SampleHub, tmp_path: Path) -> None:
    """Named by the settings: used, replaced there, refused when open to others or not there."""
    own = hub.city.data_dir / "secrets"
    keys, index = tmp_path / "mounted" / "ring", tmp_path / "mounted" / "index"
    keys.parent.mkdir()
    shutil.move(own / "data.keys", keys)
    shutil.move(own / "index.key", index)
    named = {
        **environment_beside(hub),
        "ZWHUB_DATA_KEYS_FILE": str(keys),
        "ZWHUB_INDEX_KEY_FILE": str(index),
    }

    async def tried(*words: str) -> Done:
        return await asyncio.to_thread(zwhub, "secrets", *words, environment=named)

    done = await tried("rotate")
    assert done.code == 0, done.err
    assert DataKeys.parse(keys.read_bytes()).current == 2
    assert sorted(one.name for one in keys.parent.iterdir()) == ["index", "ring"]
    assert not (own / "data.keys").exists()
    keys.chmod(0o640)
    with pytest.raises(Exception, match="chmod 600"):
        await tried("show")
    keys.chmod(0o600)
    index.write_bytes(b"short")
    with pytest.raises(Exception, match="not the key file it should be"):
        await tried("show")
    index.unlink()
    with pytest.raises(Exception, match="is not there or cannot be read"):
        await tried("show")
