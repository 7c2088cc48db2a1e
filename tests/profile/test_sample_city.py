"""The sample city (示例市), settled: each licence verifies as its story says, under its own keys."""

import stat
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from samplecity import LICENCES, SampleCity, SampleHub
from zwhub.cli.sandbox import save_keys
from zwhub.kernel.clock import civil_date
from zwhub.kernel.crypto.certificates import chain_problem
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import LicenceIdentifier
from zwhub.licences import policy
from zwhub.licences import store as licences
from zwhub.licences.findings import Finding, VerificationReason
from zwhub.licences.gather import Registry, questions
from zwhub.licences.ledger import ledger_of
from zwhub.licences.trust import trust_list
from zwhub.profile.folder import read_profile, sample_folder
from zwhub.profile.population import Draft, Flaw, drafts

Reason = VerificationReason
_BY_STATUS = {
    "02": Reason.SUSPENDED,
    "03": Reason.REVOKED,
    "04": Reason.CANCELLED,
    "07": Reason.REVOKED,
}
_BY_FLAW = {
    Flaw.ALTERED_PAYLOAD: Reason.SIGNATURE_INVALID,
    Flaw.WRONG_KEY: Reason.SIGNATURE_INVALID,
    Flaw.UNTRUSTED_ISSUER: Reason.ISSUER_NOT_TRUSTED,
}


def expected(draft: Draft, replaced: bool, today: date) -> Reason:
    """What its story says: what was done to it, what the registry holds, then its dates."""
    until = draft.payload["validUntil"]
    if draft.flaw is not Flaw.NONE:
        return _BY_FLAW[draft.flaw]
    if draft.status != "01":
        return _BY_STATUS[draft.status]
    if replaced:
        return Reason.SUPERSEDED
    if date.fromisoformat(draft.payload["validFrom"]) > today:
        return Reason.NOT_YET_VALID
    if until is not None and date.fromisoformat(until) < today:
        return Reason.EXPIRED
    return Reason.OK


@pytest.fixture(scope="module")
def city(sample_city: SampleCity) -> list[Draft]:
    """The drafts that the sample city was settled with."""
    sample = read_profile(sample_folder()).settings["sample"]
    today = civil_date(datetime.now(UTC))
    return list(drafts(sample_city.tables, {**sample, "licences": LICENCES}, today))


async def verified(hub: SampleHub, city: list[Draft], now: datetime) -> list[Finding]:
    """The policy's finding on each of the records, as registered."""
    one = hub.hub
    registry = Registry(one.db, one.cache, one.trust, hub.vault, ledger_of(one))
    found: list[Finding] = []
    async with one.db.read() as session:
        names = [LicenceIdentifier.parse(draft.payload["identifier"]) for draft in city]
        slots = [hub.vault.slot(name) for name in names]
        known = await licences.versions_of(session, slots)
        held = [hub.vault.held(known[slot]) for slot in slots]
        found += [policy.examine(asked) for asked in await questions(registry, held, now, now)]
    return found


async def test_every_licence_verifies_as_its_story_says(hub: SampleHub, city: list[Draft]) -> None:
    now = datetime.now(UTC)
    findings = await verified(hub, city, now)
    previous = {draft.payload["previous"] for draft in city}
    today = civil_date(now)
    stories = [expected(d, d.payload["identifier"] in previous, today) for d in city]
    assert [finding.reason for finding in findings] == stories
    counted = Counter(stories)
    assert counted.keys() == {
        *_BY_STATUS.values(),
        *_BY_FLAW.values(),
        *(Reason.SUPERSEDED, Reason.NOT_YET_VALID, Reason.EXPIRED, Reason.OK),
    }
    assert counted[Reason.OK] > 0.7 * len(city)


async def test_a_genuine_licence_fails_no_check(hub: SampleHub, city: list[Draft]) -> None:
    findings = await verified(hub, city, datetime.now(UTC))
    genuine = next(finding for finding in findings if finding.reason is Reason.OK)
    outcomes = {check.name.value: check.outcome.value for check in genuine.checks}
    assert outcomes.pop("HOLDER") == "NOT_CHECKED"  # nobody claimed to be the holder
    assert set(outcomes.values()) == {"PASS"}


@pytest.mark.long
def test_the_whole_city_is_as_large_as_it_must_be(sample_city: SampleCity) -> None:
    sample = read_profile(sample_folder()).settings["sample"]
    whole = list(drafts(sample_city.tables, sample, civil_date(datetime.now(UTC))))
    rows = {row["kid"]: row for row in sample_city.tables["issuers"]}
    holders = {holder["code"] for draft in whole for holder in draft.payload["holders"]}
    assert len(whole) >= 20_000
    assert len(holders) >= 4_000
    assert len({rows[draft.kid]["issuer"] for draft in whole}) >= 20
    assert {rows[draft.kid]["algorithm"] for draft in whole} == set(Algorithm)
    assert sum(len(draft.payload["holders"]) > 1 for draft in whole) > 100
    assert Counter(draft.flaw for draft in whole).keys() == set(Flaw)


def test_each_issuer_stands_under_the_root_of_its_family(sample_city: SampleCity) -> None:
    pki, rows = sample_city.pki, {row["kid"]: row for row in sample_city.tables["issuers"]}
    assert pki.issuers.keys() == rows.keys()
    roots = [certificate for certificate, _ in pki.roots.values()]
    for kid, (certificate, key) in pki.issuers.items():
        assert key.algorithm == rows[kid]["algorithm"]
        assert certificate.public_key == key.public
        family, _ = pki.root_for(key.algorithm)
        within = certificate.not_before
        assert chain_problem(certificate, [family], within) is None
        strangers = [root for root in roots if root is not family]
        assert chain_problem(certificate, strangers, within) is not None


async def test_the_trust_list_is_what_the_table_says(hub: SampleHub) -> None:
    async with hub.db.read() as session:
        trusted = await trust_list(session, hub.hub.trust)
        assert await licences.trusts_sandbox(session)
    for row in hub.city.tables["issuers"]:
        key = trusted.keys.get(row["kid"])
        assert (key is None) is (row["state"] == "never_listed")
        if key is not None:
            assert (key.withdrawn_since is not None) is (row["state"] == "withdrawn")
            assert len(key.may_sign) == len(row["types"].split("|"))


def test_keys_are_readable_by_their_owner_alone(sample_city: SampleCity, tmp_path: Path) -> None:
    save_keys(tmp_path, sample_city.pki)
    folder = tmp_path / "sandbox"
    files = list(folder.iterdir())
    assert len(files) == 2 * (len(sample_city.pki.issuers) + len(sample_city.pki.roots))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
