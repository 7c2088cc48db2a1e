"""Loading (批量入库压测): `python bench/loading.py DATA_DIR FILES [--held N] [--once]`.

DATA_DIR is the data folder of a demo hub that was stopped, FILES the folder into which `zwhub licences
generate --data-dir DATA_DIR` wrote JSON lines. They are loaded twice, each time into a fresh copy of
DATA_DIR: those that have a batch signature as they are, then all of them without any, so that every
record's own signature is verified. With `--once` they are loaded once, all as they are. With `--held`
the tables hold N other licences before, with their indexes. The raw limits are measured in the same
run: P-256 and SHA-256 of OpenSSL, COPY of ready rows. CPU is that which the processes used, whatever
else the machine did meanwhile; memory the largest sum of proportional sets of the loader's processes,
PostgreSQL's left out. Needs openssl.
Prints a table.
"""

import argparse
import asyncio
import contextlib
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import text

from zwhub.licences import copying, store, store_deliveries
from zwhub.platform.database import Database
from zwhub.platform.embedded import embedded_servers

TICKS = os.sysconf("SC_CLK_TCK")
READY, AT_ONCE = 50_000, 5_000  # rows of the raw COPY
FILL = 500_000  # other licences at a time
OTHERS = (
    """INSERT INTO licences SELECT :last + g, gen_random_uuid(), 1, '119900000000000190C001',
       date '2015-01-01' + (g % 4000)::int, now(), now(),
       decode(repeat(md5(g::text), 14), 'hex') FROM generate_series(1, :count) g""",
    """INSERT INTO licence_names SELECT key, version, id, issued_on FROM (
       SELECT series_key AS key, version, id, issued_on FROM licences WHERE id > :last UNION ALL
       SELECT gen_random_uuid(), version, id, issued_on FROM licences WHERE id > :last) named""",
    "INSERT INTO licence_holders SELECT gen_random_uuid(), id FROM licences WHERE id > :last",
)


@dataclass(frozen=True)
class Line:
    """One line of the table: records, seconds, and CPU of either side in µs a record."""

    what: str
    rows: int
    seconds: float
    loader: float | None = None
    postgres: float | None = None
    memory: float | None = None  # MiB


@contextlib.contextmanager
def hub(data_dir: Path, held: int) -> Iterator[tuple[Path, str, int]]:
    """A copy of the data folder with its database running: folder, URL, the server's process."""
    with tempfile.TemporaryDirectory(prefix="loading-", dir=data_dir.parent) as folder:
        Path(folder).chmod(0o711)  # the server's account must reach its own part
        copy = Path(folder) / "data"
        subprocess.run(["cp", "-a", str(data_dir), str(copy)], check=True)
        with embedded_servers(copy, cache=False, say=lambda _: None) as servers:
            server = asyncio.run(fill(servers.database_url, held))
            yield copy, servers.database_url, server


async def fill(url: str, held: int) -> int:
    """Put other licences into the tables; the process of the server."""
    db = Database(url)
    for _ in range(0, held, FILL):
        async with db.write() as session:
            last = await session.scalar(text("SELECT max(id) FROM licences")) or 0
            await store.reserve_ids(session, FILL)
            for statement in OTHERS:
                await session.execute(text(statement), {"last": last, "count": FILL})
    async with db.read() as session:
        server = parent(int(await session.scalar(text("SELECT pg_backend_pid()")) or 0))
    await db.close()
    return server


def fields(pid: int) -> list[str]:
    """`/proc/PID/stat` behind the name: state, parent …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def parent(pid: int) -> int:
    return int(fields(pid)[1])


def family(head: int) -> list[int]:
    """A process and all below it."""
    found, known = [head], [int(one) for one in os.listdir("/proc") if one.isdigit()]
    parents = {}
    for pid in known:
        with contextlib.suppress(OSError):
            parents[pid] = parent(pid)
    for one in found:
        found.extend(pid for pid, above in parents.items() if above == one)
    return found


def server_cpu(server: int) -> float:
    """Seconds of CPU of all server processes, those that have ended included."""
    total = sum(int(one) for one in fields(server)[13:15])
    for pid in family(server):
        with contextlib.suppress(OSError):
            total += sum(int(one) for one in fields(pid)[11:13])
    return total / TICKS


def children_cpu() -> float:
    """Seconds of CPU of all that this process has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(head: int) -> float:
    """MiB of a process and those below it, shared pages divided among them."""
    total = 0
    for pid in family(head):
        with contextlib.suppress(OSError):
            found = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
            total += int(found[1]) if found else 0
    return total / 1024


