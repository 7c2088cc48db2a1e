"""Who calls (身份): good tokens become actors, everything else one constant refusal."""

import asyncio
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as jose
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from hostile import STRANGE, forged_tokens
from zwhub.gateway import identity as rules
from zwhub.gateway.identity import Identity, TrustedIssuer
from zwhub.gateway.jwks import (
    MAX_BYTES,
    FetchedKeys,
    FixedKeys,
    from_file,
    from_url,
    key_set,
    parse_jwks,
)
from zwhub.kernel.actor import ANONYMOUS, Persona, Scope
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

CITY = "https://id.city.example"
NUMBER = "11010519491231002X"
EVERYONE = frozenset(Persona) - {Persona.ANONYMOUS}
KEYS: dict[str, Key] = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "EdDSA": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
}
KEYS["PS256"] = KEYS["RS256"]


def public(*keys: Key) -> list[dict[str, Any]]:
    return [dict(key.as_dict(private=False)) for key in keys]


def claims(**changed: object) -> dict[str, Any]:
    now = int(time.time())
    valid = {
        "iss": CITY,
        "sub": "u-1",
        "aud": "zwhub",
        "iat": now,
        "exp": now + 600,
        "persona": "CITIZEN",
        "name": "张三",
        "number": NUMBER,
    }
    return {name: value for name, value in {**valid, **changed}.items() if value is not None}


def a_token(key: Key | None = None, alg: str = "ES256", typ: object = "JWT", **changed: Any) -> str:
    key = key or KEYS[alg]
    header = {"alg": alg, "kid": key.kid, "typ": typ}
    return jose.encode(header, claims(**changed), key, algorithms=[alg])


def an_identity(
    personas: frozenset[Persona] = EVERYONE, algorithms: frozenset[str] = frozenset(KEYS)
) -> Identity:
    keys = FixedKeys(public(*(KEYS[name] for name in ("ES256", "EdDSA", "RS256"))))
    return Identity([TrustedIssuer(CITY, keys, algorithms, personas)], secret=b"s" * 32)


async def refusal(authorization: str, identity: Identity | None = None) -> Words:
    with pytest.raises(Refused) as refused:
        await (identity or an_identity()).actor(authorization)
    assert refused.value.reason is Reason.UNAUTHENTICATED
    return refused.value.words


async def test_without_a_header_the_caller_is_anonymous() -> None:
    assert await an_identity().actor(None) is ANONYMOUS


# RFC 9864 renames EdDSA to Ed25519; PyJWT, and so the hub, still speaks RFC 8037.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["ES256", "EdDSA", "RS256", "PS256"])
async def test_a_token_of_the_citys_provider_names_the_caller(alg: str) -> None:
    exp = int(time.time()) + 60
    actor = await an_identity().actor(f"bearer {a_token(alg=alg, exp=exp, aud=['x', 'zwhub'])}")
    assert (actor.persona, actor.name, actor.number) == (Persona.CITIZEN, "张三", NUMBER)
    assert actor.expires_at == datetime.fromtimestamp(exp, UTC)


async def test_scopes_body_and_level_of_a_department() -> None:
    token = a_token(
        persona="DEPARTMENT",
        organisation="11330105002500287C",
        level="市级",
        scope="openid licences:verify licences:use",
        typ="at+jwt",
    )
    actor = await an_identity().actor(f"Bearer {token}")
    assert actor.scopes == {Scope.LICENCES_VERIFY, Scope.LICENCES_USE}
    assert (actor.organisation, actor.level) == ("11330105002500287C", "市级")


