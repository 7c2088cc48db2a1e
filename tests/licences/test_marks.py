"""Marks (密钥印记): the first secrets are the database's; others are told so, also in a race."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from samplecity import SampleCity, SampleHub, a_hub
from servers import ServerUrls
from zwhub.kernel.crypto.sealing import DataKeys, Sealer
from zwhub.licences import store_vault as store
from zwhub.licences.marks import OtherSecrets, require_own_secrets
from zwhub.licences.vault import Vault
from zwhub.platform.database import Database

NOW = select(func.now())


def a_vault(secret: int = 1, ring: DataKeys | None = None) -> Vault:
    kept = ring or DataKeys.new()
    return Vault(bytes([secret]) * 32, Sealer(lambda: kept))


async def own(db: Database, vault: Vault) -> bool:
    try:
        async with db.write() as session:
            await require_own_secrets(session, vault)
    except OtherSecrets:
        return False
    return True


async def test_of_two_that_begin_at_once_one_is_refused(empty_database: Database) -> None:
    ring = DataKeys.new()
    vaults = [a_vault(secret, ring) for secret in (1, 2)]
    begun = await asyncio.gather(*(own(empty_database, vaults[n % 2]) for n in range(12)))
    winners = {vaults[n % 2].index_secret for n, good in enumerate(begun) if good}
    assert len(winners) == 1
    assert sum(begun) == 6  # all of the one, none of the other
    async with empty_database.read() as session:
        assert set(await store.marks(session)) == {"index", "data 1"}


async def test_two_with_the_same_secrets_begin_at_once(empty_database: Database) -> None:
    vault = a_vault()
    assert all(await asyncio.gather(*(own(empty_database, vault) for _ in range(8))))


async def test_a_key_is_needed_until_nothing_lies_under_it(empty_database: Database) -> None:
    ring = DataKeys.new()
    assert await own(empty_database, a_vault(ring=ring))
    turned = ring.turned()
    assert await own(empty_database, a_vault(ring=turned))
    assert not await own(empty_database, a_vault(ring=turned.without([1])))
    assert not await own(empty_database, a_vault(ring=ring))  # a copy from before the turn
    async with empty_database.write() as session:
        marks = await store.marks(session)
        assert marks["data 1"].fingerprint == a_vault(ring=ring).marks()["data 1"]
        await store.note_emptied(session, ["data 1"], await session.scalar(NOW))
    assert await own(empty_database, a_vault(ring=turned.without([1])))
    assert not await own(empty_database, a_vault(2, turned))


async def test_a_hub_over_anothers_database_does_not_start(
    hub: SampleHub, sample_city: SampleCity, server_urls: ServerUrls, tmp_path: Path
) -> None:
    url = hub.db.engine.url.render_as_string(hide_password=False)
    other = replace(sample_city, data_dir=tmp_path)
    with pytest.raises(OtherSecrets, match=hub.vault.marks()["index"].hex()) as refused:
        async with a_hub(other, url, server_urls.redis_url):
            pass
    assert hub.vault.index_secret.hex() not in str(refused.value)
