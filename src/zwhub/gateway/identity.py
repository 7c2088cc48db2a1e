"""Who calls (身份): from an `Authorization` header to an actor, or a refusal."""

import hmac
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import jwt
from jwt import PyJWTError

from zwhub.gateway.jwks import Keys
from zwhub.kernel.actor import ANONYMOUS, Actor, Persona, Scope
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

AUDIENCE = "zwhub"
MAX_TOKEN = 8 * 1024
LEEWAY_SECONDS = 10
REMEMBERED_SECONDS = 30  # so long may a token outlive the withdrawal of its key
MOST_REMEMBERED = 10_000
# An issuer's other papers (logout tokens, proofs, status lists, receipts) are not for logging in.
TOKEN_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})

NO_TOKEN = Words(
    "Authorization 头应为 “Bearer” 加一个 JWT", "The Authorization header is not `Bearer` and a JWT"
)
TOO_LONG = Words(f"令牌超过 {MAX_TOKEN} 字节", f"The token is longer than {MAX_TOKEN} bytes")
NOT_TRUSTED = Words("令牌不是由受信任的签发方签发的", "The token is not signed by a trusted issuer")
EXPIRED = Words("令牌已过期", "The token has expired")
NOT_YET = Words("令牌尚未生效", "The token is not valid yet")
OTHER_AUDIENCE = Words("令牌不是发给本枢纽的", "The token was not issued for this hub")
CLAIMS = Words(
    "令牌缺少必要的声明，或声明的形式不对", "The token lacks a claim it owes, or misstates one"
)
OTHER_PERSONA = Words(
    "签发方无权确认此类调用者", "The issuer may not vouch for this kind of caller"
)

# What a kind of caller cannot act without (API contract, "Who calls").
_OWED = {
    Persona.CITIZEN: ("number",),
    Persona.CLERK: ("organisation", "level"),
    Persona.DEPARTMENT: ("organisation", "level"),
    Persona.SUPERVISOR: ("level",),
}
_LONGEST = {"sub": 255, "name": 200, "number": 50, "organisation": 50, "level": 50, "scope": 1000}


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """One issuer whose tokens count: the city's provider (统一身份认证平台), or the hub itself.

    `algorithms` are those agreed on with the issuer, a subset of ES256, EdDSA, RS256, PS256;
    `personas` are the kinds of caller it may vouch for.
    """

    issuer: str
    keys: Keys
    algorithms: frozenset[str]
    personas: frozenset[Persona]

    def __post_init__(self) -> None:
        if not self.algorithms or not self.algorithms <= {"ES256", "EdDSA", "RS256", "PS256"}:
            raise ValueError("an issuer signs with ES256, EdDSA, RS256 or PS256")
        if not self.personas or Persona.ANONYMOUS in self.personas:
            raise ValueError("an issuer vouches for named kinds of caller only")