async def test_the_id_is_stable_and_says_nothing_about_the_person() -> None:
    identity = an_identity()
    first, again = [await identity.actor(f"Bearer {a_token(sub=NUMBER)}") for _ in range(2)]
    other = await identity.actor(f"Bearer {a_token(sub='u-2')}")
    assert first.id == again.id != other.id
    assert NUMBER not in repr(first)
    elsewhere = Identity(identity._issuers.values(), secret=b"t" * 32)
    assert (await elsewhere.actor(f"Bearer {a_token(sub=NUMBER)}")).id != first.id


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"exp": ago(60)}, rules.EXPIRED),
        ({"nbf": ago(-3_600)}, rules.NOT_YET),
        ({"iat": ago(-3_600)}, rules.NOT_YET),
        ({"aud": "another"}, rules.OTHER_AUDIENCE),
        ({"iss": "https://elsewhere.example"}, rules.NOT_TRUSTED),
        ({"iss": 7}, rules.CLAIMS),
        ({"exp": None}, rules.CLAIMS),
        ({"iat": None}, rules.CLAIMS),
        ({"sub": None}, rules.CLAIMS),
        ({"sub": ""}, rules.CLAIMS),
        ({"sub": "a\x00b"}, rules.CLAIMS),
        ({"exp": 10**12}, rules.CLAIMS),
        ({"name": ["张三"]}, rules.CLAIMS),
        ({"number": "1" * 51}, rules.CLAIMS),
        ({"number": None}, rules.CLAIMS),
        ({"persona": "KING"}, rules.CLAIMS),
        ({"persona": None}, rules.CLAIMS),
        ({"persona": []}, rules.CLAIMS),
        ({"persona": "CLERK"}, rules.CLAIMS),
        ({"persona": "CLERK", "organisation": "b"}, rules.CLAIMS),
        ({"persona": "DEPARTMENT", "level": "市级"}, rules.CLAIMS),
        ({"persona": "SUPERVISOR"}, rules.CLAIMS),
        ({"persona": "ANONYMOUS"}, rules.OTHER_PERSONA),
        ({"typ": "logout+jwt"}, rules.NOT_TRUSTED),
    ],
)
async def test_a_faulty_claim_is_refused(changed: dict[str, Any], said: Words) -> None:
    assert await refusal(f"Bearer {a_token(**changed)}") == said


@pytest.mark.parametrize(
    ("typ", "name", "said"), [(7, "张三", rules.NOT_TRUSTED), ("JWT", "a\ud800", rules.CLAIMS)]
)
async def test_what_only_a_careless_issuer_writes_is_refused(
    typ: Any, name: str, said: Words
) -> None:
    key = ECKey.generate_key("P-256", {"kid": "ec"})
    keys = FixedKeys(public(key))
    identity = Identity(
        [TrustedIssuer(CITY, keys, frozenset({"ES256"}), EVERYONE)], secret=b"s" * 32
    )
    pem = key.as_pem(private=True)
    token = jwt.encode(claims(name=name), pem, "ES256", headers={"kid": "ec", "typ": typ})
    assert await refusal(f"Bearer {token}", identity) == said


async def test_a_forged_token_is_refused_whatever_it_is_made_of() -> None:
    for token in forged_tokens(CITY, "ec", "ES256"):
        said = await refusal(f"Bearer {token}")
        assert said in {rules.NO_TOKEN, rules.NOT_TRUSTED, rules.CLAIMS}, token


@pytest.mark.parametrize("name", ["sub", "aud", "exp", "iat", "persona"])
@pytest.mark.parametrize("value", [*STRANGE[:7], float("inf"), float("nan")])
async def test_a_signed_claim_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    key = KEYS["ES256"].as_pem(private=True)  # type: ignore[union-attr]
    body = json.dumps({**claims(), name: value}).encode()
    token = jwt.PyJWS().encode(body, key, "ES256", headers={"kid": "ec"})
    if name == "iat" and isinstance(value, int | float) and value < time.time():
        assert (await an_identity().actor(f"Bearer {token}")).number == NUMBER  # long ago is fine
    else:
        assert await refusal(f"Bearer {token}") is not None


async def test_a_rare_name_is_no_fault() -> None:
    # U+2EBF0 is younger than Python 3.11's Unicode tables; U+E000 is for private use.
    name = "张\U0002ebf0\ue000"
    assert (await an_identity().actor(f"Bearer {a_token(name=name)}")).name == name


async def test_an_issuer_vouches_for_its_own_kinds_of_caller_only() -> None:
    citizens = an_identity(personas=frozenset({Persona.CITIZEN}))
    token = a_token(persona="OPERATOR")
    assert await refusal(f"Bearer {token}", citizens) == rules.OTHER_PERSONA
    assert (await an_identity().actor(f"Bearer {token}")).persona is Persona.OPERATOR


