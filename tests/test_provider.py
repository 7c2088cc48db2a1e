"""The city's identity provider (统一身份认证平台) vouches for people, never for a department system."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from samplecity import SampleCity, a_hub
from servers import FreshDatabase, ServerUrls
from zwhub.gateway.identity import AUDIENCE, OTHER_PERSONA
from zwhub.gateway.jwks import SigningKey
from zwhub.kernel.actor import Persona
from zwhub.kernel.crypto.token_keys import new_token_key

ISSUER = "https://id.example"


def token(key: SigningKey, persona: str) -> str:
    now = int(time.time())
    people = {"name": "某", "number": "110101199003078515", "organisation": "B", "level": "市"}
    claims = {"iss": ISSUER, "sub": "s", "aud": AUDIENCE, "iat": now, "exp": now + 60, **people}
    return key.sign({**claims, "persona": persona, "scope": "licences:verify"}, "JWT")


@pytest.mark.parametrize("persona", sorted(set(Persona) - {Persona.ANONYMOUS}))
async def test_the_provider_vouches_for_people_alone(
    persona: Persona,
    sample_city: SampleCity,
    fresh_database: FreshDatabase,
    server_urls: ServerUrls,
    tmp_path: Path,
) -> None:
    key, jwks = SigningKey(new_token_key()), tmp_path / "provider.jwks"
    jwks.write_text(json.dumps({"keys": [key.jwk]}))
    provider: dict[str, Any] = {"identity_issuer": ISSUER, "identity_jwks": str(jwks)}
    async with (
        fresh_database(template=sample_city.template) as url,
        a_hub(sample_city, url, server_urls.redis_url, **provider) as hub,
    ):
        headers = {"authorization": f"Bearer {token(key, persona)}", "accept-language": "en"}
        body = {"query": "{ viewer { persona } }"}
        answer = await hub.http.post("/graphql", json=body, headers=headers)
    if persona is Persona.DEPARTMENT:
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["message"] == OTHER_PERSONA.en
    else:
        assert answer.json()["data"]["viewer"]["persona"] == persona
