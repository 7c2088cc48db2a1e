"""Saved (存件): files saved from a hub, read for a check that needs no network."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zwhub.cli.speak import refuse
from zwhub.kernel.words import Words

LARGEST_FILE = 262_144


def saved_bytes(path: Path, most: int = LARGEST_FILE) -> bytes:
    """The first `most` bytes of a file, or of standard input for `-`; else one line and the end."""
    if str(path) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with path.open("rb") as file:
            return file.read(most)
    except OSError:
        refuse(Words(f"无法读取 {path}。", f"{path} cannot be read."))


def saved_keys(path: Path) -> Mapping[str, Any]:
    """The JWKS in a file, saved from /.well-known/jwks.json; else one line and the end."""
    try:
        keys = json.loads(saved_bytes(path))
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict):
        refuse(Words(f"{path} 不是 JWKS 文件。", f"{path} is not a JWKS file."))
    return keys
