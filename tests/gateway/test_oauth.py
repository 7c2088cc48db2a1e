"""The token endpoint (令牌端点): RFC 6749 §4.4 with RFC 7523 client assertions."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey
from starlette.applications import Starlette
from structlog.testing import capture_logs

from frontdoor import UsedOnce
from hostile import forged_assertions
from zwhub.gateway import oauth
from zwhub.gateway.identity import Identity
from zwhub.gateway.jwks import SigningKey
from zwhub.gateway.oauth import Clients, OAuthClient, TokenEndpoint
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.crypto.token_keys import new_token_key
from zwhub.kernel.refusal import Refused

URL = "https://hub.city.example/oauth/token"
HUB = "https://hub.city.example"
BODY = "11330105002500287C"
CLIENT_KEY = ECKey.generate_key("P-256", {"kid": "k1"})
SPARE_KEY = ECKey.generate_key("P-256", {"kid": "k2"})
CLIENT = OAuthClient(
    client_id="health",
    name="卫生健康委员会",
    organisation=BODY,
    level="市级",
    scopes=frozenset({Scope.LICENCES_VERIFY, Scope.LICENCES_USE}),
    jwks=(dict(CLIENT_KEY.as_dict(private=False)),),
)


class Register:
    def __init__(self, *clients: OAuthClient) -> None:
        self._clients = {client.client_id: client for client in clients}

    async def client(self, client_id: str) -> OAuthClient | None:
        return self._clients.get(client_id)


class Unasked:
    """A register that PostgreSQL would fail for: it must be asked for sound names alone."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def client(self, client_id: str) -> OAuthClient | None:
        self.asked.append(client_id)
        return None


class Down:
    """A register that is away."""

    async def client(self, client_id: str) -> OAuthClient | None:
        raise ConnectionError(f"postgresql://hub:s3cret@db/hub has no {client_id}")


def an_endpoint(client: OAuthClient = CLIENT, register: Clients | None = None) -> TokenEndpoint:
    return TokenEndpoint(
        url=URL,
        issuer=HUB,
        key=SigningKey(new_token_key()),
        clients=register or Register(client),
        replays=UsedOnce(),
    )


def an_assertion(
    key: ECKey | OctKey = CLIENT_KEY, header: Mapping[str, object] | None = None, **changed: object
) -> str:
    now = int(time.time())
    valid = {
        "iss": "health",
        "sub": "health",
        "aud": URL,
        "exp": now + 60,
        "jti": str(time.time_ns()),
    }
    claims = {name: value for name, value in {**valid, **changed}.items() if value is not None}
    head = {"alg": "ES256", "kid": key.kid} if header is None else dict(header)
    return jose.encode(head, claims, key, algorithms=["ES256", "HS256"])


def a_form(assertion: str | None = None, **changed: str | None) -> dict[str, str]:
    valid = {
        "grant_type": "client_credentials",
        "client_assertion_type": oauth.ASSERTION_TYPE,
        "client_assertion": assertion or an_assertion(),
    }
    return {name: value for name, value in {**valid, **changed}.items() if value is not None}


async def post(
    form: Mapping[str, str] | bytes,
    endpoint: TokenEndpoint | None = None,
    kind: str = "application/x-www-form-urlencoded",
) -> httpx.Response:
    app = Starlette(routes=[(endpoint or an_endpoint()).route()])
    content = form if isinstance(form, bytes) else urlencode(form).encode()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as client:
        return await client.post("/oauth/token", content=content, headers={"content-type": kind})


def refused(answer: httpx.Response, code: str, status: int = 400) -> bool:
    assert answer.headers["cache-control"] == "no-store"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert set(answer.json()) == {"error", "error_description"}
    return (answer.status_code, answer.json()["error"]) == (status, code)


async def test_a_department_gets_a_token_that_opens_the_hub() -> None:
    endpoint = an_endpoint()
    answer = await post(a_form(scope="licences:verify"), endpoint)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["scope"]) == ("Bearer", "licences:verify")
    assert given["expires_in"] <= 15 * 60
    identity = Identity([endpoint.trusted()], secret=b"s" * 32)
    actor = await identity.actor(f"Bearer {given['access_token']}")
    assert (actor.persona, actor.organisation) == (Persona.DEPARTMENT, BODY)
    assert actor.scopes == {Scope.LICENCES_VERIFY}
    assert actor.expires_at is not None
    assert actor.expires_at - datetime.now(UTC) <= timedelta(minutes=15)


async def test_without_a_scope_all_granted_ones_are_given() -> None:
    answer = await post(a_form(client_id="health", scope=""))
    assert answer.json()["scope"] == "licences:use licences:verify"


@pytest.mark.parametrize("audience", [URL, HUB, [HUB, "https://other.example"]])
async def test_an_assertion_is_addressed_to_the_endpoint_or_the_hub(audience: Any) -> None:
    assert (await post(a_form(an_assertion(aud=audience)))).status_code == 200


async def test_a_client_with_one_key_need_not_name_it() -> None:
    assert (await post(a_form(an_assertion(header={"alg": "ES256"})))).status_code == 200


