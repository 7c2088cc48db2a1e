"""`zwhub keys` (签名密钥): list, certify, add; and beside a hub that holds the data folder."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from builders import ISSUER, a_root, an_issuer, licence_types
from commands import Command, Done, beside, zwhub
from samplecity import SampleHub
from servers import reachable_folder, silent
from zwhub.kernel.clock import BEIJING
from zwhub.kernel.crypto.certificates import Certificate, chain_problem
from zwhub.kernel.crypto.issuance import issue
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey
from zwhub.kernel.crypto.trust import Term, TrustBook, TrustList
from zwhub.licences.compromise_key import compromise_key
from zwhub.licences.trust import trust, trust_list
from zwhub.platform.embedded import embedded_servers
from zwhub.platform.migrate import migrate

BODY = "119901000098119693"
VERIFY = """mutation ($jws: String!) {
  verifyLicence(input: {purpose: "test", licence: {jws: $jws}}) {
    ... on Verification { verdict reason }
    ... on UserError { code message }
  }
}"""


async def run(command: Command, *words: str | Path) -> Done:
    """The command on a thread: it makes an event loop of its own."""
    return await asyncio.to_thread(command, *words)


async def trusted(hub: SampleHub) -> TrustList:
    async with hub.db.read() as session:
        return await trust_list(session, TrustBook())


def a_public_key(folder: Path, algorithm: Algorithm) -> Path:
    """A stranger's public key as PEM; the test needs no private half."""
    path = folder / f"{algorithm}.pem"
    path.write_text(PrivateKey.generate(algorithm).public.pem())
    return path


async def certified(hub: SampleHub, folder: Path, algorithm: Algorithm = Algorithm.ES256) -> Path:
    """A certificate for a new key of `BODY`, under the sandbox's root."""
    key = a_public_key(folder, algorithm)
    done = await run(beside(hub), "keys", "certify", key, "--issuer", BODY)
    assert done.code == 0, done.err
    path = folder / f"{algorithm}.cert.pem"
    path.write_text(done.out)
    return path


async def test_the_list_tells_each_key_with_its_types_and_state(hub: SampleHub) -> None:
    done = await run(beside(hub), "keys", "list")
    listed = await trusted(hub)
    lines = done.out.splitlines()
    assert len(lines) == 2 * len(listed.keys) + 1
    assert lines[-1] == f"version {listed.version}"
    by_kid = {line.split()[0]: line.split() for line in lines[:-1:2]}
    assert set(by_kid) == set(listed.keys)
    assert by_kid["example-sm2"][1:] == ["11990100009810763X", "SM2", "2045-01-01", "trusted"]
    assert by_kid["11990100009810667L-2021"][-1] == "expired"
    assert by_kid["119901130098307726-2022"][-3:] == ["withdrawn", "since", "2025-03-01"]
    assert lines[lines.index(next(x for x in lines if "example-sm2" in x)) + 1].split() == [
        "marriage-certificate"
    ]


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_certify_puts_any_key_under_the_sandbox_root(
    hub: SampleHub, tmp_path: Path, algorithm: Algorithm
) -> None:
    certificate = Certificate.from_pem((await certified(hub, tmp_path, algorithm)).read_bytes())
    root, _ = hub.city.pki.root_for(algorithm)
    now = datetime.now(UTC)
    assert chain_problem(certificate, [root], now) is None
    assert chain_problem(certificate, [root], now + timedelta(days=3_650)) is None
    assert certificate.organisation_code == BODY
    assert certificate.subject == "示例市卫生健康委员会"
    assert certificate.public_key.algorithm is algorithm


async def test_certify_refuses_what_is_no_key_no_body_or_no_sandbox(
    hub: SampleHub, tmp_path: Path
) -> None:
    command, key = beside(hub), a_public_key(tmp_path, Algorithm.EDDSA)
    private = tmp_path / "private.pem"
    private.write_text(PrivateKey.generate(Algorithm.EDDSA).pem())
    empty = tmp_path / "empty"
    refusals = {
        "the key cannot be read": (private, "--issuer", BODY),
        "cannot be read": (tmp_path / "nowhere.pem", "--issuer", BODY),
        "not a valid social credit code": (key, "--issuer", "119901000098119694"),
        "run `zwhub demo` first": (key, "--issuer", BODY, "--data-dir", empty),
    }
    for words, given in refusals.items():
        done = await run(command, "keys", "certify", *given)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
    assert not empty.exists()


