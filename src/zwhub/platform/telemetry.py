"""Telemetry (运行日志): one log for the hub and its server, as JSON lines, with secrets struck out."""

import logging
import re
import sys
from collections.abc import Callable
from typing import TextIO

import orjson
import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from zwhub.platform.faults import described

_SERVER_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


def start_logging(
    level: str = "INFO", *, stream: TextIO | None = None, as_json: bool | None = None
) -> None:
    """Send every log line of the process to `stream` (standard error by default).

    `level` is a name of the logging module, in either case; ValueError for another. Lines are
    JSON unless `stream` is a terminal; `as_json` overrules that. Call it before uvicorn starts
    and give uvicorn `log_config=None`.
    """
    stream = stream or sys.stderr
    as_json = not stream.isatty() if as_json is None else as_json
    known = logging.getLevelNamesMapping()
    if level.upper() not in known:
        raise ValueError(f"unknown log level; known are {', '.join(known)}")
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        described,
    ]
    _hand_over(before, known[level.upper()])
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _redacted(_json_line if as_json else _console_line()),
        ],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(_without_query_strings)
    _take_over(handler, known[level.upper()])


def redact(text: str) -> str:
    """`text` without what must not be kept: tokens, identity numbers, passwords.

    Struck out are bearer tokens, tickets of uploads, everything that looks like a JWS (RFC 7515
    §3), citizens' identity numbers of 18 or 15 digits (GB 11643), the password of a URL, and the
    value after a name such as `password` or `token`.
    """
    for pattern, instead in _STRUCK_OUT:
        text = pattern.sub(instead, text)
    return text


def _hand_over(before: list[Processor], level: int) -> None:
    """structlog only gathers; the handler of the standard library writes."""
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # a test may look over a logger's shoulder
    )


def _take_over(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _SERVER_LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        logger.disabled = False  # logging.config.fileConfig, as alembic uses it, sets this


def _without_query_strings(record: logging.LogRecord) -> bool:
    """uvicorn logs whole targets; variables in them can be somebody's data."""
    if record.name.startswith("uvicorn") and isinstance(record.args, tuple):
        record.args = tuple(
            _QUERY_STRING.sub("", part) if isinstance(part, str) else part for part in record.args
        )
    return True


def _redacted(render: Processor) -> Processor:
    def rendered(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return redact(str(render(logger, method, event)))

    return rendered


def _json_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console_line() -> Callable[[WrappedLogger, str, EventDict], str]:
    # Without colours: their control codes would stand between a name and what to strike out.
    return structlog.dev.ConsoleRenderer(colors=False)


_QUERY_STRING = re.compile(r"\?[^\s\"']*")
_STRUCK_OUT = (
    (re.compile(r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]+"), "Bearer ***"),
    (re.compile(r"/uploads/[^\s\"']+"), "/uploads/***"),
    (re.compile(r"eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"), "***"),
    (re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@\"']*):[^\s\"']+@"), r"\1:***@"),
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|secret|token|assertion|api_?key)"
            r"(\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s\"',;&\\]+"
        ),
        r"\1\2***",
    ),
    # Not inside a longer run of hexadecimal digits: request ids are such runs.
    (re.compile(r"(?<![0-9A-Fa-f])(?:\d{17}[\dXx]|\d{15})(?![0-9A-Fa-f])"), "***"),
)