async def test_a_client_with_two_keys_names_the_one_it_used() -> None:
    both = tuple(dict(key.as_dict(private=False)) for key in (CLIENT_KEY, SPARE_KEY))
    client = OAuthClient("health", "n", BODY, "市级", CLIENT.scopes, both)
    named = a_form(an_assertion(SPARE_KEY))
    assert (await post(named, an_endpoint(client))).status_code == 200
    unnamed = a_form(an_assertion(SPARE_KEY, {"alg": "ES256"}))
    assert refused(await post(unnamed, an_endpoint(client)), "invalid_client", 401)


async def test_an_assertion_serves_once() -> None:
    endpoint, form = an_endpoint(), a_form()
    assert (await post(form, endpoint)).status_code == 200
    assert refused(await post(form, endpoint), "invalid_client", 401)
    assert (await post(a_form(), endpoint)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"iss": "other", "sub": "other"},
        {"sub": 7, "iss": 7},
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 24 * 3600},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 600},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 201},
    ],
)
async def test_a_faulty_assertion_is_no_authentication(changed: dict[str, Any]) -> None:
    assert refused(await post(a_form(an_assertion(**changed))), "invalid_client", 401)


async def test_a_forged_assertion_is_no_authentication() -> None:
    namesake = ECKey.generate_key("P-256", {"kid": "k1"})
    public = OctKey.import_key(json.dumps(CLIENT_KEY.as_dict(private=False)), {"kid": "k1"})
    unsigned = jwt.encode({"iss": "health", "sub": "health", "aud": URL}, "", "none")
    hmac = an_assertion(public, {"alg": "HS256", "kid": "k1"})
    for assertion in (an_assertion(namesake), an_assertion(SPARE_KEY), hmac, unsigned, "a.b.c"):
        assert refused(await post(a_form(assertion)), "invalid_client", 401)


async def test_only_a_sound_name_is_looked_up() -> None:
    register = Unasked()
    for assertion in forged_assertions(URL, "health"):
        answer = await post(a_form(assertion), an_endpoint(register=register))
        assert refused(answer, "invalid_client", 401)
    assert set(register.asked) == {"health"}


async def test_our_own_fault_is_json_and_logged_without_details() -> None:
    with capture_logs() as logs:
        answer = await post(a_form(), an_endpoint(register=Down()))
    assert refused(answer, "server_error", 500)
    assert "s3cret" not in answer.text
    assert [(entry["log_level"], entry["exc_info"]) for entry in logs] == [("error", True)]


async def test_known_and_unknown_clients_are_refused_alike(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []
    decode = jwt.decode

    def watched(assertion: str, key: Any, **options: Any) -> Any:
        checked.append(key.algorithm_name)
        return decode(assertion, key, **options)

    monkeypatch.setattr(jwt, "decode", watched)
    forged = ECKey.generate_key("P-256", {"kid": "k1"})
    known = await post(a_form(an_assertion(forged)))
    unknown = await post(a_form(an_assertion(forged, iss="nobody", sub="nobody")))
    assert known.content == unknown.content
    assert checked == ["ES256", "ES256"]


@pytest.mark.parametrize(
    ("changed", "code", "status"),
    [
        ({"grant_type": None}, "invalid_request", 400),
        ({"grant_type": ""}, "invalid_request", 400),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"client_assertion": None, "client_secret": "s"}, "invalid_client", 401),
        ({"client_assertion_type": "other"}, "invalid_client", 401),
        ({"client_id": "other"}, "invalid_client", 401),
        ({"scope": "licences:verify licences:collect"}, "invalid_scope", 400),
        ({"scope": "everything"}, "invalid_scope", 400),
        ({"padding": "x" * oauth.MAX_BODY}, "invalid_request", 413),
        ({f"p{n}": "x" for n in range(oauth.MAX_PARAMETERS)}, "invalid_request", 400),
    ],
)
async def test_a_faulty_request(changed: dict[str, str | None], code: str, status: int) -> None:
    assert refused(await post(a_form(**changed)), code, status)


async def test_a_repeated_parameter_is_refused() -> None:
    body = urlencode([*a_form().items(), ("scope", "a"), ("scope", "b")]).encode()
    assert refused(await post(body), "invalid_request")


async def test_only_forms_by_post() -> None:
    for kind in ("application/json", "", "multipart/form-data; boundary=x"):
        assert refused(await post(a_form(), kind=kind), "invalid_request")
    transport = httpx.ASGITransport(Starlette(routes=[an_endpoint().route()]))
    async with httpx.AsyncClient(transport=transport, base_url=HUB) as client:
        answer = await client.get("/oauth/token")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@given(body=st.binary(max_size=200))
async def test_no_body_breaks_the_endpoint(body: bytes) -> None:
    assert (await post(body)).status_code in {400, 401}


async def test_the_token_is_no_client_assertion_and_the_assertion_no_token() -> None:
    endpoint, assertion = an_endpoint(), an_assertion()
    identity = Identity([endpoint.trusted()], secret=b"s" * 32)
    with pytest.raises(Refused):
        await identity.actor(f"Bearer {assertion}")
    token = (await post(a_form(), endpoint)).json()["access_token"]
    assert refused(await post(a_form(token), endpoint), "invalid_client", 401)
