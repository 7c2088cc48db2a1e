"""Look-ups over HTTP (证照查询压测): `python bench/look_ups.py DATA_DIR FILES [--seconds N]`.

DATA_DIR holds a demo hub into which the files of FILES (`zwhub licences generate`) were loaded;
their numbers are asked for at random. The hub is pinned to one core, its PostgreSQL and Valkey and
the load to another. What one core can do at most is measured in the same run: a constant body
through the same server, GETs, prepared point selects, signatures. Needs wrk, redis-benchmark,
pgbench, taskset and openssl (Debian: wrk redis-tools postgresql-contrib util-linux openssl).
Prints a table; writes it to look_ups.json beside this file.
"""

import argparse
import base64
import contextlib
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zwhub.platform.embedded import database_in_use, embedded_servers

PORT, CONNECTIONS = 8077, 32
HUB_CORE, LOAD_CORE = "0", "1"
NUMBERS = 200_000
TOOLS = ("wrk", "redis-benchmark", "pgbench", "taskset", "openssl")
TICKS = os.sysconf("SC_CLK_TCK")

LOOK_UP = (
    "query Q($by: LicenceKey!) { licence(by: $by) { number name issuedOn validUntil status } }"
)
VERIFY = (
    "mutation V($input: VerifyLicenceInput!) { verifyLicence(input: $input) "
    "{ ... on Verification { verdict reason receipt } ... on UserError { code } } }"
)
BATCH = (
    "mutation B($input: VerifyLicencesInput!) { verifyLicences(input: $input) "
    "{ ... on VerificationBatch { receipt verifications { verdict reason } } "
    "... on UserError { code } } }"
)
# Each thread walks through its own shuffled part of the bodies.
SCRIPT = """
local bodies, at, step = {{}}, 0, 1
for line in io.lines("{bodies}") do bodies[#bodies + 1] = line end
math.randomseed({seed} + tonumber(tostring({{}}):sub(8)) % 100000)
at = math.random(#bodies)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/graphql-response+json"
wrk.headers["Authorization"] = "Bearer {token}"
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, "/graphql", nil, bodies[at])
end
done = function(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.read + summary.errors.timeout + summary.errors.connect))
end
"""


@dataclass(frozen=True)
class Result:
    """One line of the table: per second, milliseconds, and CPU of the hub in µs a request."""

    what: str
    rate: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    note: str = ""


