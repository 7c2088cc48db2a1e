"""Requests (请求): bytes from outside, read into one small frozen shape or turned away."""

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from secrets import token_hex
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from zwhub.gateway.deadline import Deadline
from zwhub.gateway.decode import decode_json, refuse_nul, repeated_name
from zwhub.gateway.limits import FrontDoor
from zwhub.gateway.problems import Code, Problem, TurnedAway, bad_request
from zwhub.kernel.words import Language, Words, preferred_language


class ClientGone(Exception):
    """The client hung up."""


class Asked(NamedTuple):
    """One GraphQL request: a document or the id of one, and what goes with it."""

    query: str | None
    document_id: str | None
    operation_name: str | None
    variables: dict[str, Any]


class Call(NamedTuple):
    """The envelope of one HTTP request or one WebSocket handshake."""

    headers: Mapping[str, str]
    request_id: str
    language: Language

    @classmethod
    def of(cls, scope: Scope) -> "Call":
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        offered = headers.get("x-request-id", "")
        request_id = offered if _REQUEST_ID.fullmatch(offered) else token_hex(16)
        return cls(headers, request_id, _language(headers.get("accept-language", "")[:200]))


async def read_body(headers: Mapping[str, str], receive: Receive, door: FrontDoor) -> bytes:
    """The whole body, at most `door.body_bytes` bytes within `door.body_seconds` seconds.

    The size is counted as it streams in: a chunked body has no Content-Length to trust.
    """
    require_plain(headers)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > door.body_bytes:
        await let_finish(receive, door.body_bytes)
        raise _too_large(door.body_bytes)
    try:
        with Deadline(door.body_seconds):
            body = await _stream(receive, door.body_bytes)
    except TimeoutError:
        raise TurnedAway(_SLOW_BODY, status=408, headers={"connection": "close"}) from None
    if body is None:
        await let_finish(receive, door.body_bytes)
        raise _too_large(door.body_bytes)
    return body


def require_plain(headers: Mapping[str, str]) -> None:
    """A compressed body would have to be unpacked before its size is known."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise TurnedAway(_NO_ENCODING, status=415, headers={"accept-encoding": "identity"})


async def let_finish(receive: Receive, most: int) -> None:
    """Read on for a moment and keep nothing, before a body that is too large is refused.

    A socket that is closed while a client still writes loses the answer on its way to it.
    """
    left = _DRAINED * most
    with suppress(TimeoutError), Deadline(_DRAIN_SECONDS):
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                return


_DRAINED, _DRAIN_SECONDS = 8, 1.0


async def _stream(receive: Receive, most: int) -> bytes | None:
    """The body, or None as soon as it is larger than `most`."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > most:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks) if len(chunks) > 1 else chunks[0]


def require_json(headers: Mapping[str, str]) -> None:
    """POST takes JSON alone: a form needs no CORS preflight, so it could be forged (CSRF)."""
    media, _, parameters = headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "')
    if media.strip() != "application/json" or charset not in {"", "utf-8", "utf8"}:
        raise TurnedAway(_NOT_JSON, status=415)


def parse_body(body: bytes, door: FrontDoor) -> Asked:
    """The request in a POST body; `TurnedAway` for everything that is not one JSON object."""
    value = decode_json(body, door.body_values)
    refuse_nul(body, value)
    return asked_from(value)


def asked_from(value: object) -> Asked:
    """The request in decoded JSON: a POST body, or the payload of a WebSocket `subscribe`."""
    if isinstance(value, list):
        raise bad_request("不支持批量请求", "Batched requests are not supported")
    if not isinstance(value, dict):
        raise bad_request("请求必须是一个 JSON 对象", "The request must be a JSON object")
    query = _text(value, "query")
    document_id = _text(value, "documentId")
    if (query is None) == (document_id is None):
        raise bad_request(
            "query 与 documentId 必须且只能有一个",
            "Exactly one of query and documentId is required",
        )
    _map(value, "extensions")
    name = _text(value, "operationName")
    return Asked(query, document_id, name or None, _map(value, "variables"))


def parse_query_string(raw: bytes, door: FrontDoor) -> Asked:
    """The request in a GET's query string; maps are JSON (GraphQL over HTTP §GET)."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="strict"
        )
    except ValueError:
        raise bad_request("查询串无法读取", "The query string is malformed") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise repeated_name()
    value: dict[str, object] = dict(fields)
    for name in ("variables", "extensions"):
        if fields.get(name):
            text = fields[name].encode()
            value[name] = decode_json(text, door.body_values)
            refuse_nul(text, value[name])
        else:
            value.pop(name, None)
    return asked_from(value)


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is None or isinstance(found, str):
        return found
    raise bad_request(f"{name} 必须是文本", f"{name} must be a string")


def _map(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if isinstance(found, dict):
        return found
    raise bad_request(f"{name} 必须是对象", f"{name} must be an object")


def _too_large(most: int) -> TurnedAway:
    words = Words(
        f"请求体超过 {most} 字节；文件请用 createUpload 上传",
        f"The body is larger than {most} bytes; a file goes by createUpload",
    )
    problem = Problem(Code.BODY_TOO_LARGE, words, details={"limit": "body", "allowed": most})
    return TurnedAway(problem, status=413, headers={"connection": "close"})


# Browsers send the same few headers over and over.
_language = lru_cache(maxsize=256)(preferred_language)
# A UUID or a trace id; anything freer would let a caller write into answers and logs.
_REQUEST_ID = re.compile(r"[0-9a-f-]{32,36}")
_NO_ENCODING = Problem(
    Code.UNSUPPORTED_MEDIA_TYPE,
    Words("请求体不能压缩", "The body must not be compressed (Content-Encoding: identity)"),
)
_NOT_JSON = Problem(
    Code.UNSUPPORTED_MEDIA_TYPE,
    Words("请求体必须是 UTF-8 的 application/json", "The body must be application/json in UTF-8"),
)
_SLOW_BODY = Problem(
    Code.REQUEST_TIMEOUT, Words("请求体传送过慢", "The body did not arrive in time")
)
