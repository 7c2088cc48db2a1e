"""The bundle (随附文件): the top-level folders of the checkout, found again when installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled(folder: str) -> Path:
    """The folder `alembic`, `keys` or `schema`: inside the wheel, else beside `src/`."""
    installed = _PACKAGE / "bundled" / folder
    return installed if installed.is_dir() else _PACKAGE.parent.parent / folder
