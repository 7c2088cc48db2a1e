"""Secrets: made once, read from where they are named, looked at again when they changed."""

import shutil
import time
from pathlib import Path

import pytest

from zwhub.kernel.crypto.sealing import BadKeys, CannotOpen, DataKeys
from zwhub.platform.private_files import NotPrivate, write_private
from zwhub.platform.secrets import LOOK_SECONDS, BadSecret, Secrets
from zwhub.platform.settings import Settings


def of(data_dir: Path, **more: Path) -> Secrets:
    return Secrets.of(Settings(data_dir=data_dir, **more))  # type: ignore[arg-type]


def test_made_once_and_the_same_for_all(tmp_path: Path) -> None:
    one, other = of(tmp_path), of(tmp_path)
    assert (one.index, one.cursors, one.ring.latest()) == (
        other.index,
        other.cursors,
        other.ring.latest(),
    )
    assert other.sealer.open(one.sealer.seal(b"a", b""), b"") == b"a"
    assert one.index.hex() not in repr(one)


def test_a_new_key_seals_from_then_on_in_every_process(tmp_path: Path) -> None:
    hub, command = of(tmp_path), of(tmp_path)
    assert hub.ring.latest() is hub.ring.recent() is hub.ring.latest()  # not read again
    before = hub.sealer.seal(b"a", b"")
    command.ring.save(command.ring.latest().turned())
    time.sleep(LOOK_SECONDS)
    assert (before[0], hub.sealer.seal(b"a", b"")[0]) == (1, 2)
    assert hub.sealer.open(before, b"") == b"a"
    command.ring.save(command.ring.latest().turned())
    newest = command.sealer.ring.current, command.sealer.seal(b"b", b"")
    assert (newest[0], hub.sealer.open(newest[1], b"")) == (3, b"b")  # without waiting
    command.ring.save(command.ring.latest().without([1, 2]))
    assert list(hub.sealer.ring.keys) == [3]
    with pytest.raises(CannotOpen):
        hub.sealer.open(before, b"")


def test_a_running_hub_does_not_go_on_with_another_ring(tmp_path: Path) -> None:
    hub = of(tmp_path)
    write_private(hub.ring.path, DataKeys.new().text())
    time.sleep(LOOK_SECONDS)
    with pytest.raises(BadKeys):
        hub.sealer.seal(b"a", b"")
    hub.ring.path.unlink()
    time.sleep(LOOK_SECONDS)
    with pytest.raises(BadSecret):
        hub.sealer.seal(b"a", b"")
    assert not hub.ring.path.exists()


def test_named_files_must_be_there_and_private(tmp_path: Path) -> None:
    own = of(tmp_path / "a")
    named = tmp_path / "keys"
    with pytest.raises(BadSecret, match="ZWHUB_"):
        of(tmp_path / "b", data_keys_file=named)
    assert not named.exists()
    shutil.copy(own.ring.path, named)
    assert of(tmp_path / "b", data_keys_file=named).ring.latest() == own.ring.latest()
    assert not (tmp_path / "b" / "secrets" / "data.keys").exists()
    named.chmod(0o644)
    with pytest.raises(NotPrivate):
        of(tmp_path / "b", data_keys_file=named)


def test_a_link_to_a_mounted_file_is_followed(tmp_path: Path) -> None:
    """As mounts of orchestrators are: turning over replaces the file, not the link."""
    own = of(tmp_path / "a")
    link = tmp_path / "link"
    link.symlink_to(own.ring.path)
    through = of(tmp_path / "b", data_keys_file=link)
    through.ring.save(through.ring.latest().turned())
    assert link.is_symlink()
    assert own.ring.latest().current == 2


@pytest.mark.parametrize("rubbish", [b"", b"x" * 31, b"{}"])
def test_rubbish_is_no_key(tmp_path: Path, rubbish: bytes) -> None:
    of(tmp_path)
    for name in ("data.keys", "index.key"):
        path = tmp_path / "secrets" / name
        before = path.read_bytes()
        write_private(path, rubbish)
        with pytest.raises(BadSecret, match="backup"):
            of(tmp_path)
        write_private(path, before)
