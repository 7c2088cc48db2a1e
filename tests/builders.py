"""Builders (测试构造器): issuers and signed licences, valid by default, changed by keyword."""

import base64
import functools
import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from zwhub.cli.sandbox import sample_tables
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.issuance import issue
from zwhub.kernel.crypto.jws import sign
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.trust import TrustedKey
from zwhub.kernel.identifiers import citizen, licence
from zwhub.licences.held import TYP
from zwhub.licences.trust import trust
from zwhub.platform.database import Database

REGION = "990100"
ISSUER = "11990100009812267C"  # the sample's market regulator
ISSUER_NAME = "示例市市场监督管理局"
_LONG_AGO, _FAR_AHEAD = datetime(2015, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC)
_count = itertools.count(1)


@functools.cache
def licence_types() -> Mapping[str, str]:
    """The sample's licence type codes by their key, such as "vehicle-licence"."""
    return {row["key"]: row["code"] for row in sample_tables()["licence_types"]}


def a_citizen_number(born: date = date(1990, 3, 7)) -> str:
    """A citizen number (公民身份号码) whose check character is right; another one each time."""
    day = born - timedelta(days=next(_count))
    head = f"{REGION}{day:%Y%m%d}{next(_count) % 1000:03}"
    return head + citizen.check_character(head)


def a_holder(
    name: str = "测试甲", code: str | None = None, code_type: str = "111"
) -> dict[str, str]:
    """A member of `holders=[…]`."""
    return {"name": name, "code": code or a_citizen_number(), "codeType": code_type}


@dataclass(frozen=True)
class Root:
    """A root certificate and its key."""

    key: PrivateKey
    certificate: Certificate


def a_root(algorithm: Algorithm = Algorithm.ES256) -> Root:
    """A new root under which issuers can stand."""
    key = PrivateKey.generate(algorithm)
    name = f"test root {next(_count)}"
    certificate = issue(
        name, None, key.public, key, not_before=_LONG_AGO, not_after=_FAR_AHEAD, authority=True
    )
    return Root(key, certificate)


@dataclass(frozen=True)
class Issuer:
    """An issuer's key (签发机构), and the certificate and rights it has on the trust list.

    It is trusted once `trusting(db, issuer)` has put it there.
    """

    kid: str
    key: PrivateKey = field(repr=False)
    root: Root = field(repr=False)
    certificate: Certificate
    code: str = ISSUER
    types: frozenset[str] = frozenset()
    withdrawn_since: datetime | None = None
    retired_from: datetime | None = None

    def trusted(self) -> TrustedKey:
        """Its row of the trust list."""
        ends = self.withdrawn_since, self.retired_from
        return TrustedKey(self.kid, self.code, self.certificate, self.types, *ends)

    def a_licence(self, key: PrivateKey | None = None, **changes: Any) -> str:
        """A signed record (JWS): `a_body(**changes)` under this issuer's key, or another `key`."""
        return self.signed(self.a_body(**changes), key)

    def signed(self, body: Mapping[str, Any], key: PrivateKey | None = None) -> str:
        """Any body as a signed record."""
        payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return sign(key or self.key, self.kid, payload, TYP)

    def a_body(self, *, serial: str | None = None, **changes: Any) -> dict[str, Any]:
        """The members of a licence that is valid today, in the format's order.

        `changes` name members in snake case (`valid_until="2030-01-01"`, `holders=[a_holder()]`,
        `version="002"`, `type_code=licence_types()["…"]`). The identifier and the number follow
        from serial, type, issuer and version unless they are given; dates may be `date`.
        """
        said = {name: str(v) if isinstance(v, date) else v for name, v in changes.items()}
        serial = serial or f"TEST{next(_count):08}"
        code = said.get("type_code", licence_types()["vehicle-licence"])
        by, version = said.get("issuer_code", self.code), said.get("version", "001")
        body = {
            "format": "zwhub-licence/1",
            "identifier": licence.build(code, by, serial, int(version)),
            "number": f"NO-{serial}",
            "name": "机动车行驶证",
            "typeCode": code,
            "typeName": "机动车行驶证",
            "issuerCode": by,
            "issuerName": ISSUER_NAME,
            "issuedOn": "2024-05-01",
            "validFrom": "2024-05-01",
            "validUntil": None,
            "holders": [a_holder()],
            "version": version,
            "operation": "新发" if version == "001" else "变更",
            "previous": None if version == "001" else licence.build(code, by, serial, 1),
            "region": REGION,
            "surface": {"号牌号码": "示A·00001"},
            "signedAt": "2024-05-01T10:00:00+08:00",
            "signedBy": ISSUER_NAME,
        }
        given = {_camel(name): value for name, value in said.items()}
        unknown = given.keys() - body.keys()
        if unknown:
            raise TypeError(f"the format has no {', '.join(sorted(unknown))}")
        return {**body, **given}


def an_issuer(
    algorithm: Algorithm = Algorithm.ES256,
    *,
    root: Root | None = None,
    code: str = ISSUER,
    types: Iterable[str] | None = None,
    not_before: datetime = _LONG_AGO,
    not_after: datetime = _FAR_AHEAD,
    withdrawn_since: datetime | None = None,
    retired_from: datetime | None = None,
) -> Issuer:
    """A new key with its certificate, allowed every type of the sample unless `types` says less."""
    key, root = PrivateKey.generate(algorithm), root or a_root()
    certificate = issue(
        ISSUER_NAME,
        code,
        key.public,
        root.key,
        issuer=root.certificate,
        not_before=not_before,
        not_after=not_after,
    )
    allowed = frozenset(licence_types().values() if types is None else types)
    kid = f"test-{algorithm}-{next(_count)}"
    return Issuer(kid, key, root, certificate, code, allowed, withdrawn_since, retired_from)


async def trusting(db: Database, *issuers: Issuer) -> None:
    """Put issuers and their roots on the trust list of that database."""
    roots = [one.root.certificate for one in issuers]
    async with db.write() as session:
        await trust(session, roots, [one.trusted() for one in issuers], datetime.now(UTC))


def with_wrong_check(identifier: str) -> str:
    """The identifier with a check character that neither the standard nor the variant gives."""
    ways = [identifier[:-1] + character for character in "0123456789"]
    states = {one: licence.LicenceIdentifier.parse(one).check_state for one in ways}
    return next(one for one, state in states.items() if state is licence.CheckState.WRONG)


def altered(record: str, **members: Any) -> str:
    """The record with other members under the old signature: a forgery."""
    header, payload, signature = record.split(".")
    body = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    changed = body | {_camel(name): value for name, value in members.items()}
    text = json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{header}.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.{signature}"


def records(signed: Sequence[str]) -> dict[str, Any]:
    """`CollectLicencesInput` for these records."""
    return {"records": [{"jws": one} for one in signed]}


def body_of(record: str) -> dict[str, Any]:
    """The members of a signed record, as JSON says them."""
    payload = record.split(".")[1]
    body: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return body


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
