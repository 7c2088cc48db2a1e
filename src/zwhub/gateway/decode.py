"""Decoding (解码): bytes from outside read as one JSON value, strictly and within bounds."""

import orjson

from zwhub.gateway.analysis import NO_NUL
from zwhub.gateway.problems import Code, Problem, TurnedAway, bad_request
from zwhub.kernel.words import Words


def decode_json(body: bytes, most: int) -> object:
    """The one JSON value in `body`: UTF-8, no lone surrogate, no NaN, no name twice.

    It holds at most `most` values, itself and those inside it: a megabyte of empty objects costs
    fifty times what a megabyte of text does.
    """
    found = _count(body, most)
    if found > most:
        raise _too_many(most, found)
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # The place and not the decoder's words: they may one day quote the text.
        where = f"{error.lineno}:{error.colno}"
        raise bad_request(
            f"请求体不是有效的 JSON（位置 {where}）", f"The body is not valid JSON (at {where})"
        ) from None
    # orjson keeps the last of two equal names; a proxy in front may keep the first.
    try:
        names = _names(value)
    except RecursionError:
        raise bad_request("JSON 嵌套过深", "The JSON is nested too deeply") from None
    if names != body.count(b":") and names != _outside_texts(body).count(b":"):
        raise repeated_name()
    return value


def _names(value: object) -> int:
    """How many names of members `value` holds: as many as its text has colons, unless one was lost."""
    if isinstance(value, dict):
        return len(value) + sum(map(_names, value.values()))
    return sum(map(_names, value)) if isinstance(value, list) else 0


def _outside_texts(body: bytes) -> bytes:
    """The JSON without what stands in its texts."""
    return b'"'.join(_bare(body).split(b'"')[::2])


def _bare(body: bytes) -> bytes:
    """Without escaped quotes, so that each quote begins or ends a text."""
    return body.replace(rb"\\", b"").replace(rb"\"", b"")


def refuse_nul(body: bytes, value: object) -> None:
    """PostgreSQL stores no U+0000, so a text that holds one is refused here, not there."""
    if b"\\u0000" in body and _holds_nul(value):
        raise TurnedAway(Problem(Code.BAD_USER_INPUT, NO_NUL))


def _count(body: bytes, most: int) -> int:
    """How many values the JSON text holds, as far as it matters whether they are over `most`.

    Never too few. Exact when over `most` at first sight, unless the texts alone are too many.
    """
    found = 1 + _marks(body)
    if found <= most:  # whatever of this stands inside a text
        return found
    bare = _bare(body)
    texts = bare.count(b'"') // 2
    if texts > 2 * most:  # each value has one name at most
        return (texts + 1) // 2
    outside = b'"'.join(bare.split(b'"')[::2]).translate(None, b" \t\r\n")
    return 1 + _marks(outside) - outside.count(b"[]") - outside.count(b"{}")


def _marks(text: bytes) -> int:
    """A list or an object brings its first value, every comma one more."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _holds_nul(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str) and "\0" in item:
            return True
        if isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return False


def repeated_name() -> TurnedAway:
    return bad_request("同一名称出现了两次", "The same name occurs twice")


def _too_many(most: int, found: int) -> TurnedAway:
    words = Words(
        f"请求含有的 JSON 值过多：最多 {most} 个，实际至少 {found} 个",
        f"The request holds too many JSON values: at most {most}, found at least {found}",
    )
    details = {"limit": "values", "allowed": most, "found": found}
    return TurnedAway(Problem(Code.BODY_TOO_LARGE, words, details=details), status=413)
