"""Claims of status lists (状态列表声明): what the hub signs, and what a verifier reads back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from zwhub.kernel.status_lists import (
    BadStatusList,
    Bitstring,
    StatusArray,
    bad,
    read_bitstring,
    read_lst,
)

TOKEN_TYP = "statuslist+jwt"  # noqa: S105 - a media type; Token Status List §5.1
BITSTRING_TYP = "vc+jwt"  # VC-JOSE-COSE §3.1.1

_CONTEXT = "https://www.w3.org/ns/credentials/v2"
_TYPE = "BitstringStatusListCredential"
_SUBJECT_TYPE = "BitstringStatusList"
_LEEWAY = timedelta(minutes=1)  # by which the signer's clock may run ahead of the reader's


@dataclass(frozen=True, slots=True)
class Edition:
    """One issue of a list (一期): where it is found, who signs it, how long it holds.

    `issuer` is a URL. A reader fetches anew after `refresh`, and trusts none after `expires`.
    Both times have a zone.
    """

    uri: str
    issuer: str
    issued: datetime
    expires: datetime
    refresh: timedelta

    def __post_init__(self) -> None:
        if self.expires <= self.issued or self.refresh <= timedelta(0):
            raise ValueError("an edition holds for some time, and is refreshed after some")


def token_list_claims(edition: Edition, statuses: StatusArray) -> dict[str, Any]:
    """The claims of a Status List Token (Token Status List §5.1); times and `ttl` in seconds."""
    return {
        "iss": edition.issuer,
        "sub": edition.uri,
        "iat": int(edition.issued.timestamp()),
        "exp": int(edition.expires.timestamp()),
        "ttl": max(1, int(edition.refresh.total_seconds())),
        "status_list": {"bits": statuses.bits, "lst": statuses.lst()},
    }


def bitstring_claims(edition: Edition, flags: Bitstring, purpose: str) -> dict[str, Any]:
    """A BitstringStatusListCredential (§2.2) as the payload of a JWT, `ttl` in milliseconds.

    `purpose`: `revocation` (for good) or `suspension` (for now). `iat` and `exp` say the same as
    the validity period, for readers that know JWTs only (VC-JOSE-COSE §3.1.3).
    """
    return {
        "iss": edition.issuer,
        "iat": int(edition.issued.timestamp()),
        "exp": int(edition.expires.timestamp()),
        "@context": [_CONTEXT],
        "id": edition.uri,
        "type": ["VerifiableCredential", _TYPE],
        "issuer": edition.issuer,
        "validFrom": _stamp(edition.issued),
        "validUntil": _stamp(edition.expires),
        "credentialSubject": {
            "id": f"{edition.uri}#list",
            "type": _SUBJECT_TYPE,
            "statusPurpose": purpose,
            "encodedList": flags.encoded(),
            "ttl": max(1, edition.refresh // timedelta(milliseconds=1)),
        },
    }


def read_token_list(claims: Mapping[str, Any], uri: str, now: datetime) -> StatusArray:
    """The statuses of a token whose signature and `typ` the caller has checked.

    BadStatusList when it is malformed, another list than `uri`, or not in force at `now`.
    """
    if claims.get("sub") != uri:
        raise _other_list()
    _require_token_in_force(claims, now)
    _seconds(claims.get("iat"))  # §5.1: required
    match claims.get("status_list"):
        case {"bits": int(bits), "lst": str(lst)} if not isinstance(bits, bool):
            return read_lst(lst, bits)
    raise _malformed()


def read_bitstring_list(
    claims: Mapping[str, Any], uri: str, purpose: str, now: datetime
) -> Bitstring:
    """The flags of a credential whose signature and `typ` the caller has checked.

    BadStatusList when it is malformed, another list than `uri` or for another purpose, or not in
    force at `now`.
    """
    if claims.get("id") != uri:
        raise _other_list()
    _require_token_in_force(claims, now)
    since, until = _moment(claims.get("validFrom")), _moment(claims.get("validUntil"))
    if (since and since > now + _LEEWAY) or (until and until <= now):
        raise _not_in_force()
    subject = claims.get("credentialSubject")
    if _TYPE not in _several(claims.get("type")) or not isinstance(subject, dict):
        raise _malformed()
    encoded = subject.get("encodedList")
    if subject.get("type") != _SUBJECT_TYPE or not isinstance(encoded, str):
        raise _malformed()
    if purpose not in _several(subject.get("statusPurpose")):
        raise bad("状态列表用途不符", "the list serves another purpose")
    return read_bitstring(encoded)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _malformed()
    return value


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _malformed()
    return moment


def _several(value: object) -> list[object]:
    """JSON-LD writes one value with or without its list."""
    return value if isinstance(value, list) else [value]


def _require_token_in_force(claims: Mapping[str, Any], now: datetime) -> None:
    """RFC 7519 §4.1.4, §4.1.5: `exp` and `nbf`, where there are any."""
    since, until = _seconds(claims.get("nbf", 0)), _seconds(claims.get("exp", inf))
    if not since <= (now + _LEEWAY).timestamp() or not now.timestamp() < until:
        raise _not_in_force()


def _not_in_force() -> BadStatusList:
    return bad("状态列表不在有效期内", "the list is not in force at this time")


def _other_list() -> BadStatusList:
    return bad("这是另一份状态列表", "this is another list")


def _malformed() -> BadStatusList:
    return bad("这不是状态列表", "this is not a status list")
