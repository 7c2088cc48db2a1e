"""At rest (存储): whoever steals the database or the cache finds nobody's name and no number."""

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from builders import Issuer, a_citizen_number, a_holder, altered, an_issuer, body_of
from ofdfiles import PAGE, Cast, a_document, signed_parts, zipped
from samplecity import CITIZEN, CITIZEN_NAME, ENTERPRISE, SampleHub
from servers import ServerUrls
from test_privacy import NAME, good_and_bad
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.crypto.sealing import Sealer
from zwhub.licences.held import Held
from zwhub.licences.store import by_ids

CHANGE = "change-licence-status"
# What the profile publishes of the city's own bodies, and their systems: no holders of licences.
PUBLIC = {"city", "organisations", "regions", "items", "business_matters", "oauth_clients"}


@pytest.fixture(scope="module")
def cast(issuers: Mapping[Algorithm, Issuer]) -> Cast:
    signer = issuers[Algorithm.SM2]
    return Cast(signer.root, signer, an_issuer(Algorithm.SM2, root=signer.root))


def forms(secret: str) -> Iterator[bytes]:
    """A text as it may lie there: plain, escaped, hexadecimal, UTF-16, Base64 from any byte on."""
    plain = secret.encode()
    yield from (plain, json.dumps(secret)[1:-1].encode(), plain.hex().encode())
    yield from (plain.hex().upper().encode(), secret.encode("utf-16-le"), secret.lower().encode())
    for before in range(3):
        encoded = b64encode(bytes(before) + plain), urlsafe_b64encode(bytes(before) + plain)
        first, after = -(-before * 4 // 3), (before + len(plain)) % 3
        for one in encoded:  # without the characters that its neighbours have a share in
            whole = one.rstrip(b"=")
            yield whole[first : len(whole) - (1 if after else 0)]


def found_in(places: Mapping[str, bytes], secrets: set[str]) -> list[str]:
    """Where which of the secrets shows; nothing of it is repeated."""
    return [
        f"{place}: {secret[:3]}…"
        for place, content in places.items()
        for secret in sorted(secrets)
        if any(form in content for form in forms(secret))
    ]


async def database(hub: SampleHub) -> dict[str, bytes]:
    """Every column of every table that holds anything, as one run of bytes."""
    listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    places: dict[str, bytes] = {}
    async with hub.db.read() as session:
        for table in list(await session.scalars(text(listed))):
            if table in PUBLIC:
                continue
            rows = (await session.execute(text(f"SELECT * FROM {table}"))).mappings().all()  # noqa: S608
            for name in rows[0] if rows else ():
                places[f"{table}.{name}"] = b"\n".join(_bytes(row[name]) for row in rows)
    return places


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str).encode()
    return str(value).encode()


async def cache(hub: SampleHub, url: str) -> dict[str, bytes]:
    """Every key with what the server itself would hand out of it."""
    places: dict[str, bytes] = {}
    async with Redis.from_url(url) as client:
        async for key in client.scan_iter(match=f"{hub.hub.cache._namespace}:*"):
            kind = await client.type(key)
            value = await client.get(key) if kind == b"string" else await client.dump(key)
            places[f"cache {len(places)}"] = key + b"\n" + (value or b"")
    return places


