import errno
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from zwhub.platform.telemetry import redact, start_logging

NUMBER = "110101199003078515"
TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
LOGGERS = ("", "uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    kept = {name: logging.getLogger(name) for name in LOGGERS}
    state = {name: (lg.handlers[:], lg.level, lg.propagate) for name, lg in kept.items()}
    yield
    for name, (handlers, level, propagate) in state.items():
        kept[name].handlers[:], kept[name].propagate = handlers, propagate
        kept[name].setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_time_level_and_request() -> None:
    stream = io.StringIO()
    start_logging("info", stream=stream)
    structlog.contextvars.bind_contextvars(request_id="r1")
    log = structlog.get_logger("zwhub.test")
    log.debug("unheard")
    log.info("查验", count=2)
    (line,) = lines(stream)
    assert line["timestamp"].endswith("Z")
    wanted = {"event": "查验", "count": 2, "request_id": "r1", "level": "info"}
    assert line.items() >= {**wanted, "logger": "zwhub.test"}.items()


def test_a_fault_is_kept_as_type_and_place_without_words_or_paths() -> None:
    stream = io.StringIO()
    start_logging(stream=stream)
    try:
        try:
            raise FileNotFoundError(errno.ENOENT, "gone", "/srv/private")
        except OSError as cause:
            raise RuntimeError(f"number {NUMBER} at postgresql://hub:s3cret@db/hub") from cause
    except RuntimeError:
        structlog.get_logger("zwhub.test").exception("failed")
    (line,) = lines(stream)
    outer, inner = line["fault"]
    assert outer.startswith("builtins.RuntimeError at ")
    assert "test_a_fault_is_kept_as_type_and_place_without_words_or_paths:" in outer
    assert inner.startswith("builtins.FileNotFoundError [ENOENT] at ")
    for secret in (NUMBER, "s3cret", "postgresql", "/srv", __file__):
        assert secret not in stream.getvalue()


def test_the_server_s_access_log_has_no_query_string() -> None:
    stream = io.StringIO()
    start_logging(stream=stream)
    message = '%s - "%s %s HTTP/%s" %d'
    arguments = ("127.0.0.1:1", "GET", f"/graphql?variables={NUMBER}", "1.1", 200)
    logging.getLogger("uvicorn.access").info(message, *arguments)
    logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "c", "/graphql?a=b")
    logging.getLogger("elsewhere").info("what? %s", "ever")
    access, accepted, foreign = lines(stream)
    assert access["event"] == '127.0.0.1:1 - "GET /graphql HTTP/1.1" 200'
    assert accepted["event"] == 'c - "WebSocket /graphql" [accepted]'
    assert foreign["event"] == "what? ever"
    assert "variables" not in stream.getvalue()


def test_a_terminal_gets_lines_for_people() -> None:
    stream = io.StringIO()
    start_logging(stream=stream, as_json=False)
    structlog.get_logger("zwhub.test").warning("trouble", jws=TOKEN, password="hush")
    assert "trouble" in stream.getvalue()
    assert TOKEN not in stream.getvalue()
    assert "hush" not in stream.getvalue()


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown log level"):
        start_logging("loud")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Authorization: Bearer {TOKEN}", "Authorization: Bearer ***"),
        ("bearer abc-._~+/=", "Bearer ***"),
        (f"jws={TOKEN};", "jws=***;"),
        ("eyJhbGciOiJFUzI1NiJ9..c2ln", "***"),
        (f"holder {NUMBER}", "holder ***"),
        ("身份证11010119900307851x号", "身份证***号"),
        ("old 110101900307851", "old ***"),
        ("redis://:p@ss:w/rd@cache:6379/0", "redis://:***@cache:6379/0"),
        ("postgresql+asyncpg://hub:x@db/hub", "postgresql+asyncpg://hub:***@db/hub"),
        ("host=db password=hush user=hub", "host=db password=*** user=hub"),
        ('{"token":"hush"}', '{"token":"***"}'),
        ('"PUT /uploads/aZ_-9 HTTP/1.1"', '"PUT /uploads/*** HTTP/1.1"'),
        ("1234567890123456789", "1234567890123456789"),
        ("9f123456789012345678", "9f123456789012345678"),
        ("91440300MA5DA1234X took 12.5 ms", "91440300MA5DA1234X took 12.5 ms"),
    ],
)
def test_what_is_struck_out(text: str, kept: str) -> None:
    assert redact(text) == kept


@given(st.text(alphabet=st.characters(exclude_categories=["Nd", "Cs"]), max_size=30))
def test_a_number_does_not_survive_its_surroundings(around: str) -> None:
    edge = around.strip("abcdefABCDEF")
    assert NUMBER not in redact(f"{edge}{NUMBER}{edge}")
