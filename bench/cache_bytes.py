"""Bytes of cache memory a licence takes (缓存占用): `python bench/cache_bytes.py DATA_DIR [COUNT]`.

Takes COUNT (default 100,000) licences from the hub of DATA_DIR (embedded, not running), keeps them
in an empty Valkey as look-ups by number do, and asks Valkey how much memory that took.
"""

import asyncio
import sys
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import select

from zwhub.licences.gather import RECORD_TTL, _place, packed
from zwhub.licences.model import Licence, LicenceName
from zwhub.licences.vault import Kept, Slot
from zwhub.platform.cache import Cache
from zwhub.platform.cache_servers import cache_servers
from zwhub.platform.database import Database
from zwhub.platform.embedded import embedded_servers

AT_ONCE = 5_000


async def measure(database_url: str, redis_url: str, count: int) -> None:
    """Print the figure."""
    db, cache, servers = (
        Database(database_url),
        Cache(redis_url, timeout=5),
        cache_servers(redis_url, 5),
    )
    await servers.ask("CONFIG", "SET", "maxmemory", "0")
    query = (
        select(
            *(LicenceName.key, Licence.id, Licence.series_key, Licence.version),
            *(Licence.sealed, Licence.collected_at),
        )
        .join(Licence, Licence.id == LicenceName.licence_id)
        .where(LicenceName.key != Licence.series_key, Licence.id > 0)
        .order_by(Licence.id)
        .limit(count)
    )
    async with db.read() as session:
        rows = (await session.execute(query)).all()
    values = {_place(Slot(row.key, row.version)): packed(Kept(*row[1:])) for row in rows}
    names = list(values)
    before = await used(redis_url)
    for start in range(0, len(names), AT_ONCE):
        part = {name: values[name] for name in names[start : start + AT_ONCE]}
        if not await cache.set_many(part, RECORD_TTL):
            sys.exit("the cache does not take them")
    after = await used(redis_url)
    plain = sum(map(len, values.values())) / len(values)
    print(
        f"{len(values):,} licences: {(after - before) / len(values):.0f} bytes each, {plain:.0f} of them value"
    )
    await cache.close()
    await servers.close()
    await db.close()


async def used(redis_url: str) -> int:
    """Valkey's memory in use."""
    async with Redis.from_url(redis_url) as client:
        return int((await client.info("memory"))["used_memory"])


def main() -> None:
    """Start the servers, measure."""
    folder = Path(sys.argv[1]).absolute()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    with embedded_servers(folder, say=print) as servers:
        asyncio.run(measure(servers.database_url, servers.redis_url, count))


if __name__ == "__main__":
    main()
