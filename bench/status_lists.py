"""How long a status list takes (状态列表耗时): `python bench/status_lists.py [COUNT]`.

COUNT (default 100,000) licences with a history, on an embedded PostgreSQL: reading all, reading one
change, signing both formats. The rows are of the right shape and signed by nobody: no list looks.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from sqlalchemy import text

from zwhub.gateway.status_lists import StatusListEndpoint
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.status_book import StatusBook, lists_for
from zwhub.licences.status_list import StatusLists
from zwhub.platform.database import Database
from zwhub.platform.embedded import embedded_servers
from zwhub.platform.migrate import migrate

# Every tenth licence is the second version of the one before it; one in seven was suspended.
LICENCES = """
INSERT INTO licences (series_key, version, type_code, issued_on, signed_at, collected_at, sealed)
SELECT md5('series ' || n - (n % 10 = 0)::int)::uuid, 1 + (n % 10 = 0)::int, '', '2024-01-01', now(),
       now(), decode(repeat('ab', 230), 'hex')
FROM generate_series(1, :count) n
"""
NAMES = """
INSERT INTO licence_names (key, version, licence_id, issued_on)
SELECT series_key, version, id, issued_on FROM licences
"""
HISTORY = """
INSERT INTO licence_statuses (licence_id, code, since, recorded_at, reason)
SELECT id, '02', now(), now(), '调查' FROM licences WHERE hashint8(id) % 7 = 0
"""
CHANGE = """
INSERT INTO licence_statuses (licence_id, code, since, recorded_at, reason)
SELECT id, '03', now(), now() + interval '1 s', '撤销' FROM licences WHERE id = :count / 2
"""


async def measure(url: str, count: int) -> None:
    """Print one line for each figure."""
    db = Database(url, pool_size=2)
    async with db.write() as session:
        await session.execute(text(LICENCES), {"count": count})
        await session.execute(text(NAMES))
        await session.execute(text(HISTORY))
    async with db.engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text("VACUUM ANALYZE"))
    book = StatusBook("https://hub.example")
    lists = StatusLists(db, book)
    await timed(f"read all of {count:,}", lists.refresh(datetime.now(UTC)))
    await timed("look and find nothing new", lists.refresh(datetime.now(UTC)))
    async with db.write() as session:
        await session.execute(text(CHANGE), {"count": count})
    await timed("read one change", lists.refresh(datetime.now(UTC)))
    endpoint = StatusListEndpoint(book, ReceiptKey.new())
    for purpose in ("", "revocation", "suspension"):
        for number in range(1, lists_for(count) + 1):
            began = perf_counter()
            signed = await endpoint._edition(number, purpose)
            took = (perf_counter() - began) * 1000
            size = len(signed.body) / 1024
            print(f"sign list {number} {purpose or 'token':<12} {took:8.1f} ms {size:8.0f} KiB")
    await db.close()


async def timed(what: str, work: Awaitable[None]) -> None:
    """Await the work and print how long it took."""
    began = perf_counter()
    await work
    print(f"{what:<32} {(perf_counter() - began) * 1000:8.1f} ms")


def main() -> None:
    """Load, measure, clean up."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="zwhub-bench-") as folder:
        Path(folder).chmod(0o711)  # under root the database's own account passes through
        with embedded_servers(Path(folder) / "data", cache=False, say=lambda _: None) as servers:
            migrate(servers.database_url)
            asyncio.run(measure(servers.database_url, count))


if __name__ == "__main__":
    main()
