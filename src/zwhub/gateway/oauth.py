"""Tokens for department systems (部门系统令牌): OAuth 2 client credentials, `private_key_jwt`."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Protocol
from urllib.parse import parse_qsl
from uuid import uuid4

import jwt
import structlog
from jwt import PyJWK, PyJWTError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from zwhub.gateway.identity import AUDIENCE, LEEWAY_SECONDS, TrustedIssuer
from zwhub.gateway.jwks import FixedKeys, Jwk, SigningKey, key_set
from zwhub.gateway.limits import RETRY_SECONDS
from zwhub.kernel.actor import Persona, Scope
from zwhub.platform.database import is_unavailable

log = structlog.get_logger("zwhub.gateway")

TOKEN_SECONDS = 15 * 60
ASSERTION_SECONDS = 5 * 60
MAX_BODY = 16 * 1024
MAX_PARAMETERS = 20
LONGEST_JTI = 200
CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_ALGORITHMS = ("ES256", "EdDSA")
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 §5.1

# An unknown client costs the same work as a known one. Nobody has these keys' private halves.
_DECOYS = key_set(
    [
        {
            "kid": "",
            "kty": "EC",
            "crv": "P-256",
            "x": "Dcp_XrWnhYdFiHQKUunAl1bijNA1SBlYZLfoDLGR_As",
            "y": "QoXXwwyfpv1FqHnD2sPKAn4W5dEX87daIkFz5-psLbM",
        },
        {
            "kid": "",
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "V8oDec6wVA_wKIwhzqO3CmB5xSnlUUp40KTmxb1Vq6Y",
        },
    ]
)


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """One department system (部门系统): bound to a body, a level, scopes, and its public keys."""

    client_id: str
    name: str
    organisation: str
    level: str
    scopes: frozenset[Scope]
    jwks: tuple[Jwk, ...]


class Clients(Protocol):
    """The register of department systems."""

    async def client(self, client_id: str) -> OAuthClient | None:
        """The client of that id if it is known and in force, else None."""


class Replays(Protocol):
    """Which client assertions have been used; shared by all processes that answer one URL."""

    async def replay(self, jti: str, expires: datetime) -> bool:
        """Whether `jti` was seen before; from now on, until `expires`, it has been.

        `jti` is 64 hexadecimal characters: a digest of the client and the assertion's own `jti`.
        """


class OAuthError(Exception):
    """An answer of RFC 6749 §5.2; its text is constant and repeats nothing of the request."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.code, self.status = code, status


class TokenEndpoint:
    """`POST /oauth/token`: RFC 6749 §4.4 with the client authentication of RFC 7523 §2.2.

    `url` is the endpoint's public address, `issuer` the hub's name as an issuer; a client
    assertion is addressed to either. `key` signs the access tokens (RFC 9068), 15 minutes each.
    """

    def __init__(
        self, *, url: str, issuer: str, key: SigningKey, clients: Clients, replays: Replays
    ) -> None:
        self._audiences = [url, issuer]
        self._issuer, self._key = issuer, key
        self._clients, self._replays = clients, replays

    def route(self, path: str = "/oauth/token") -> Route:
        return Route(path, self.answer, methods=["POST"])

    def trusted(self) -> TrustedIssuer:
        """The hub as an issuer of department tokens, for `Identity`."""
        return TrustedIssuer(
            self._issuer,
            FixedKeys([self._key.jwk]),
            frozenset({self._key.algorithm}),
            frozenset({Persona.DEPARTMENT}),
        )

    async def answer(self, request: Request) -> JSONResponse:
        """A token, or an error of RFC 6749 §5.2; our own faults are logged and not described."""
        try:
            return await self._answer(request)
        except OAuthError as error:
            return _refusal(error)
        except Exception as error:
            if is_unavailable(error):
                log.warning("overload", error=type(error).__name__)
                return _refusal(_BUSY)
            log.exception("a token request failed")
            return _refusal(OAuthError("server_error", "the hub could not answer", 500))

    async def _answer(self, request: Request) -> JSONResponse:
        form = await _form(request)
        _check_grant(form)
        client = await self._authenticated(form)
        scopes = _granted(form.get("scope", ""), client)
        body = {
            "access_token": self._token(client, scopes),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": scopes,
        }
        return JSONResponse(body, headers=NO_STORE)

    async def _authenticated(self, form: Mapping[str, str]) -> OAuthClient:
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
            raise _NOT_AUTHENTICATED
        assertion = form["client_assertion"]
        header, claimed = _unverified(assertion)
        client_id, algorithm = _client_id(claimed, form), _algorithm(header, claimed)
        client = await self._clients.client(client_id)
        claims = self._verified(assertion, _key(header.get("kid"), algorithm, client))
        if client is None or not await self._first_use(client_id, claims):
            raise _NOT_AUTHENTICATED
        return client

    def _verified(self, assertion: str, key: PyJWK) -> Mapping[str, Any]:
        """RFC 7523 §3: signed by the client, addressed to us, short-lived."""
        try:
            claims: Mapping[str, Any] = jwt.decode(
                assertion,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audiences,
                leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "sub", "aud", "exp", "jti"]},
            )
            left = int(claims["exp"]) - time.time()
        except (PyJWTError, TypeError, ValueError, OverflowError):
            raise _NOT_AUTHENTICATED from None
        if left > ASSERTION_SECONDS + LEEWAY_SECONDS:
            raise _NOT_AUTHENTICATED
        return claims

    async def _first_use(self, client_id: str, claims: Mapping[str, Any]) -> bool:
        digest = sha256(f"{client_id}\0{claims['jti']}".encode(errors="replace")).hexdigest()
        expires = datetime.fromtimestamp(int(claims["exp"]) + LEEWAY_SECONDS, UTC)
        return not await self._replays.replay(digest, expires)

    def _token(self, client: OAuthClient, scopes: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "sub": client.client_id,
            "client_id": client.client_id,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid4().hex,
            "persona": Persona.DEPARTMENT,
            "name": client.name,
            "organisation": client.organisation,
            "level": client.level,
            "scope": scopes,
        }
        return self._key.sign(claims, "at+jwt")