def loaded(what: str, data_dir: Path, server: int, files: Sequence[Path]) -> Line:
    """`zwhub licences load` of the files, in a process of its own beside the running database."""
    command = [sys.executable, "-c", "from zwhub.cli import main; main()", "licences", "load"]
    before, begun, peak = (children_cpu(), server_cpu(server)), time.monotonic(), 0.0
    words = [*command, "--data-dir", str(data_dir), *map(str, files)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.5):
            peak = max(peak, memory(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _ = process.communicate()
    seconds = time.monotonic() - begun
    ended.set()
    watcher.join()
    print(said)
    rows = sum(int(one.replace(",", "")) for one in re.findall(r": \S+ ([\d,]+) · ", said))
    own, theirs = children_cpu() - before[0], server_cpu(server) - before[1]
    return Line(what, rows, seconds, own / rows * 1e6, theirs / rows * 1e6, peak)


async def copied(url: str, server: int) -> Line:
    """COPY of rows that are ready, into the same three tables, a transaction for each 5,000."""
    db, seconds, cpu = Database(url), 0.0, 0.0
    now = copying.moment_number(datetime.now(UTC))
    for _ in range(0, READY, AT_ONCE):
        keys = [os.urandom(16) for _ in range(3 * AT_ONCE)]
        day = copying.day_number(date(2024, 5, 1))
        values = [
            copying.licence_values((key, 1), "1" * 21, day, (now, now), os.urandom(230))
            for key in keys[:AT_ONCE]
        ]
        before, begun = server_cpu(server), time.monotonic()
        async with db.write() as session:
            first = await store.reserve_ids(session, AT_ONCE)
            names = copying.names((key, 1, n // 2, day) for n, key in enumerate(keys[AT_ONCE:]))
            holders = copying.holders((key, n) for n, key in enumerate(keys[:AT_ONCE]))
            tables = (
                copying.counted_from(first, names, copying.OF_NAMES),
                copying.licences(first, values),
                copying.counted_from(first, holders, copying.OF_HOLDERS),
            )
            await store_deliveries.copy_in(session, *tables, [])
        seconds += time.monotonic() - begun
        cpu += server_cpu(server) - before
    await db.close()
    return Line("limit: COPY of ready rows", READY, seconds, None, cpu / READY * 1e6)


def openssl(what: str, *words: str) -> str:
    command = ["openssl", "speed", "-seconds", "3", *words]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"limit: {what}: {out.strip().splitlines()[-1]}"


def show(line: Line) -> None:
    numbers = (line.loader, line.postgres, line.memory)
    cells = (f"{'' if one is None else f'{one:,.1f}':>10}" for one in numbers)
    print(f"{line.what:34}{line.rows:>11,}{line.rows / line.seconds:>12,.0f}", *cells)


def once(data_dir: Path, held: int, files: Sequence[Path]) -> list[Line]:
    """All files as they are."""
    with hub(data_dir, held) as (copy, _, server):
        return [loaded("as they are", copy, server, files)]


def twice(data_dir: Path, held: int, files: Sequence[Path]) -> list[Line]:
    """Those under a batch signature; COPY of ready rows behind them; all files without any."""
    vouched = [one for one in files if one.with_name(one.name + ".batch.jws").exists()]
    with hub(data_dir, held) as (copy, url, server):
        lines = [loaded("under batch signatures", copy, server, vouched)]
        lines.append(asyncio.run(copied(url, server)))
    with hub(data_dir, held) as (copy, _, server), tempfile.TemporaryDirectory() as folder:
        bare = [Path(folder) / one.name for one in files]
        for link, file in zip(bare, files, strict=True):
            link.symlink_to(file.absolute())
        return [*lines, loaded("every signature verified", copy, server, bare)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("data_dir", type=Path)
    words.add_argument("files", type=Path)
    words.add_argument("--held", type=int, default=0)
    words.add_argument("--once", action="store_true")
    given = words.parse_args()
    files = sorted(given.files.glob("part-*.jsonl"))
    lines = (once if given.once else twice)(given.data_dir, given.held, files)
    print(f"{'':34}{'records':>11}{'a second':>12}   loader µs  server µs  memory MiB")
    for line in lines:
        show(line)
    print(openssl("P-256", "ecdsap256"))
    print(openssl("SHA-256, blocks of 16 KiB", "-bytes", "16384", "-evp", "sha256"))


if __name__ == "__main__":
    main()
