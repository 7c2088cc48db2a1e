"""Private files stay private, whole, and the same for everyone who makes them at once."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zwhub.platform.private_files import (
    NotPrivate,
    overwrite_private,
    private_folder,
    private_or_new,
    read_private,
    sync_private,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_file_and_new_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "a" / "b" / "key", b"secret")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "key") == 0o600
    assert read_private(tmp_path / "a" / "b" / "key") == b"secret"


def test_writing_replaces_the_whole_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"a longer first version")
    write_private(tmp_path / "key", b"second")
    assert read_private(tmp_path / "key") == b"second"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_write_that_fails_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    write_private(tmp_path / "key", b"first")
    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_private(tmp_path / "key", b"second")
    assert read_private(tmp_path / "key") == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_writing_does_not_follow_a_link_to_somebody_elses_file(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"theirs")
    (tmp_path / "key").symlink_to(tmp_path / "theirs")
    write_private(tmp_path / "key", b"ours")
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


def test_what_is_written_over_stays_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    with pytest.raises(FileNotFoundError):
        overwrite_private(path, b"9")
    write_private(path, b"9")
    for data in (b"10", b"11", b"9", b""):
        overwrite_private(path, data)
        sync_private(path)
        assert read_private(path) == data
        assert (mode(path), list(tmp_path.iterdir())) == (0o600, [path])


def test_nothing_is_written_over_through_a_link(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_bytes(b"1")
    (tmp_path / "mine").symlink_to(theirs)
    with pytest.raises(OSError, match="symbolic links"):
        overwrite_private(tmp_path / "mine", b"2")
    assert theirs.read_bytes() == b"1"


@pytest.mark.parametrize("open_to", [0o640, 0o604, 0o620, 0o644])
def test_a_file_open_to_others_is_refused_with_the_way_to_mend_it(
    tmp_path: Path, open_to: int
) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(open_to)
    with pytest.raises(NotPrivate, match="chmod 600") as caught:
        read_private(path)
    assert "secret" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_an_open_folder_a_file_and_a_link_are_no_private_folder(tmp_path: Path) -> None:
    open_one, file, link = tmp_path / "open", tmp_path / "file", tmp_path / "link"
    open_one.mkdir()
    open_one.chmod(0o750)
    file.touch()
    link.symlink_to(private_folder(tmp_path / "good"))
    with pytest.raises(NotPrivate, match="chmod 700"):
        private_folder(open_one)
    with pytest.raises(FileExistsError):
        private_folder(file)
    with pytest.raises(NotPrivate):
        private_folder(link)


def test_made_once(tmp_path: Path) -> None:
    assert private_or_new(tmp_path / "key", lambda: b"first") == b"first"
    assert private_or_new(tmp_path / "key", lambda: b"second") == b"first"
    assert mode(tmp_path / "key") == 0o600


def test_a_racing_process_that_was_quicker_wins(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def slow() -> bytes:
        write_private(path, b"the other's")  # meanwhile
        return b"ours"

    assert private_or_new(path, slow) == b"the other's"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_processes_that_start_together_get_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from zwhub.platform.private_files import private_or_new\n"
        "sys.stdin.read()\n"
        "print(private_or_new(Path(sys.argv[1]), lambda: os.urandom(16)).hex())\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "key")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": source},
        )
        for _ in range(4)
    ]
    answers = {racer.communicate(timeout=120)[0] for racer in racers}
    assert answers == {(tmp_path / "key").read_bytes().hex().encode() + b"\n"}