class Identity:
    """Turns bearer tokens (RFC 6750) into actors.

    Claims (RFC 7519, RFC 9068) and what becomes of them:

    | claim          | becomes                                                                 |
    |----------------|-------------------------------------------------------------------------|
    | `iss` + `sub`  | `id`: a digest keyed with `secret`; stable, safe to log                 |
    | `aud`          | must hold "zwhub"                                                       |
    | `exp`          | `expires_at`; `iat` is owed too, `nbf` is kept to; 10 s of leeway       |
    | `persona`      | `persona`, one the issuer may vouch for                                 |
    | `name`         | `name`                                                                  |
    | `number`       | `number`: identity number or USCC; owed by citizens and enterprises     |
    | `organisation` | `organisation`: code of the body; owed by clerks and departments        |
    | `level`        | `level` of the body; owed by clerks, departments and supervisors        |
    | `scope`        | `scopes`, separated by spaces; those the hub does not know are left out |
    """

    def __init__(self, issuers: Iterable[TrustedIssuer], *, secret: bytes) -> None:
        trusted = list(issuers)
        self._issuers = {one.issuer: one for one in trusted}
        if len(self._issuers) != len(trusted):
            raise ValueError("an issuer is configured twice")
        self._secret = secret
        self._recent: dict[bytes, tuple[Actor, float]] = {}

    async def actor(self, authorization: str | None) -> Actor:
        """The caller behind an `Authorization` header; without one, the anonymous.

        Refused (UNAUTHENTICATED) for anything but a good token, in words that never repeat it.
        """
        if authorization is None:
            return ANONYMOUS
        token = _bearer(authorization)
        digest = sha256(token.encode(errors="replace")).digest()
        actor, until = self._recent.get(digest, (ANONYMOUS, 0.0))
        if time.time() < until:
            return actor
        actor = await self._verify(token)
        self._remember(digest, actor)
        return actor

    async def _verify(self, token: str) -> Actor:
        header, claimed = _unverified(token)
        trusted = self._issuers.get(_text(claimed, "iss", 2000) or "")
        if trusted is None:
            raise _refused(NOT_TRUSTED)
        return self._of(trusted, await _verified(token, header, trusted))

    def _remember(self, digest: bytes, actor: Actor) -> None:
        """Spare a busy caller's next requests the signature, never past the token's own end."""
        if len(self._recent) >= MOST_REMEMBERED:
            self._recent.clear()
        expires = actor.expires_at.timestamp() if actor.expires_at else 0.0
        self._recent[digest] = actor, min(time.time() + REMEMBERED_SECONDS, expires)

    def _of(self, trusted: TrustedIssuer, claims: Mapping[str, Any]) -> Actor:
        text = {name: _text(claims, name, longest) for name, longest in _LONGEST.items()}
        persona = _persona(claims, trusted)
        if any(text[name] is None for name in ("sub", *_OWED.get(persona, ()))):
            raise _refused(CLAIMS)
        return Actor(
            id=self._id(trusted.issuer, text["sub"] or "", persona),
            persona=persona,
            name=text["name"],
            number=text["number"],
            organisation=text["organisation"],
            level=text["level"],
            scopes=_scopes(text["scope"] or ""),
            expires_at=_instant(claims["exp"]),
        )

    def _id(self, issuer: str, subject: str, persona: Persona) -> str:
        digest = hmac.digest(self._secret, f"{issuer}\0{subject}".encode(), sha256)
        return f"{persona.lower()}-{digest[:16].hex()}"


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise _refused(NO_TOKEN)
    if len(token) > MAX_TOKEN:
        raise _refused(TOO_LONG)
    return token.strip()


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as they stand, good for nothing but finding the key."""
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, TypeError, ValueError, RecursionError):
        raise _refused(NO_TOKEN) from None
    return parts["header"], parts["payload"]


async def _verified(
    token: str, header: Mapping[str, Any], trusted: TrustedIssuer
) -> Mapping[str, Any]:
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str) or not _is_login(header):
        raise _refused(NOT_TRUSTED)
    if algorithm not in trusted.algorithms:
        raise _refused(NOT_TRUSTED)
    key = await trusted.keys.key(kid, algorithm)
    if key is None:
        raise _refused(NOT_TRUSTED)
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=AUDIENCE,
            issuer=trusted.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub"]},
        )
    except (PyJWTError, TypeError, ValueError, OverflowError) as error:
        raise _refused(_said_of(error)) from None
    return claims


def _is_login(header: Mapping[str, Any]) -> bool:
    typ = header.get("typ")
    return typ is None or (isinstance(typ, str) and typ.lower() in TOKEN_TYPES)


_SAID: Sequence[tuple[type[Exception], Words]] = (
    (jwt.ExpiredSignatureError, EXPIRED),
    (jwt.ImmatureSignatureError, NOT_YET),
    (jwt.InvalidAudienceError, OTHER_AUDIENCE),
    (jwt.InvalidSignatureError, NOT_TRUSTED),
    (jwt.InvalidAlgorithmError, NOT_TRUSTED),
    (jwt.InvalidIssuerError, NOT_TRUSTED),
)


def _said_of(error: Exception) -> Words:
    return next((words for kind, words in _SAID if isinstance(error, kind)), CLAIMS)


def _persona(claims: Mapping[str, Any], trusted: TrustedIssuer) -> Persona:
    try:
        persona = Persona(claims["persona"])
    except (KeyError, ValueError):
        raise _refused(CLAIMS) from None
    if persona not in trusted.personas:
        raise _refused(OTHER_PERSONA)
    return persona


# Not `isprintable`: names hold characters newer than Python's tables, and private-use ones.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def _text(claims: Mapping[str, Any], name: str, longest: int) -> str | None:
    value = claims.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > longest or _UNSAFE.search(value):
        raise _refused(CLAIMS)
    return value


def _scopes(text: str) -> frozenset[Scope]:
    known = {scope.value: scope for scope in Scope}
    return frozenset(known[name] for name in text.split() if name in known)


def _instant(seconds: Any) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise _refused(CLAIMS) from None


def _refused(words: Words) -> Refused:
    return Refused(Reason.UNAUTHENTICATED, words)
