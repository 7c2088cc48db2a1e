"""The sample city comes to life (示例市): its keys are made, its licences signed and taken in."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.clock import BEIJING, civil_date
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.issuance import issue
from zwhub.kernel.crypto.jws import sign
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.trust import TrustedKey
from zwhub.licences import store
from zwhub.licences.held import TYP, Held
from zwhub.licences.status import CODES, Standing
from zwhub.licences.trust import trust
from zwhub.licences.vault import Vault
from zwhub.profile.examples import example_roots, examples
from zwhub.profile.holders import Row, Tables
from zwhub.profile.population import Draft, Flaw, drafts

ROOTS = (Algorithm.ES256, Algorithm.SM2)  # the international and the national (国密) algorithms
BATCH = 1_000
_ROOT_LIFE = (datetime(2015, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class SamplePki:
    """The sandbox's own keys: a root for each family of algorithms, a key for each issuer."""

    roots: Mapping[Algorithm, tuple[Certificate, PrivateKey]]
    issuers: Mapping[str, tuple[Certificate, PrivateKey]]

    def root_for(self, algorithm: Algorithm) -> tuple[Certificate, PrivateKey]:
        """SM2 keys stand under the SM2 root, all others under the P-256 root."""
        return self.roots[Algorithm.SM2 if algorithm is Algorithm.SM2 else Algorithm.ES256]


def make_pki(issuers: Iterable[Row], names: Mapping[str, str]) -> SamplePki:
    """New keys and certificates for each row of the sample's trust list; nothing is reused."""
    roots = {algorithm: _root(algorithm) for algorithm in ROOTS}
    pki = SamplePki(roots, {})
    made = {row["kid"]: _issuer(row, names, pki) for row in issuers}
    return SamplePki(roots, made)


def _root(algorithm: Algorithm) -> tuple[Certificate, PrivateKey]:
    key = PrivateKey.generate(algorithm)
    name = f"zwhub SANDBOX root {algorithm} - not for real use"
    begin, end = _ROOT_LIFE
    root = issue(name, None, key.public, key, not_before=begin, not_after=end, authority=True)
    return root, key


def _issuer(row: Row, names: Mapping[str, str], pki: SamplePki) -> tuple[Certificate, PrivateKey]:
    key = PrivateKey.generate(Algorithm(row["algorithm"]))
    root, root_key = pki.root_for(key.algorithm)
    certificate = issue(
        names[row["issuer"]],
        row["issuer"],
        key.public,
        root_key,
        not_before=_midnight(date.fromisoformat(row["valid_from"])),
        not_after=_midnight(date.fromisoformat(row["valid_until"]) + timedelta(days=1)),
        issuer=root,
    )
    return certificate, key


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), BEIJING)


async def trust_sample(
    session: AsyncSession, pki: SamplePki, tables: Tables, now: datetime
) -> None:
    """Put the sample's roots and issuers on the trust list, as `issuers.csv` says of each.

    The keys of the format's worked examples stand beside them.
    """
    codes = _type_codes(tables)
    keys = [
        TrustedKey(
            kid=row["kid"],
            issuer=row["issuer"],
            certificate=pki.issuers[row["kid"]][0],
            may_sign=frozenset(codes[key] for key in row["types"].split("|")),
            withdrawn_since=_withdrawn(row),
        )
        for row in tables["issuers"]
        if row["state"] != "never_listed"
    ]
    roots = [root for root, _ in pki.roots.values()] + example_roots()
    keys += [one.key for one in examples(codes)]
    await trust(session, roots, keys, now, sandbox=True)


def _type_codes(tables: Tables) -> dict[str, str]:
    return {row["key"]: row["code"] for row in tables["licence_types"]}


def _withdrawn(row: Row) -> datetime | None:
    since = row["state_since"] if row["state"] == "withdrawn" else ""
    return _midnight(date.fromisoformat(since)) if since else None


async def settle_sample(
    session: AsyncSession,
    pki: SamplePki,
    tables: Tables,
    sample: Mapping[str, Any],
    vault: Vault,
    now: datetime,
    progress: Callable[[int], None],
) -> int:
    """Generate, sign and take in the sample's licences; how many there are.

    `progress` is told after each batch how many records were added. The format's worked
    examples are taken in as well, and not counted.
    """
    worked = [Held.read(0, one.record) for one in examples(_type_codes(tables))]
    await store.one_collection_at_a_time(session)
    first_id = await store.reserve_ids(session, len(worked))
    numbered = [replace(one, id=row_id) for row_id, one in enumerate(worked, start=first_id)]
    await store.add(session, vault, [(one, ()) for one in numbered], now)
    forger = {algorithm: PrivateKey.generate(algorithm) for algorithm in Algorithm}
    first_id = await store.reserve_ids(session, sample["licences"])
    made = enumerate(drafts(tables, sample, civil_date(now)), start=first_id)
    count = 0
    with ThreadPoolExecutor() as pool:
        while batch := list(islice(made, BATCH)):
            signed = list(pool.map(lambda one: _settled(one, pki, forger, now), batch))
            await store.add(session, vault, signed, now)
            count += len(signed)
            progress(len(signed))
    return count


def _settled(
    made: tuple[int, Draft],
    pki: SamplePki,
    forger: Mapping[Algorithm, PrivateKey],
    now: datetime,
) -> tuple[Held, list[Standing]]:
    row_id, draft = made
    record = _record(draft, pki, forger)
    held = Held.read(row_id, record.encode())
    return held, list(_standings(draft, now))


def _record(draft: Draft, pki: SamplePki, forger: Mapping[Algorithm, PrivateKey]) -> str:
    key = pki.issuers[draft.kid][1]
    if draft.flaw is Flaw.WRONG_KEY:
        key = forger[key.algorithm]
    record = sign(key, draft.kid, _bytes(draft.payload), TYP)
    if draft.flaw is Flaw.ALTERED_PAYLOAD:
        header, _, signature = record.split(".")
        altered = {**draft.payload, "validUntil": "2099-12-31"}
        record = f"{header}.{_base64url(_bytes(altered))}.{signature}"
    return record


def _standings(draft: Draft, now: datetime) -> Iterator[Standing]:
    """What became of it since it was signed, learned after it was collected."""
    if draft.status != "01":
        since = _midnight(draft.status_since)
        later = now + timedelta(microseconds=1)
        yield Standing(CODES[draft.status], since, later, draft.status_reason)


def _bytes(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
