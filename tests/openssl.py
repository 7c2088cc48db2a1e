"""The `openssl` command line (命令行工具): a stranger's tool, not one of the hub's own."""

import shutil
import subprocess

import pytest


def openssl() -> str:
    """Its path; a visible skip where the machine has none, or one before 3.0."""
    path = shutil.which("openssl")
    version = subprocess.check_output([path, "version"], text=True) if path else ""
    if not path or int(version.removeprefix("OpenSSL ").split(".")[0]) < 3:
        pytest.skip("needs the openssl command, 3.0 or newer")
    return path
