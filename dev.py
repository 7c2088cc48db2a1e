#!/usr/bin/env python3
"""From a fresh clone to a running hub, or to every check, with Python alone (一条命令).

    python3 dev.py demo [options of `zwhub demo`]    安装并运行演示 · install and run the demo
    python3 dev.py check [--all]                     安装并做全部检查 · install and run the checks
    python3 dev.py lock [options of uv]              重写锁定文件 · write the lock files anew

Everything is installed into `.venv` beside this file, from the lock files, with their hashes, by
pip as this machine has it configured; nothing is installed again until one of them changes. This
file needs the standard library alone, and an older Python still reads it far enough to be told so.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = str(BIN / "python")
STAMP = VENV / "installed-by-dev.txt"
OLDEST = (3, 11)

# What each use installs; the development lock holds everything that the two others hold.
LOCKS = {
    "demo": ("requirements.lock", "requirements-build.lock"),
    "check": ("requirements-dev.lock",),
}
LOCKED = {
    "requirements.lock": ("pyproject.toml",),
    "requirements-build.lock": ("--group", "build"),
    "requirements-dev.lock": ("pyproject.toml", "--group", "dev", "-c", "requirements.lock"),
}
LOCK_OPTIONS = (
    *("--universal", "--python-version", "3.11", "--only-binary", ":all:", "--generate-hashes"),
    *("--no-emit-index-url", "--no-annotate", "--custom-compile-command", "python3 dev.py lock"),
)

CHECKS = (
    (str(BIN / "ruff"), "check", "."),
    (str(BIN / "ruff"), "format", "--check", "."),
    (str(BIN / "mypy"),),
    (str(BIN / "lint-imports"),),
)
# Beyond the default run: pytest's markers, the programs they need (one of each group), and a
# second run against servers that the environment names.
PROGRAMS = {
    "node": (("node",), ("npm",)),
    "browser": (("chromium", "chromium-browser"),),
    "long": (),
}
MARKERS = tuple(PROGRAMS)
DEFAULT = " and ".join(f"not {marker}" for marker in MARKERS)
REAL = "real servers"
SERVERS = ("ZWHUB_TEST_DATABASE_URL", "ZWHUB_TEST_REDIS_URL")
WHAT = {
    "node": "graphql-http's audits and other Node.js clients",
    "browser": "GraphiQL in a headless Chromium",
    "long": "what takes longer than a few seconds",
    REAL: "the default tests against PostgreSQL and Redis servers of your own",
}
LEFT_OUT = "left out by default; python3 dev.py check --all"


def main(arguments: list[str]) -> int:
    """The exit status: 0, or that of what failed."""
    if sys.version_info < OLDEST:
        return refuse("需要 Python 3.11 或更新版本 · zwhub needs Python 3.11 or newer")
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "demo":
        return install("demo") or demo([one for one in rest if one != "--"])
    if verb == "check" and set(rest) <= {"--all"}:
        return install("check") or check(everything=bool(rest))
    if verb == "lock":
        return lock(rest)
    print(__doc__)
    return 0 if verb in ("-h", "--help") else 2


def refuse(words: str) -> int:
    """One clear line, and a failing status."""
    print(words, file=sys.stderr)
    return 1


def run(command: tuple[str, ...], **more: str) -> int:
    """Show a command, run it in the checkout, return its status.

    The hub's own variables (`ZWHUB_…`) are kept from it, but for those in `more`.
    """
    shown = [
        os.path.relpath(part, ROOT) if part.startswith(str(ROOT)) else part for part in command
    ]
    print("\n$ " + shlex.join([*(f"{name}=…" for name in more), *shown]), flush=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZWHUB_")}
    return subprocess.run(command, cwd=ROOT, env={**kept, **more}, check=False).returncode


# ── installing ──────────────────────────────────────────────────────────────────────────────────


def install(use: str) -> int:
    """Bring `.venv` to what `use` needs; at once if it is already there."""
    if use in installed():
        return 0
    status = make_environment()
    if status:
        return status
    pip = (PYTHON, "-m", "pip", "install", "--disable-pip-version-check")
    files = [part for name in LOCKS[use] for part in ("-r", name)]
    status = run((*pip, "--require-hashes", "--only-binary", ":all:", *files))
    status = status or run((*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)))
    if status:
        return status
    STAMP.write_text(f"{fingerprint()} demo{' check' if use == 'check' else ''}\n", "utf-8")
    return 0


def installed() -> list[str]:
    """The uses that `.venv` serves already."""
    try:
        made_from, *uses = STAMP.read_text("utf-8").split()
    except (OSError, ValueError):
        return []
    return uses if made_from == fingerprint() and os.path.exists(PYTHON) else []


def fingerprint() -> str:
    """What an installation depends on; the place too, for programs name their Python by it."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {VENV}".encode())
    for name in ("pyproject.toml", *LOCKED):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_environment() -> int:
    """`.venv` with pip in it."""
    works = [PYTHON, "-m", "pip", "--version"]
    if os.path.exists(PYTHON) and not subprocess.run(works, capture_output=True).returncode:
        return 0
    package = "python{}.{}-venv".format(*sys.version_info)
    missing = (
        f"此 Python 缺少 venv/ensurepip（Debian、Ubuntu：apt install {package}）· "
        f"this Python lacks venv/ensurepip; on Debian and Ubuntu: apt install {package}"
    )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        return refuse(missing)
    return run((sys.executable, "-m", "venv", str(VENV))) and refuse(missing)