async def busy(hub: SampleHub, issuer: Issuer, cast: Cast, number: str) -> None:
    """Everything that leaves a trace, with a person's number wherever an issuer could put it."""
    await good_and_bad(hub, issuer, number)
    record = issuer.a_licence(serial=number, number=number, holders=[a_holder(NAME, number)])
    later = issuer.a_licence(
        serial=number, number=number, version="002", holders=[a_holder(NAME, number)]
    )
    await hub.collect(record, later, number, f"{NAME}.{number}.x", altered(record, number=NAME))
    body = body_of(record)
    claim = {"code": number, "name": NAME}
    for asked in ({"jws": record}, {"jws": later}, {"identifier": body["identifier"]}):
        await hub.verify(holder=claim, **asked)
    several = [{"number": number}, {"identifier": body["identifier"]}, {"jws": record}]
    batch = {"licences": several, "purpose": "批量核对"}
    answer = await hub.ask("verify-licences", "department", input=batch)
    assert answer["data"]["verifyLicences"]["counts"]
    await files(hub, issuer, cast, number)
    said = {"status": "SUSPENDED", "reason": "核查", "basis": "某法第一条"}
    asked = {"licence": {"number": number}, **said}
    await hub.ask(CHANGE, "department", input=asked)
    by = f'{{ licence(by: {{number: "{number}"}}) {{ number holders {{ name code }} }} }}'
    for persona in ("department", "citizen", "clerk"):
        await hub.ask(by, persona)
    await hub.ask("my-licences", "citizen")
    await hub.ask("access-log", "citizen")
    shop = {"itemCodes": ["1"], "holder": {"code": number}}
    await hub.ask("licence-supermarket", "department", input=shop)


async def files(hub: SampleHub, issuer: Issuer, cast: Cast, number: str) -> None:
    """Files that name a licence which nobody collected, or whose parts are named after somebody."""
    unknown = issuer.a_body(serial=number[:17] + "0")["identifier"]
    parts = {**a_document(unknown), f"Doc_0/Res/{NAME}-{number}.png": b"x"}
    signed = signed_parts(cast, "v4", document=parts)
    spoilt = {**signed, f"Doc_0/Res/{NAME}-{number}.png": b"y", PAGE: b"<x/>"}
    for content in (zipped(signed), zipped(spoilt)):
        question = {"content": b64encode(content).decode(), "purpose": "窗口核对"}
        asked = {**question, "name": f"{NAME}.ofd"}
        answer = await hub.ask("verify-licence-file", "department", input=asked)
        assert answer["data"]["verifyLicenceFile"]["verdict"] != "GENUINE"


async def some_holders(hub: SampleHub) -> set[str]:
    """The persons of the sample's first licences, as numbers and names."""
    kept = await by_ids(hub.db.reads, range(1, 40))
    held: list[Held] = [hub.vault.held(one) for one in kept]
    holders = [one for each in held for one in each.body.holders if one.code_type == "111"]
    assert holders
    return {said for one in holders for said in (one.code, one.name)}


async def test_a_dump_of_everything_names_nobody(
    hub: SampleHub, issuer: Issuer, cast: Cast, server_urls: ServerUrls
) -> None:
    number = a_citizen_number()
    await busy(hub, issuer, cast, number)
    people = {number, number[:17] + "0", NAME, CITIZEN, CITIZEN_NAME, ENTERPRISE}
    people |= await some_holders(hub)
    dump = await database(hub)
    kept = await cache(hub, server_urls.redis_url)
    for traces in ("verifications.checks", "verification_batches.receipt", "licence_readings.id"):
        assert dump[traces]
    assert kept
    assert found_in(dump, people) == []
    assert found_in(kept, people) == []


async def test_the_search_would_find_them(
    hub: SampleHub, monkeypatch: pytest.MonkeyPatch, server_urls: ServerUrls
) -> None:
    """Without the sealing, what was refused lies there in the open, and the search says so."""
    number = a_citizen_number()
    for before in ("", "x", "xy"):
        content = b64encode(f"{before}{number} and more".encode())
        assert found_in({"a": content}, {number}), before
        assert found_in({"a": urlsafe_b64encode(f"{before}{NAME}…".encode())}, {NAME}), before
    monkeypatch.setattr(Sealer, "seal", lambda _, plain, about: plain + about)
    await hub.collect(f"{NAME} {number}")
    async with hub.db.write() as session:
        dump = await database(hub)
        await session.execute(text("DELETE FROM quarantined_records"))
    record = {"record": dump["quarantined_records.record"]}
    assert len(found_in(record, {NAME, number})) == 2
