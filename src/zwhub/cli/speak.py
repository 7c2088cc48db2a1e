"""Speak (输出): lines for people, in the language of their terminal; refusals end the program."""

import os
import sys
from typing import NoReturn

import typer
from rich.console import Console

from zwhub.kernel.words import Language, Words

# A table that goes to a file or a pipe is not folded to some terminal's width.
PIPED_WIDTH = 400

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def language() -> Language:
    """Chinese where the terminal's locale is Chinese, else English."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return Language.ZH if locale.startswith("zh") else Language.EN


def say(words: Words) -> None:
    """One line on the way, on standard error: standard output is for results."""
    err.print(words.in_(language()), markup=False)


def refuse(words: Words) -> NoReturn:
    """One clear line, and a non-zero exit."""
    err.print(words.in_(language()), style="bold red", markup=False)
    raise typer.Exit(1)