class Hub:
    """A hub in a process of its own, pinned, with its servers on the other core."""

    def __init__(self, process: "subprocess.Popen[str]", data_dir: Path) -> None:
        self.process, self.data_dir = process, data_dir

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the hub's own process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def resident(self) -> float:
        """MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0


@contextlib.contextmanager
def hub(data_dir: Path) -> Iterator[Hub]:
    command = [sys.executable, "-c", "from zwhub.cli import main; main()", "demo"]
    words = ["--port", str(PORT), "--data-dir", str(data_dir)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([*command, *words], stdout=log, stderr=log, text=True)
        try:
            wait_ready()
            children = subprocess.run(
                ["pgrep", "-P", str(process.pid)], capture_output=True, text=True
            ).stdout.split()
            pin(process.pid, HUB_CORE)
            for child in children:
                pin(int(child), LOAD_CORE)
                for grandchild in subprocess.run(
                    ["pgrep", "-P", child], capture_output=True, text=True
                ).stdout.split():
                    pin(int(grandchild), LOAD_CORE)
            yield Hub(process, data_dir)
        finally:
            process.terminate()
            process.wait()


def pin(pid: int, core: str) -> None:
    subprocess.run(["taskset", "-a", "-p", "-c", core, str(pid)], capture_output=True, check=False)


def wait_ready() -> None:
    for _ in range(600):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=1)
            return
        time.sleep(0.2)
    sys.exit("the hub does not start")


def numbers_in(folder: Path, count: int) -> list[str]:
    """Licence numbers of random records, from many places of the generated files."""
    files = sorted(folder.glob("part-*.jsonl"), key=lambda one: one.stat().st_size)[-32:]
    total, found = sum(one.stat().st_size for one in files), []
    for file in files:
        share = count * file.stat().st_size // total
        with file.open("rb") as lines:
            for _ in range(share // 20):
                lines.seek(random.randrange(max(file.stat().st_size - 60_000, 1)))
                lines.readline()
                for _ in range(20):
                    record = json.loads(lines.readline())["record"]
                    payload = record.split(".")[1]
                    body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
                    found.append(body["number"])
    random.shuffle(found)
    return found


def token(data_dir: Path) -> str:
    command = [sys.executable, "-c", "from zwhub.cli import main; main()", "token", "department"]
    environment = {**os.environ, "ZWHUB_PUBLIC_URL": f"http://127.0.0.1:{PORT}"}
    done = subprocess.run(
        [*command, "--data-dir", str(data_dir)], capture_output=True, text=True, env=environment
    )
    return done.stdout.strip()


def load(
    one: Hub, what: str, bodies: Sequence[dict[str, Any]], seconds: int, bearer: str, per: int = 1
) -> Result:
    """Send the bodies in turn over all connections; the rate counts `per` for each request."""
    with tempfile.TemporaryDirectory() as folder:
        lines, script = Path(folder, "bodies"), Path(folder, "load.lua")
        lines.write_text("".join(json.dumps(body) + "\n" for body in bodies))
        script.write_text(SCRIPT.format(bodies=lines, token=bearer, seed=random.randrange(10**6)))
        before = one.cpu
        connections = CONNECTIONS if per == 1 else 4
        out = subprocess.run(
            [
                *("taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"),
                *("--timeout", "20s", "-s", str(script), f"http://127.0.0.1:{PORT}"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)", out)
    if found is None:
        sys.exit(out)
    requests, micros, p50, p99, refused, broken = map(int, found.groups())
    note = f"{refused} refused, {broken} broken" if refused or broken else ""
    cpu = (one.cpu - before) * 1e6 / max(requests, 1)
    rate = requests * per * 1e6 / micros
    return Result(what, rate, p50 / 1000, p99 / 1000, cpu / per, note)


# ── what one core can do at most ────────────────────────────────────────────────────────────────


def constant_body(seconds: int) -> Result:
    """A bare ASGI answer under the hub's own server."""
    application = (
        "async def app(scope, receive, send):\n"
        " if scope['type'] == 'http':\n"
        "  await send({'type':'http.response.start','status':200,'headers':[(b'content-length',b'2')]})\n"
        "  await send({'type':'http.response.body','body':b'{}'})\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bare.py").write_text(application)
        words = ["-m", "uvicorn", "bare:app", "--port", str(PORT + 1), "--log-level", "critical"]
        command = ["taskset", "-c", HUB_CORE, sys.executable, *words, "--no-access-log"]
        process = subprocess.Popen(command, cwd=folder)
        time.sleep(2)
        url = f"http://127.0.0.1:{PORT + 1}/"
        wrk = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
        out = subprocess.run(
            ["taskset", "-c", LOAD_CORE, *wrk], capture_output=True, text=True
        ).stdout
        process.terminate()
        process.wait()
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    return Result("limit: constant body, uvicorn", float(found[1]) if found else 0.0)


