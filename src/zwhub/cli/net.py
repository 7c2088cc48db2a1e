"""The last net (最后一道网): what nobody foresaw is one line, never a traceback with data in it."""

import os
from traceback import walk_tb

import structlog

from zwhub.cli.speak import err, say
from zwhub.kernel.words import Words, both
from zwhub.platform.cache import BadCacheUrl
from zwhub.platform.embedded import EmbeddedFailed
from zwhub.platform.private_files import NotPrivate
from zwhub.platform.secrets import BadSecret
from zwhub.platform.telemetry import start_logging

UNFORESEEN = 70  # EX_SOFTWARE of sysexits.h


def told(error: Exception) -> int:
    """Say on one line what ended the program; the exit code. ZWHUB_LOG_LEVEL=debug tells more."""
    if isinstance(error, EmbeddedFailed | NotPrivate | BadSecret | BadCacheUrl):
        say(error.words)
        return 1
    what = f"{type(error).__name__}, {_innermost(error)}"
    line = both(Words(f"未预料的错误：{what}", f"Unforeseen error: {what}"))
    err.print(line, style="bold red", markup=False)
    if os.environ.get("ZWHUB_LOG_LEVEL", "").lower() == "debug":
        start_logging("debug")
        structlog.get_logger("zwhub.cli").debug("unforeseen", exc_info=error)
    return UNFORESEEN


def _innermost(error: Exception) -> str:
    """The hub's own function in which it happened; its name holds no data, unlike the words."""
    places = [
        f"{frame.f_globals.get('__name__', '')}.{frame.f_code.co_name}"
        for frame, _ in walk_tb(error.__traceback__)
    ]
    own = [place for place in places if place.startswith("zwhub.")]
    return own[-1] if own else "zwhub"