# ── what it is for ──────────────────────────────────────────────────────────────────────────────


def demo(options: list[str]) -> int:
    """Become `zwhub demo`, so that Ctrl-C and signals reach the hub itself."""
    command = [str(BIN / "zwhub"), "demo", *options]
    print("\n$ " + shlex.join([".venv/bin/zwhub", *command[1:]]), flush=True)
    os.execv(command[0], command)


def check(*, everything: bool) -> int:
    """Every check, then one line for each and for what was left out; 1 if any failed."""
    left_out = unavailable() if everything else dict.fromkeys((*MARKERS, REAL), LEFT_OUT)
    report = [timed(command) for command in (*CHECKS, pytest(DEFAULT))]
    more = " or ".join(marker for marker in MARKERS if marker not in left_out)
    if more:
        report.append(timed(pytest(more)))
    if REAL not in left_out:
        report.append(timed(pytest(DEFAULT), **{name: os.environ[name] for name in SERVERS}))
    print()
    for line, status in report:
        print(f"{'FAILED ' if status else 'ok     '} {line}")
    for name, why in left_out.items():
        print(f"not run  {name} ({WHAT[name]}): {why}")
    return int(any(status for _, status in report))


def timed(command: tuple[str, ...], **more: str) -> tuple[str, int]:
    """A line for the report, and the status."""
    start = time.monotonic()
    status = run(command, **more)
    words = shlex.join([*more, os.path.basename(command[0]), *command[1:]])
    return f"{time.monotonic() - start:6.1f} s  {words}", status


def pytest(chosen: str) -> tuple[str, ...]:
    """The tests that a marker expression chooses; a file's tests stay together on one worker."""
    workers = str(min(os.cpu_count() or 1, 4))
    return (str(BIN / "pytest"), "-n", workers, "--dist", "loadfile", "-rfEs", "-m", chosen)


def unavailable() -> dict[str, str]:
    """What cannot be run on this machine, and why."""
    why = {}
    for marker, groups in PROGRAMS.items():
        missing = [" or ".join(group) for group in groups if not any(map(shutil.which, group))]
        if missing:
            why[marker] = f"{', '.join(missing)} not found"
    unset = [name for name in SERVERS if not os.environ.get(name)]
    if unset:
        why[REAL] = f"{', '.join(unset)} not set"
    return why


def lock(options: list[str]) -> int:
    """The newest allowed versions of what is not locked yet; `--upgrade` renews all."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(BIN))
    if uv is None:
        return refuse("需要 uv · this needs uv: pip install uv")
    for name, parts in LOCKED.items():
        compile_ = (uv, "pip", "compile", "--quiet", *LOCK_OPTIONS, *parts, "-o", name, *options)
        status = run(compile_)
        if status:
            return status
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