async def test_add_makes_a_new_version_that_a_running_hub_uses(
    hub: SampleHub, tmp_path: Path
) -> None:
    async with hub.db.read() as session:
        before = (await trust_list(session, hub.hub.trust)).version
    path = await certified(hub, tmp_path)
    types = f"nurse-licence, {licence_types()['physician-licence']}"
    entry = (path, "--kid", "new-key", "--issuer", BODY, "--types", types)
    done = await run(beside(hub), "keys", "add", *entry)
    assert done.code == 0, done.err
    async with hub.db.read() as session:
        now = await trust_list(session, hub.hub.trust)
    assert now.version != before
    assert now.version in done.err
    key = now.keys["new-key"]
    assert (key.issuer, key.withdrawn_since) == (BODY, None)
    assert key.may_sign == {licence_types()[one] for one in ("nurse-licence", "physician-licence")}
    assert key.certificate.pem() == path.read_text()


async def test_add_refuses_and_changes_nothing(hub: SampleHub, tmp_path: Path) -> None:
    path = await certified(hub, tmp_path)
    foreign = tmp_path / "foreign.pem"
    foreign.write_text(an_issuer().certificate.pem())
    junk = tmp_path / "junk.pem"
    junk.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    before = (await trusted(hub)).version
    good = {"--kid": "k", "--issuer": BODY, "--types": "nurse-licence"}
    refusals: list[tuple[str, Path, dict[str, str]]] = [
        ("certificate cannot be read", junk, {}),
        ("cannot be read", tmp_path / "nowhere.pem", {}),
        ("under no trusted root", foreign, {"--issuer": ISSUER}),
        ("belongs to another body", path, {"--issuer": ISSUER}),
        ("not a valid unified social credit code", path, {"--issuer": "119901000098119694"}),
        ("no such licence type: nurse", path, {"--types": "nurse,nurse-licence"}),
        ("at least one licence type", path, {"--types": " ,"}),
        ("has this kid already", path, {"--kid": "example-sm2"}),
        ("visible characters", path, {"--kid": "x" * 65}),
    ]
    for words, certificate, changed in refusals:
        options = [word for pair in (good | changed).items() for word in pair]
        done = await run(beside(hub), "keys", "add", certificate, *options)
        assert (done.code, done.out) == (1, ""), words
        assert words in done.err
    assert (await trusted(hub)).version == before


async def test_compromise_ends_the_trust_in_a_key_for_a_running_hub(hub: SampleHub) -> None:
    before = await trusted(hub)
    done = await run(beside(hub), "keys", "compromise", "example-sm2", "--since", "2026-01-01")
    assert (done.code, done.out) == (0, ""), done.err
    now = await trusted(hub)
    assert now.version != before.version
    assert now.version in done.err
    begin = datetime(2025, 12, 31, 16, tzinfo=UTC)  # midnight in Beijing
    assert now.keys["example-sm2"] == replace(before.keys["example-sm2"], withdrawn_since=begin)
    jws = (Path(__file__).parents[2] / "schema/examples/sm2.jws").read_text().strip()
    answer = await hub.ask(VERIFY, "department", jws=jws)
    assert answer["data"]["verifyLicence"]["reason"] == "ISSUER_NOT_TRUSTED"
    listed = await run(beside(hub), "keys", "list")
    assert "SM2    2045-01-01 withdrawn since 2026-01-01" in listed.out


async def test_compromise_without_a_day_leaves_nothing_that_it_signed(hub: SampleHub) -> None:
    done = await run(beside(hub), "keys", "compromise", "example-es256")
    assert done.code == 0, done.err
    key = (await trusted(hub)).keys["example-es256"]
    assert key.withdrawn_since == key.certificate.not_before


async def test_compromise_from_a_day_leaves_what_the_hub_held_before(hub: SampleHub) -> None:
    jws = (Path(__file__).parents[2] / "schema/examples/ps256.jws").read_text().strip()
    today = datetime.now(BEIJING).date()  # the sandbox collected the example a moment ago
    for days, reason in ((1, "OK"), (-1, "ISSUER_NOT_TRUSTED")):
        async with hub.db.write() as session:
            begin = datetime.combine(today + timedelta(days=days), time(), BEIJING)
            await compromise_key(session, "example-ps256", begin, begin + timedelta(days=1))
        answer = await hub.ask(VERIFY, "department", jws=jws)
        assert answer["data"]["verifyLicence"]["reason"] == reason


