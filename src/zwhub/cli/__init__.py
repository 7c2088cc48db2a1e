"""The command line (命令行): `zwhub --help` teaches it."""

from zwhub.cli.main import main

__all__ = ["main"]