async def test_a_signature_by_another_key_of_that_name_is_refused() -> None:
    namesake = ECKey.generate_key("P-256", {"kid": "ec"})
    assert await refusal(f"Bearer {a_token(namesake)}") == rules.NOT_TRUSTED


async def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = a_token().split(".")
    changed = a_token(number="0").split(".")[1]
    assert await refusal(f"Bearer {header}.{changed}.{signature}") == rules.NOT_TRUSTED


async def test_the_algorithm_is_fixed_by_configuration() -> None:
    narrow = an_identity(algorithms=frozenset({"EdDSA"}))
    assert await refusal(f"Bearer {a_token(alg='RS256')}", narrow) == rules.NOT_TRUSTED
    # The classic confusion: a public key used as an HMAC secret.
    secret = OctKey.import_key(json.dumps(public(KEYS["ES256"])[0]), {"kid": "ec"})
    assert await refusal(f"Bearer {a_token(secret, 'HS256')}") == rules.NOT_TRUSTED
    with pytest.raises(ValueError, match="ES256"):
        an_identity(algorithms=frozenset({"HS256"}))
    with pytest.raises(ValueError, match="named kinds"):
        an_identity(personas=frozenset(Persona))


def test_an_issuer_stands_once() -> None:
    trusted = TrustedIssuer(CITY, FixedKeys([]), frozenset({"ES256"}), EVERYONE)
    with pytest.raises(ValueError, match="twice"):
        Identity([trusted, trusted], secret=b"s" * 32)


async def test_a_key_without_a_name_or_with_an_unknown_one_is_refused() -> None:
    for header in ({"alg": "ES256"}, {"alg": "ES256", "kid": "other"}):
        token = jose.encode(header, claims(), KEYS["ES256"], algorithms=["ES256"])
        assert await refusal(f"Bearer {token}") == rules.NOT_TRUSTED


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer é.é.é",
    ],
)
async def test_a_malformed_header_is_refused(header: str) -> None:
    assert await refusal(header) == rules.NO_TOKEN


async def test_an_overlong_token_is_refused_unread() -> None:
    assert await refusal(f"Bearer {a_token(pad='x' * rules.MAX_TOKEN)}") == rules.TOO_LONG


@given(part=st.text(max_size=40), at=st.integers(0, 2))
async def test_nothing_in_a_token_breaks_the_door(part: str, at: int) -> None:
    parts = a_token().split(".")
    parts[at] = part
    said = await refusal(f"Bearer {'.'.join(parts)}")
    assert said in {rules.NO_TOKEN, rules.NOT_TRUSTED, rules.CLAIMS}


async def test_deep_json_in_a_token_is_refused() -> None:
    deep = urlsafe_b64encode(b"[" * 3000).decode()
    assert await refusal(f"Bearer {deep}.{deep}.x") == rules.NO_TOKEN


async def test_a_remembered_token_ends_on_time(monkeypatch: pytest.MonkeyPatch) -> None:
    identity, now = an_identity(), time.time()
    long, short = f"Bearer {a_token()}", f"Bearer {a_token(exp=int(now) + 5)}"
    first = await identity.actor(long)
    await identity.actor(short)
    assert await identity.actor(long) is first
    monkeypatch.setattr(time, "time", lambda: now + 6)
    again = await identity.actor(short)  # within the leeway, so verified once more
    assert again.expires_at == datetime.fromtimestamp(int(now) + 5, UTC)
    monkeypatch.setattr(time, "time", lambda: now + rules.REMEMBERED_SECONDS + 1)
    assert await identity.actor(long) is not first


async def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_REMEMBERED", 2)
    identity = an_identity()
    for subject in "abcde":
        await identity.actor(f"Bearer {a_token(sub=subject)}")
    assert len(identity._recent) <= 2


# Where keys come from