async def test_retire_keeps_what_was_signed_before(hub: SampleHub) -> None:
    before = await trusted(hub)
    kid = "11990100009810261B-2021"
    done = await run(beside(hub), "keys", "retire", kid, "--from", "2025-03-01")
    assert (done.code, done.out) == (0, ""), done.err
    assert "what it signed before stays good" in done.err
    now = await trusted(hub)
    assert now.version != before.version
    assert now.version in done.err
    begin = datetime(2025, 2, 28, 16, tzinfo=UTC)  # midnight in Beijing
    assert now.keys[kid] == replace(before.keys[kid], retired_from=begin)
    listed = (await run(beside(hub), "keys", "list")).out.splitlines()
    (line,) = (line for line in listed if line.startswith(kid))
    assert line.endswith(" retired from 2025-03-01")


async def test_a_retirement_can_be_planned_and_changed_until_it_has_come(hub: SampleHub) -> None:
    kid, command = "11990100009811264U-2022", beside(hub)
    for day in ("2031-01-01", "2031-06-01", "2030-01-01"):
        done = await run(command, "keys", "retire", kid, "--from", day)
        assert done.code == 0, done.err
    assert " trusted, retires 2030-01-01" in (await run(command, "keys", "list")).out
    done = await run(command, "keys", "retire", kid)  # now
    assert done.code == 0, done.err
    again = await run(command, "keys", "retire", kid, "--from", "2031-01-01")
    assert (again.code, again.out) == (1, "")
    assert "once that date has come it can be moved back only" in again.err
    same = await run(command, "keys", "retire", kid)  # a little later is later, too
    assert "once that date has come it can be moved back only" in same.err


async def test_retire_refuses_and_changes_nothing(hub: SampleHub) -> None:
    before = (await trusted(hub)).version
    for words, given in {
        "no such kid": ("nobody",),
        "withdrawn already": ("119901130098307726-2022",),
        "its certificate ends before": ("example-eddsa", "--from", "2099-01-01"),
    }.items():
        done = await run(beside(hub), "keys", "retire", *given)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
    assert (await trusted(hub)).version == before


async def test_authorise_adds_types_and_ends_the_right_to_sign_one(hub: SampleHub) -> None:
    before, kid = await trusted(hub), "1199010000981086X4-2021"
    lawyer, nurse = (licence_types()[one] for one in ("lawyer-licence", "nurse-licence"))
    command = beside(hub)
    given = ("--types", "nurse-licence", "--from", "2026-01-01")
    assert (await run(command, "keys", "authorise", kid, *given)).code == 0
    given = ("--types", f"nurse-licence,{lawyer}", "--until", "2026-06-30")
    done = await run(command, "keys", "authorise", kid, *given)
    assert (done.code, done.out) == (0, ""), done.err
    now = await trusted(hub)
    assert now.version in done.err
    last = date(2026, 6, 30)
    terms = {nurse: Term(date(2026, 1, 1), last), lawyer: Term(None, last)}
    assert now.keys[kid] == replace(
        before.keys[kid], may_sign=before.keys[kid].may_sign | {nurse}, terms=terms
    )
    line = "lawyer-licence (..2026-06-30) nurse-licence (2026-01-01..2026-06-30)"
    assert line in (await run(command, "keys", "list")).out
    for words, changed in {
        "no such licence type": ("--types", "nurse"),
        "end before it begins": ("--types", "nurse-licence", "--until", "2025-12-31"),
        "authorised already": given,
    }.items():
        refused = await run(command, "keys", "authorise", kid, *changed)
        assert (refused.code, refused.out) == (1, "")
        assert words in refused.err
    withdrawn = ("119901130098307726-2022", "--types", "nurse-licence")
    assert "withdrawn already" in (await run(command, "keys", "authorise", *withdrawn)).err
    assert (await trusted(hub)).version == now.version


async def test_add_for_certain_days(hub: SampleHub, tmp_path: Path) -> None:
    path = await certified(hub, tmp_path)
    entry = (path, "--kid", "for-a-year", "--issuer", BODY, "--types", "nurse-licence")
    days = ("--from", "2026-01-01", "--until", "2026-12-31")
    wrong = await run(beside(hub), "keys", "add", *entry, "--from", "2027-01-01", *days[2:])
    assert (wrong.code, wrong.out) == (1, "")
    assert "end before it begins" in wrong.err
    done = await run(beside(hub), "keys", "add", *entry, *days)
    assert done.code == 0, done.err
    key = (await trusted(hub)).keys["for-a-year"]
    assert key.terms == {
        licence_types()["nurse-licence"]: Term(date(2026, 1, 1), date(2026, 12, 31))
    }


