"""The sandbox's own issuer (沙箱签发方): demo tokens, worthless outside their data folder."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zwhub.gateway.graphiql import PersonaToken
from zwhub.gateway.identity import AUDIENCE, TrustedIssuer
from zwhub.gateway.jwks import FixedKeys, SigningKey
from zwhub.gateway.oauth import OAuthClient
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.crypto.token_keys import new_token_key
from zwhub.kernel.words import Words
from zwhub.platform.private_files import private_or_new

TOKEN_SECONDS = 30 * 24 * 3600
ISSUER_FILE = "sandbox-issuer.pem"
CLIENT_FILE = "sandbox-client.pem"
CLIENT_ID = "sandbox-department"

KINDS = {
    Persona.CITIZEN: Words("群众", "Citizen"),
    Persona.CLERK: Words("窗口人员", "Clerk"),
    Persona.DEPARTMENT: Words("部门系统", "Department system"),
    Persona.SUPERVISOR: Words("监督人员", "Supervisor"),
    Persona.OPERATOR: Words("运维人员", "Operator"),
}

# A client assertion (RFC 7523) made with OpenSSL 3 alone, then one POST.
CLIENT_EXAMPLE = """\
b64() {{ openssl base64 -A | tr '+/' '-_' | tr -d '='; }}
now=$(date +%s); unsigned=$(mktemp)
header=$(printf '{{"alg":"EdDSA","kid":"{kid}"}}' | b64)
claims=$(printf '{{"iss":"{client}","sub":"{client}","aud":"{url}","jti":"%s","exp":%s}}' \\
  "$(openssl rand -hex 16)" "$((now + 120))" | b64)
printf '%s.%s' "$header" "$claims" > "$unsigned"
signature=$(openssl pkeyutl -sign -inkey '{key}' -rawin -in "$unsigned" | b64)
curl -sS '{url}' \\
  -d grant_type=client_credentials -d scope=licences:verify \\
  -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
  -d "client_assertion=$(cat "$unsigned").$signature"
rm "$unsigned"
"""


@dataclass(frozen=True, slots=True)
class DemoPersona:
    """One caller of the sample city (样例城市); `key` is what `zwhub token` is asked for."""

    key: str
    persona: Persona
    name: str
    number: str | None = field(default=None, repr=False)
    organisation: str | None = None
    level: str | None = None
    scopes: frozenset[Scope] = frozenset()


class Sandbox:
    """Issuer and register of one data folder's demo callers.

    Its key is made on first use and stays in `data_dir`, mode 0600. The issuer's name holds the
    key's thumbprint, so that no two folders share a name, let alone a key: a demo token opens the
    hub that made it and no other. Also a `Clients`: it knows one OAuth client, `CLIENT_ID`, that
    acts for the first department among `personas`.
    """

    def __init__(self, data_dir: Path, personas: Sequence[DemoPersona]) -> None:
        self.key = SigningKey(private_or_new(data_dir / ISSUER_FILE, new_token_key))
        self.issuer = f"urn:zwhub:sandbox:{self.key.kid}"
        self.client_key_file = data_dir / CLIENT_FILE
        self._client_key = SigningKey(private_or_new(self.client_key_file, new_token_key))
        self._personas = {row.key: row for row in personas}

    def trusted(self) -> TrustedIssuer:
        """This issuer, for `Identity`; it covers the tokens of its own token endpoint too."""
        return TrustedIssuer(
            self.issuer,
            FixedKeys([self.key.jwk]),
            frozenset({self.key.algorithm}),
            frozenset(KINDS),
        )

    def token(self, key: str) -> str:
        """A token for the caller `key`, good for 30 days; KeyError for an unknown one."""
        row, now = self._personas[key], int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": f"demo-{row.key}",
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "persona": row.persona,
            "name": row.name,
            "number": row.number,
            "organisation": row.organisation,
            "level": row.level,
            "scope": " ".join(sorted(row.scopes)),
        }
        known = {name: value for name, value in claims.items() if value is not None}
        return self.key.sign(known, "at+jwt")

    def persona_tokens(self) -> list[PersonaToken]:
        """One token for each caller, for GraphiQL's persona switch."""
        return [
            PersonaToken(key, _label(row), self.token(key)) for key, row in self._personas.items()
        ]

    async def client(self, client_id: str) -> OAuthClient | None:
        departments = (row for row in self._personas.values() if row.persona is Persona.DEPARTMENT)
        row = next(departments, None)
        if client_id != CLIENT_ID or row is None:
            return None
        return OAuthClient(
            client_id=CLIENT_ID,
            name=row.name,
            organisation=row.organisation or "",
            level=row.level or "",
            scopes=row.scopes,
            jwks=(self._client_key.jwk,),
        )

    def client_example(self, url: str) -> str:
        """Shell commands that get a department token from the token endpoint at `url`."""
        return CLIENT_EXAMPLE.format(
            url=url, client=CLIENT_ID, kid=self._client_key.kid, key=self.client_key_file
        )


def _label(row: DemoPersona) -> Words:
    kind = KINDS[row.persona]
    return Words(f"{kind.zh} · {row.name}", f"{kind.en} · {row.name}")