def test_keys_that_cannot_serve_are_passed_over() -> None:
    weak = json.loads(json.dumps(public(KEYS["RS256"])[0]))
    weak["n"] = weak["n"][:100]
    ec, rsa = public(KEYS["ES256"], KEYS["RS256"])
    unfit: list[dict[str, object]] = [
        weak,
        {**ec, "use": "enc"},
        {**ec, "crv": "P-384"},
        {**ec, "x": "AA"},
        {**ec, "kid": 7},
        {**ec, "crv": ["P-256"]},
        dict(KEYS["ES256"].as_dict(private=True)),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
    ]
    assert key_set(unfit) == {}
    assert set(key_set([{**rsa, "alg": "PS256"}])) == {("rsa", "PS256")}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[1]}',
        b"\xff",
        b" " * MAX_BYTES + b"{}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_jwk_set_is_an_error(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"JWK set|Expecting|decode|invalid"):
        parse_jwks(document)


class Provider:
    """A provider whose answers, faults and clock the test decides."""

    def __init__(self, *keys: Key) -> None:
        self.keys, self.down, self.asked, self.now = list(keys), False, 0, 1000.0

    def fetch(self) -> bytes:
        self.asked += 1
        if self.down:
            raise OSError
        return json.dumps({"keys": public(*self.keys)}).encode()

    def source(self) -> FetchedKeys:
        return FetchedKeys(self.fetch, lifetime=100, pause=10, monotonic=lambda: self.now)


async def test_keys_are_kept_and_read_again_when_they_age() -> None:
    provider = Provider(KEYS["ES256"])
    source = provider.source()
    for _ in range(3):
        assert await source.key("ec", "ES256")
    assert provider.asked == 1
    provider.now += 101
    assert await source.key("ec", "ES256")
    assert provider.asked == 2


async def test_a_new_key_is_fetched_but_unknown_names_do_not_hammer() -> None:
    provider = Provider(KEYS["ES256"])
    source = provider.source()
    assert await source.key("ec", "ES256")
    provider.keys.append(KEYS["EdDSA"])
    for name in ("ed", "x", "y"):
        assert await source.key(name, "EdDSA") is None
    assert provider.asked == 1
    provider.now += 11
    assert await source.key("ed", "EdDSA")
    assert provider.asked == 2


async def test_the_last_good_keys_outlive_an_outage() -> None:
    provider = Provider(KEYS["ES256"])
    source = provider.source()
    assert await source.key("ec", "ES256")
    provider.down, provider.now = True, provider.now + 101
    assert await source.key("ec", "ES256")
    assert (provider.asked, source.last_error) == (2, "OSError")
    provider.down, provider.keys, provider.now = False, [KEYS["EdDSA"]], provider.now + 11
    assert await source.key("ec", "ES256") is None
    assert source.last_error is None


async def test_one_reading_at_a_time_and_none_waits_who_has_a_key() -> None:
    provider, free = Provider(KEYS["ES256"]), threading.Event()
    free.set()

    def slow() -> bytes:
        assert free.wait(10)
        return provider.fetch()

    source = FetchedKeys(slow, lifetime=100, pause=10, monotonic=lambda: provider.now)
    assert all(await asyncio.gather(*(source.key("ec", "ES256") for _ in range(5))))
    assert provider.asked == 1
    free.clear()
    provider.now += 101
    reading = asyncio.create_task(source.key("ec", "ES256"))
    await asyncio.sleep(0)
    assert await source.key("ec", "ES256")  # though the reading has not ended
    assert not reading.done()
    free.set()
    assert await reading
    assert provider.asked == 2


@pytest.fixture
def provider_url() -> Iterator[str]:
    body = json.dumps({"keys": public(KEYS["ES256"])}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/moved" else 200)
            self.send_header("Location", "/jwks.json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


async def test_keys_by_url_and_by_file(provider_url: str, tmp_path: Any) -> None:
    by_url = FetchedKeys(from_url(f"{provider_url}/jwks.json"))
    assert await by_url.key("ec", "ES256")
    moved = FetchedKeys(from_url(f"{provider_url}/moved"))
    assert await moved.key("ec", "ES256") is None
    assert moved.last_error == "HTTPError"
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": public(KEYS["EdDSA"])}))
    assert await FetchedKeys(from_file(path)).key("ed", "EdDSA")


@pytest.mark.parametrize("url", ["http://id.city.example/jwks", "file:///etc/passwd", "ftp://x/y"])
def test_keys_are_fetched_over_https_only(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        from_url(url)
