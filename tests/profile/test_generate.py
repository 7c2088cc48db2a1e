"""Generated licences (生成证照): reproducible, resumable, and judged as `expected.json` says."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import body_of
from commands import Done, zwhub
from zwhub.cli.sandbox import sample_tables, save_keys
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.kernel.identifiers import citizen
from zwhub.licences.batch import check_batch
from zwhub.licences.body import HOLDER_CODE_TYPES
from zwhub.licences.deliveries.read import batch_signature, examined, read
from zwhub.licences.deliveries.rows import Row
from zwhub.licences.judging import Candidate, Standards, judge
from zwhub.licences.status import CODES
from zwhub.profile.recipe import apportioned
from zwhub.profile.sample_city import SamplePki, make_pki

COUNT, FORGED, TODAY = 2_500, 0.08, "2026-11-20"
TABLES = sample_tables()
TYPES = {row["key"]: row["code"] for row in TABLES["licence_types"]}
RANDOM = {"PS256", "SM2"}  # their signatures differ from run to run


@dataclass(frozen=True)
class Made:
    """A folder that was filled, and what its `expected.json` says."""

    folder: Path
    expected: Mapping[str, Any]

    @property
    def files(self) -> list[Path]:
        return [self.folder / one["file"] for one in self.expected["files"]]

    def rows(self) -> list[tuple[str, Row]]:
        return [(p.name, row) for p in self.files for chunk in read(p) for row in chunk.rows]


@pytest.fixture(scope="module")
def pki() -> SamplePki:
    names = {row["code"]: row["name"] for row in TABLES["organisations"]}
    return make_pki(TABLES["issuers"], names)


@pytest.fixture(scope="module")
def data_dir(pki: SamplePki, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    save_keys(folder, pki)
    return folder


def asked(folder: Path, data_dir: Path, *more: str, count: int = COUNT) -> list[str]:
    named = {"--count": count, "--out": folder, "--data-dir": data_dir, "--today": TODAY}
    options = [str(part) for pair in named.items() for part in pair]
    return ["licences", "generate", *options, "--forged", str(FORGED), "--per-file", "1000", *more]


def run(folder: Path, data_dir: Path, *more: str) -> Done:
    return zwhub(*asked(folder, data_dir, *more), environment={})


def filled(folder: Path, data_dir: Path, *more: str) -> Made:
    done = run(folder, data_dir, *more)
    assert done.code == 0, done.err
    return Made(folder, json.loads((folder / "expected.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def made(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return filled(tmp_path_factory.mktemp("out") / "a", data_dir, "--workers", "2")


@pytest.fixture(scope="module")
def trust(pki: SamplePki) -> TrustList:
    keys = {
        row["kid"]: TrustedKey(
            row["kid"],
            row["issuer"],
            pki.issuers[row["kid"]][0],
            frozenset(TYPES[key] for key in row["types"].split("|")),
        )
        for row in TABLES["issuers"]
        if row["state"] == "trusted"
    }
    return TrustList("1", keys, tuple(root for root, _ in pki.roots.values()))


def test_there_are_as_many_as_asked_for_and_of_every_sort(made: Made) -> None:
    rows, expected = made.rows(), made.expected
    assert len(rows) == COUNT == expected["records"]
    assert sum(expected["quarantined"].values()) + expected["accepted"] == COUNT
    assert len(expected["quarantined"]) == 7
    assert expected["algorithm"].keys() == {"ES256", "EdDSA", "PS256", "SM2"}
    assert expected["algorithm"]["ES256"] > 0.85 * expected["accepted"]
    assert expected["status"].keys() >= {"01", "02", "03", "04"}
    for name in ("expired", "notYetValid", "superseding", "severalHolders"):
        assert expected[name] > 0
    found = Counter[str]()
    forged = {(one["file"], one["row"]) for one in expected["forged"]}
    for name, row in rows:
        if (name, row.number) not in forged:
            found.update({one["codeType"] for one in body_of(row.record or "")["holders"]})
    assert found == expected["holder"]
    bodies = [body_of(row.record or "") for _, row in rows]
    assert {body["typeCode"] for body in bodies} >= set(TYPES.values())


def test_each_record_is_judged_as_expected(made: Made, trust: TrustList) -> None:
    forged = {(one["file"], one["row"]): one["reason"] for one in made.expected["forged"]}
    rows = made.rows()
    candidates = [Candidate(i, row.record or "") for i, (_, row) in enumerate(rows)]
    later = datetime.now(UTC) + timedelta(days=30_000)
    standards = Standards(trust, frozenset(TYPES.values()), later)
    judge(candidates, standards)
    for (name, row), one in zip(rows, candidates, strict=True):
        reason = one.problems[0].code if one.problems else None
        assert reason == forged.get((name, row.number)), (name, row.number)
    assert Counter(forged.values()) == made.expected["quarantined"]
    assert 0.5 * FORGED * COUNT < len(forged) < 1.5 * FORGED * COUNT


def test_what_is_forged_but_for_its_signature_is_seen_in_a_vouched_file(
    made: Made, trust: TrustList
) -> None:
    """A loader that believes the batch signature checks no other, and must miss nothing."""
    now = datetime.now(UTC) + timedelta(days=30_000)
    for one in made.expected["files"]:
        path = made.folder / one["file"]
        signed = batch_signature(path)
        assert (signed is not None) is one["vouched"]
        reasons = {f["reason"] for f in made.expected["forged"] if f["file"] == path.name}
        if signed is None:
            assert reasons <= {"SIGNATURE_INVALID", "ISSUER_NOT_TRUSTED"}
            continue
        assert not reasons & {"SIGNATURE_INVALID", "ISSUER_NOT_TRUSTED"}
        verdict = check_batch(signed, examined(path), trust, now)
        assert verdict.trusted, verdict.words.en
        assert verdict.batch is not None
        assert verdict.batch.records == one["records"]


def test_a_file_holds_one_issuer_and_a_holder_about_two(made: Made) -> None:
    issuers, holders = defaultdict(set), Counter[str]()
    numbers: dict[str, set[str]] = defaultdict(set)
    identifiers = []
    for name, row in made.rows():
        body = body_of(row.record or "")
        issuers[name].add(body["issuerCode"])
        holders.update(holder["code"] for holder in body["holders"])
        numbers[body["number"]].add(body["identifier"].rsplit(".", 2)[0])
        identifiers.append(body["identifier"])
    assert all(len(one) == 1 for one in issuers.values())
    assert len(set(identifiers)) == len(identifiers)
    assert all(len(series) == 1 for series in numbers.values())
    wrong = made.expected["quarantined"]["HOLDER_NUMBER_INVALID"]
    people = [code for code in holders if code.startswith("9901")]
    assert sum(not citizen.is_valid(code) for code in people) <= wrong
    assert max(holders.values()) > 1


def test_holders_states_and_transfers_of_every_kind(
    data_dir: Path, trust: TrustList, tmp_path: Path
) -> None:
    """A larger city with few forgeries, for what is rare."""
    words = asked(tmp_path / "r", data_dir, "--workers", "2", count=12_000)
    words[words.index("--forged") + 1] = "0.001"
    done = zwhub(*words, environment={})
    assert done.code == 0, done.err
    made = Made(tmp_path / "r", json.loads((tmp_path / "r/expected.json").read_text("utf-8")))
    assert made.expected["holder"].keys() == HOLDER_CODE_TYPES
    assert made.expected["status"].keys() == CODES.keys()
    assert made.expected["holder"]["111"] / made.expected["records"] > 0.9
    later = datetime.now(UTC) + timedelta(days=30_000)
    standards = Standards(trust, frozenset(TYPES.values()), later)
    transferred, papers = 0, defaultdict(set)
    forged = {(one["file"], one["row"]) for one in made.expected["forged"]}
    for name, row in made.rows():
        body = body_of(row.record or "")
        rare = any(one["codeType"] not in ("001", "111") for one in body["holders"])
        if body["operation"] == "转入":
            transferred += 1
            assert body["previous"].split(".")[5] == body["typeCode"]
        if rare or body["operation"] == "转入":
            assert (name, row.number) not in forged
            candidate = Candidate(0, row.record or "")
            judge([candidate], standards)
            assert not candidate.problems
        for one in body["holders"]:
            papers[one["code"]].add(one["name"])
    assert transferred == made.expected["transferredIn"] > 0
    assert all(len(names) == 1 for code, names in papers.items() if not code.startswith("9901"))


def test_status_columns_carry_their_day_reason_and_basis(made: Made) -> None:
    changed = [row.change for _, row in made.rows() if row.change is not None]
    assert len(changed) == sum(n for code, n in made.expected["status"].items() if code != "01")
    for change in changed:
        assert change.since is not None
        assert change.since.date() < date.fromisoformat(TODAY)
        assert change.reason
        assert change.basis
    assert any(change.from_the_beginning for change in changed)


def test_nobody_else_may_read_them(made: Made) -> None:
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(one.stat().st_mode) for one in made.folder.iterdir()} == {0o600}


def split(made: Made) -> dict[str, list[tuple[str, ...]]]:
    return {
        path.name: [
            tuple((row.record or "").split(".")) for chunk in read(path) for row in chunk.rows
        ]
        for path in made.files
    }


def test_the_same_recipe_gives_the_same_licences(
    made: Made, data_dir: Path, tmp_path: Path
) -> None:
    again = filled(tmp_path / "b", data_dir, "--workers", "1")
    first, second = split(made), split(again)
    algorithms = {row["kid"].split("-")[0]: row["algorithm"] for row in TABLES["issuers"]}
    same = 0
    assert first.keys() == second.keys()
    for name in first:
        assert [one[:2] for one in first[name]] == [one[:2] for one in second[name]]
        issuer = body_of(".".join(first[name][0]))["issuerCode"]
        if algorithms[issuer] not in RANDOM:
            same += 1
            assert (made.folder / name).read_bytes() == (again.folder / name).read_bytes()
    assert same > 5
    assert again.expected == made.expected


def test_another_seed_gives_others(made: Made, data_dir: Path, tmp_path: Path) -> None:
    other = filled(tmp_path / "b", data_dir, "--seed", "2")
    mine, theirs = (
        {body_of(row.record or "")["identifier"] for _, row in one.rows()} for one in (made, other)
    )
    assert not mine & theirs


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_other_kinds_of_files_hold_the_same(
    kind: str, made: Made, data_dir: Path, tmp_path: Path
) -> None:
    other = filled(tmp_path / "b", data_dir, "--format", kind)
    pairs = list(zip(made.rows(), other.rows(), strict=True))
    for (_, one), (_, two) in pairs:
        assert (one.record or "").split(".")[:2] == (two.record or "").split(".")[:2]
        assert one.change == two.change
    forged = {(one["file"], one["row"]) for one in other.expected["forged"]}
    assert forged <= {(name, row.number) for name, row in other.rows()}


def test_it_goes_on_after_kill_9(data_dir: Path, tmp_path: Path) -> None:
    folder, many = tmp_path / "k", 6_000
    words = asked(folder, data_dir, "--workers", "2", count=many)
    start = [sys.executable, "-c", "from zwhub.cli.main import main; main()", *words]
    process = subprocess.Popen(start, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(folder.glob(".done-*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(1)  # its workers notice
    ready = {one.name: one.stat().st_mtime_ns for one in folder.glob("part-*.jsonl")}
    finished = [one.name.removeprefix(".done-") for one in folder.glob(".done-*")]
    assert finished
    assert not (folder / "expected.json").exists()
    ended = subprocess.run(start, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    for name in finished:
        assert (folder / name).stat().st_mtime_ns == ready[name]
    made = Made(folder, json.loads((folder / "expected.json").read_text("utf-8")))
    assert len(made.rows()) == many
    assert not [one for one in os.listdir(folder) if one.startswith(".part-")]


def test_another_recipe_or_a_strangers_folder_is_refused(
    made: Made, data_dir: Path, tmp_path: Path
) -> None:
    refused = run(made.folder, data_dir, "--seed", "9")
    assert refused.code == 1
    assert "another recipe (seed" in refused.err
    stranger = tmp_path / "s"
    stranger.mkdir(mode=0o700)
    (stranger / "mine.txt").write_text("x")
    assert "not empty" in run(stranger, data_dir).err
    (tmp_path / "open").mkdir(mode=0o755)
    assert "chmod 700" in run(tmp_path / "open", data_dir).err


def test_a_finished_folder_is_left_as_it_is(made: Made, data_dir: Path) -> None:
    before = {one.name: one.stat().st_mtime_ns for one in made.files}
    assert filled(made.folder, data_dir).expected == made.expected
    assert before == {one.name: one.stat().st_mtime_ns for one in made.files}


def test_without_the_sandboxs_keys_the_next_step_is_told(tmp_path: Path) -> None:
    refused = run(tmp_path / "a", tmp_path / "nothing")
    assert refused.code == 1
    assert "zwhub demo" in refused.err


@pytest.mark.parametrize("today", ["0001-01-01", "1900-01-01", "9999-12-31"])
def test_a_day_without_certificates_is_told_in_a_line(
    today: str, data_dir: Path, tmp_path: Path
) -> None:
    refused = run(tmp_path / "a", data_dir, "--today", today)
    assert refused.code == 1
    assert "--today must lie between" in refused.err.splitlines()[-1]
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("place", ["/proc/nothing/here", "/dev/null", "/dev/null/here"])
def test_a_folder_that_cannot_be_is_told_in_a_line(place: str, data_dir: Path) -> None:
    refused = run(Path(place), data_dir)
    assert refused.code == 1
    assert place in refused.err.splitlines()[-1]
    assert "Unforeseen" not in refused.err


@pytest.mark.parametrize("mix", ["", "ES256", "RS256=1", "ES256=0", "ES256=nan", "ES256=-1,SM2=2"])
def test_a_mix_out_of_its_form(mix: str, data_dir: Path, tmp_path: Path) -> None:
    refused = run(tmp_path / "a", data_dir, "--mix", mix)
    assert refused.code == 1
    assert "--mix has the form" in refused.err


@given(st.integers(0, 10**7), st.lists(st.floats(0.001, 1e6), min_size=1, max_size=60))
def test_what_is_apportioned_is_all_there_is(total: int, weights: list[float]) -> None:
    shares = apportioned(total, weights)
    assert sum(shares) == total
    assert min(shares) >= (1 if total >= 2 * len(weights) else 0)