def gets() -> list[Result]:
    """GET from an embedded Valkey of its own."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # under root the server's own account passes through
        with embedded_servers(Path(folder) / "data", database=False, say=lambda _: None) as one:
            access, _, path = one.redis_url.removeprefix("unix://:").partition("@")
            for at_once in (1, 16):
                words = ["-s", path, "-a", access, "-t", "get", "-n", "300000", "-c", "32"]
                command = ["redis-benchmark", *words, "-P", str(at_once), "--csv"]
                out = subprocess.run(command, capture_output=True, text=True).stdout
                found = re.search(r'"GET","([\d.]+)"', out)
                name = f"limit: GET, {at_once} at once"
                results.append(Result(name, float(found[1]) if found else 0.0))
    return results


RECORD = "\\set id random(1, 8000000)\nSELECT id, sealed FROM licences WHERE id = :id;\n"
NO_NAME = "SELECT licence_id FROM licence_names WHERE key = (SELECT gen_random_uuid());\n"


def point_selects(url: str, what: str, select: str, seconds: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "select.sql")
        script.write_text(select)
        words = [
            "-n",
            "-M",
            "prepared",
            "-c",
            "8",
            "-j",
            "1",
            "-T",
            str(seconds),
            "-f",
            str(script),
        ]
        out = subprocess.run(
            ["taskset", "-c", LOAD_CORE, "pgbench", *words, url], capture_output=True, text=True
        ).stdout
    found = re.search(r"tps = ([\d.]+)", out)
    return Result(f"limit: prepared select, {what}", float(found[1]) if found else 0.0)


def signatures() -> list[Result]:
    results = []
    for name, column in (("ecdsap256", "P-256"), ("ed25519", "Ed25519")):
        out = subprocess.run(
            ["taskset", "-c", HUB_CORE, "openssl", "speed", "-seconds", "3", name],
            capture_output=True,
            text=True,
        ).stdout
        last = out.strip().splitlines()[-1].split()
        results.append(Result(f"limit: {column} verify, openssl", float(last[-1])))
    return results


# ── the run ─────────────────────────────────────────────────────────────────────────────────────


def measured(one: Hub, numbers: Sequence[str], seconds: int) -> list[Result]:
    bearer = token(one.data_dir)
    look_ups = [{"query": LOOK_UP, "variables": {"by": {"number": n}}} for n in numbers]
    asked = {"purpose": "bench"}
    verify = [
        {"query": VERIFY, "variables": {"input": {**asked, "licence": {"number": n}}}}
        for n in numbers
    ]
    never = [
        {"query": VERIFY, "variables": {"input": {**asked, "licence": {"number": f"NO-SUCH-{n}"}}}}
        for n in range(NUMBERS)
    ]
    batches = [
        {
            "query": BATCH,
            "variables": {"input": {**asked, "licences": [{"number": n} for n in part]}},
        }
        for part in (numbers[i : i + 1_000] for i in range(0, 40_000, 1_000))
    ]
    few = 2_000  # so few are all in the cache after the first second
    load(one, "warming up", look_ups[-few:], 3, bearer)
    return [
        load(one, "licence(by: {number}), all at random, cold", look_ups[:-few], seconds, bearer),
        load(one, "licence(by: {number}), warm", look_ups[-few:], seconds, bearer),
        load(one, "verifyLicence, all at random, cold", verify[:-few], seconds, bearer),
        load(one, "verifyLicence, warm", verify[-few:], seconds, bearer),
        load(one, "verifyLicence, numbers never issued", never, seconds, bearer),
        load(one, "verifyLicences x 1,000: licences", batches, seconds, bearer, per=1_000),
    ]


def main() -> None:
    """Measure, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("files", type=Path)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    said = parser.parse_args()
    missing = [tool for tool in TOOLS if not _there(tool)]
    if missing:
        sys.exit(f"not installed: {' '.join(missing)}")
    numbers = numbers_in(said.files, NUMBERS)
    results = [constant_body(said.seconds), *signatures()]
    results += gets()
    with hub(said.data_dir.absolute()) as one:
        url = (database_in_use(one.data_dir) or "").replace("+asyncpg", "")
        results.append(point_selects(url, "a record", RECORD, said.seconds))
        results.append(point_selects(url, "a name never issued", NO_NAME, said.seconds))
        for _ in range(said.rounds):
            results += measured(one, numbers, said.seconds)
        results.append(Result("resident memory of the hub, MiB", one.resident))
    for each in results:
        told = [f"{each.rate:12,.0f}"]
        told += [f"{v:9.2f}" if v is not None else " " * 9 for v in (each.p50, each.p99, each.cpu)]
        print(f"{each.what:<46}{''.join(told)}  {each.note}")
    machine = {"machine": platform.processor() or platform.machine(), "python": sys.version}
    document = {**machine, "cores": os.cpu_count(), "results": [asdict(each) for each in results]}
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")


def _there(tool: str) -> bool:
    return subprocess.run(["which", tool], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()
