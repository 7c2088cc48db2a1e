"""The extra libraries (可选依赖): Parquet and XLSX need them, and not everybody has them."""

from zwhub.licences.deliveries.rows import Unreadable


def missing(kind: str, library: str) -> Unreadable:
    """What to do about it: with an installed hub, and in a checkout, whose `.venv` holds the hub."""
    return Unreadable(
        f"{kind} 需要 {library}：pip install 'zwhub[load]'；在源码目录中：.venv/bin/pip install -e '.[load]'",
        f"{kind} needs {library}: pip install 'zwhub[load]', "
        "or in a checkout .venv/bin/pip install -e '.[load]'",
    )