async def test_the_digest_of_the_list_covers_every_change(hub: SampleHub) -> None:
    """Two lists that say different things of a key have different digests."""
    listed = (await trusted(hub)).keys["example-eddsa"]
    versions, day = set(), datetime(2026, 1, 1, tzinfo=UTC)
    (code,) = listed.may_sign
    for changed in (
        listed,
        replace(listed, retired_from=day),
        replace(listed, withdrawn_since=day),
        replace(listed, terms={code: Term(date(2026, 1, 1))}),
        replace(listed, terms={code: Term(None, date(2026, 1, 1))}),
        replace(listed, may_sign=frozenset()),
    ):
        async with hub.db.write() as session:
            await trust(session, [], [changed], day)
        versions.add((await trusted(hub)).version.partition("-")[2])
    assert len(versions) == 6
    async with hub.db.write() as session:
        await trust(session, [], [listed], day)


@pytest.mark.parametrize(
    ("command", "taught"),
    [
        ("add", ["--from", "--until", "(列入信任列表)"]),
        ("authorise", ["--types", "--from", "--until", "(签发授权)"]),
        ("retire", ["--from", "(密钥停用)", "What it signed before stays good"]),
        ("compromise", ["--since", "(密钥失守)", "collected before that day"]),
    ],
)
def test_help_teaches(command: str, taught: list[str]) -> None:
    done = zwhub("keys", command, "--help", environment={"COLUMNS": "300", "TERM": "dumb"})
    assert done.code == 0
    for words in taught:
        assert words in done.out


async def test_compromise_refuses_and_changes_nothing(hub: SampleHub) -> None:
    before = (await trusted(hub)).version
    long_withdrawn = "119901130098307726-2022"  # since 2025-03-01
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    for words, given in {
        "no such kid": ("nobody",),
        "lies in the future": ("example-eddsa", "--since", tomorrow),
        "withdrawn since that date or earlier": (long_withdrawn, "--since", "2025-03-02"),
    }.items():
        done = await run(beside(hub), "keys", "compromise", *given)
        assert (done.code, done.out) == (1, "")
        assert words in done.err
    assert (await trusted(hub)).version == before


async def test_a_new_root_opens_the_list_to_those_under_it(hub: SampleHub, tmp_path: Path) -> None:
    issuer = an_issuer(Algorithm.SM2, root=a_root(Algorithm.SM2))
    leaf, root = tmp_path / "leaf.pem", tmp_path / "root.pem"
    leaf.write_text(issuer.certificate.pem())
    root.write_text(issuer.root.certificate.pem())
    command = beside(hub)
    entry = (leaf, "--kid", "under-new-root", "--issuer", ISSUER, "--types", "nurse-licence")
    assert "under no trusted root" in (await run(command, "keys", "add", *entry)).err
    done = await run(command, "keys", "add-root", root)
    assert done.code == 0, done.err
    assert issuer.root.certificate.fingerprint in done.err
    assert issuer.root.certificate in (await trusted(hub)).roots
    assert (await run(command, "keys", "add", *entry)).code == 0
    for words, path in {"trusted already": root, "no authority": leaf}.items():
        refused = await run(command, "keys", "add-root", path)
        assert (refused.code, refused.out) == (1, "")
        assert words in refused.err


async def test_a_root_of_the_past_is_refused(hub: SampleHub, tmp_path: Path) -> None:
    key, begin = PrivateKey.generate(Algorithm.ES256), datetime(2015, 1, 1, tzinfo=UTC)
    end = datetime.now(UTC) - timedelta(days=1)
    old = issue("old root", None, key.public, key, not_before=begin, not_after=end, authority=True)
    path = tmp_path / "old.pem"
    path.write_text(old.pem())
    assert "not valid now" in (await run(beside(hub), "keys", "add-root", path)).err


def test_a_command_works_beside_the_hub_that_holds_the_data_folder() -> None:
    with reachable_folder() as folder:
        words = ("keys", "list", "--data-dir", folder / "data")
        with embedded_servers(folder / "data", cache=False, say=silent) as embedded:
            migrate(embedded.database_url)
            done = zwhub(*words, environment={})
            assert (done.code, done.out) == (0, "version 0\n"), done.err
        with embedded_servers(folder / "data", database=False, say=silent):
            done = zwhub(*words, environment={})
            assert (done.code, done.out) == (1, "")
            assert "Another hub" in done.err
        done = zwhub(*words, environment={})
        assert done.out == "version 0\n"