_BUSY = OAuthError("temporarily_unavailable", "the hub is busy, try again in a moment", 503)
_NOT_AUTHENTICATED = OAuthError("invalid_client", "the client could not be authenticated", 401)


async def _form(request: Request) -> Mapping[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "the body is not application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(
            (await _body(request)).decode(), errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise OAuthError("invalid_request", "the body is malformed") from None
    if len(dict(pairs)) != len(pairs):  # RFC 6749 §3.2
        raise OAuthError("invalid_request", "a parameter is given more than once")
    return dict(pairs)


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                raise OAuthError("invalid_request", f"the body is over {MAX_BODY} bytes", 413)
    except ClientDisconnect:
        raise OAuthError("invalid_request", "the body did not arrive") from None
    return bytes(body)


def _check_grant(form: Mapping[str, str]) -> None:
    grant = form.get("grant_type")
    if grant is None:
        raise OAuthError("invalid_request", "grant_type is missing")
    if grant != "client_credentials":
        raise OAuthError("unsupported_grant_type", "only client_credentials is supported")


def _unverified(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    try:
        parts = jwt.decode_complete(assertion, options={"verify_signature": False})
    except (PyJWTError, TypeError, ValueError, RecursionError):
        raise _NOT_AUTHENTICATED from None
    return parts["header"], parts["payload"]


def _client_id(claimed: Mapping[str, Any], form: Mapping[str, str]) -> str:
    """RFC 7523 §3 (2): issuer and subject are the client; RFC 7521 §4.2: so is `client_id`."""
    client_id = claimed.get("sub")
    # Before any look-up: SQL stores neither U+0000 nor a lone surrogate.
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        raise _NOT_AUTHENTICATED
    if claimed.get("iss") != client_id or form.get("client_id", client_id) != client_id:
        raise _NOT_AUTHENTICATED
    return client_id


def _algorithm(header: Mapping[str, Any], claimed: Mapping[str, Any]) -> str:
    """The algorithm named, when that and `jti` make the register worth asking."""
    algorithm, jti = header.get("alg"), claimed.get("jti")
    fit = isinstance(jti, str) and 0 < len(jti) <= LONGEST_JTI
    if not fit or algorithm not in CLIENT_ALGORITHMS:
        raise _NOT_AUTHENTICATED
    return str(algorithm)


def _key(kid: object, algorithm: str, client: OAuthClient | None) -> PyJWK:
    """The client's key the header names, or its only one of that kind, or else a decoy."""
    keys = key_set(client.jwks) if client else {}
    fitting = [
        key for (name, makes), key in keys.items() if makes == algorithm and kid in (None, name)
    ]
    return fitting[0] if len(fitting) == 1 else _DECOYS["", algorithm]


def _granted(requested: str, client: OAuthClient) -> str:
    """What is asked for, or else all the client may; in the order of the names."""
    granted = {scope.value for scope in client.scopes}
    asked = set(requested.split()) or granted
    if not asked <= granted:
        raise OAuthError("invalid_scope", "a scope is unknown or not granted to this client")
    return " ".join(sorted(asked))


def _refusal(error: OAuthError) -> JSONResponse:
    headers = dict(NO_STORE)
    if error.status == _BUSY.status:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if error.status == _NOT_AUTHENTICATED.status:
        headers["WWW-Authenticate"] = 'Bearer realm="zwhub"'  # RFC 9110 §15.5.2 owes one
    body = {"error": error.code, "error_description": str(error)}
    return JSONResponse(body, error.status, headers)
