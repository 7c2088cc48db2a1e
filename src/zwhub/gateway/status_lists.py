"""Status lists over HTTP (状态列表): signed, in two formats, from memory alone.

IETF Token Status List as `application/statuslist+jwt`; W3C Bitstring Status List credential as
`application/vc+jwt`, `?purpose=revocation` or `suspension`. Where the hub vouches for nothing, the
flag of suspension is set: that of revocation could not be taken back (Bitstring §3.2).
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.status_book import Snapshot, StatusBook
from zwhub.kernel.status_list_claims import (
    BITSTRING_TYP,
    TOKEN_TYP,
    Edition,
    bitstring_claims,
    token_list_claims,
)
from zwhub.kernel.status_lists import INVALID, SUSPENDED, UNKNOWN, StatusArray
from zwhub.kernel.words import Words, preferred_language

# A change is read within about a second, so that who asks again after `MAX_AGE` knows it within
# five: an answer that has not changed costs 304 and no body.
MAX_AGE = timedelta(seconds=3)
LIFETIME = timedelta(hours=24)  # for how long a saved list may be believed
STALE = timedelta(seconds=60)  # without a look at the registry: then no list is better than an old

_TOKEN, _CREDENTIAL = f"application/{TOKEN_TYP}", f"application/{BITSTRING_TYP}"
_MOST_DIGITS = 6
_HEADERS = {
    "access-control-allow-origin": "*",  # Token Status List §8.1: pages of others may read it
    "vary": "Accept",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Signed:
    """One list in one format, as it goes out while `version` and `hour` last."""

    version: int
    hour: int
    etag: str
    body: str


class _NotServed(Exception):
    """Why there is no list for this request."""

    def __init__(self, status: int, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.status, self.code, self.words = status, code, Words(zh, en)


@dataclass
class StatusListEndpoint:
    """`GET /status-lists/{number}`; each edition is signed once, when it is first asked for."""

    book: StatusBook
    key: ReceiptKey
    _signed: dict[tuple[int, str], _Signed] = field(default_factory=dict)
    _signing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def route(self) -> Route:
        return Route("/status-lists/{number}", self.answer, methods=["GET"])

    async def answer(self, request: Request) -> Response:
        """The list; 304 when the caller has it, and JSON for everything else."""
        try:
            purpose = _purpose(request)
            signed = await self._edition(_number(request), purpose)
        except _NotServed as refused:
            return _refusal(refused, request)
        headers = {
            **_HEADERS,
            "etag": signed.etag,
            "cache-control": f"public, max-age={int(MAX_AGE.total_seconds())}",
        }
        if _has(request.headers.get("if-none-match", ""), signed.etag):
            return Response(status_code=304, headers=headers)
        return Response(signed.body, media_type=_CREDENTIAL if purpose else _TOKEN, headers=headers)

    async def _edition(self, number: int, purpose: str) -> _Signed:
        async with self._signing:
            read_at = self.book.read_at
            if read_at is None or datetime.now(UTC) - read_at > STALE:
                raise _NotServed(
                    503, "STATUS_UNAVAILABLE", "状态列表暂不可用", "the lists are not available now"
                )
            list_ = self.book.snapshot(number)
            if list_ is None:
                raise _unknown_list()
            known = self._signed.get((number, purpose))
            hour = int(read_at.timestamp()) // 3600
            if known is None or (known.version, known.hour) != (list_.version, hour):
                # Compressing takes some hundredths of a second: others are answered meanwhile.
                known = await asyncio.to_thread(self._sign, number, purpose, list_, read_at)
                self._signed[number, purpose] = known
            return known

    def _sign(self, number: int, purpose: str, list_: Snapshot, read_at: datetime) -> _Signed:
        uri = self.book.uri(number) + (f"?purpose={purpose}" if purpose else "")
        edition = Edition(uri, self.book.issuer, read_at, read_at + LIFETIME, MAX_AGE)
        claims = _claims(edition, list_.statuses, purpose)
        body = self.key.seal(claims, BITSTRING_TYP if purpose else TOKEN_TYP)
        hour = int(read_at.timestamp()) // 3600
        # Weak: the hubs of one city sign the same list under one tag, each with its own signature.
        digest = sha256(list_.statuses.octets).hexdigest()[:24]
        etag = f'W/"{digest}-{hour}-{purpose or "token"}"'
        return _Signed(list_.version, hour, etag, body)


def _claims(edition: Edition, statuses: StatusArray, purpose: str) -> dict[str, Any]:
    if not purpose:
        return token_list_claims(edition, statuses)
    if purpose == "revocation":
        return bitstring_claims(edition, statuses.bitstring(INVALID), purpose)
    flags = statuses.bitstring(SUSPENDED) | statuses.bitstring(UNKNOWN)
    return bitstring_claims(edition, flags, purpose)


def _purpose(request: Request) -> str:
    """The credential's purpose, "" when the token is asked for (RFC 9110 §12.5.1)."""
    asked = request.query_params.get("purpose")
    if asked not in {None, "revocation", "suspension"}:
        raise _NotServed(
            400,
            "BAD_REQUEST",
            "purpose 须为 revocation 或 suspension",
            "purpose is revocation or suspension",
        )
    media = _wanted(request.headers.get("accept", "*/*")[:1000], asked is not None)
    return "" if media == _TOKEN else asked or "revocation"


def _wanted(accept: str, has_purpose: bool) -> str:
    """The better of the two formats; with a wildcard, the one that fits the address."""
    usual = _CREDENTIAL if has_purpose else _TOKEN
    offers = dict.fromkeys(("*/*", "application/*", ""), usual)
    offers |= {_TOKEN: _TOKEN, _CREDENTIAL: _CREDENTIAL}
    wanted = [
        (quality, offers[name])
        for name, quality in map(_weighed, accept.lower().split(","))
        if name in offers and quality > 0
    ]
    if not wanted:
        both = f"{_TOKEN} 或 {_CREDENTIAL}", f"{_TOKEN} or {_CREDENTIAL}"
        raise _NotServed(406, "NOT_ACCEPTABLE", *both)
    return max(wanted, key=lambda one: one[0])[1]


def _weighed(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [one.removeprefix("q=") for one in parameters if one.startswith("q=")]
    try:
        return name, float(weights[0]) if weights else 1.0
    except ValueError:
        return name, 0.0


def _number(request: Request) -> int:
    text: str = request.path_params["number"]
    if not (text.isascii() and text.isdigit()) or len(text) > _MOST_DIGITS or text[0] == "0":
        raise _unknown_list()
    return int(text)


def _unknown_list() -> _NotServed:
    return _NotServed(404, "UNKNOWN_LIST", "没有这份状态列表", "there is no such status list")


def _has(if_none_match: str, etag: str) -> bool:
    """RFC 9110 §13.1.2: compared weakly."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return bool(known & {"*", etag.removeprefix("W/")})


def _refusal(refused: _NotServed, request: Request) -> Response:
    language = preferred_language(request.headers.get("accept-language", ""))
    body = {"error": refused.code, "message": refused.words.in_(language)}
    headers = {**_HEADERS, "cache-control": "no-store"}
    return JSONResponse(body, refused.status, headers=headers)
