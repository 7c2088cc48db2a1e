"""`zwhub verify` (文件核验): offline, exit code 0 only when every file is GENUINE."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builders import an_issuer, trusting
from commands import Done, beside, zwhub
from ofdfiles import PAGE, a_document, signed_parts, the_cast, zipped
from samplecity import SampleHub
from zwhub.kernel.crypto.keys import Algorithm


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / "root.pem").write_text(the_cast().root.certificate.pem())
    return folder


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def verify(*words: str | Path) -> Done:
    return zwhub("verify", *words, environment={"ZWHUB_DATA_DIR": "/nonexistent"})


def told(done: Done) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def test_only_genuine_files_end_well(tmp_path: Path, trust: Path) -> None:
    good = written(tmp_path, "good.ofd", zipped(signed_parts(the_cast(), "v4")))
    bad = written(
        tmp_path, "bad.ofd", zipped(signed_parts(the_cast(), "v4") | {PAGE: b"<forged/>"})
    )
    done = verify(good, "--trust", trust)
    assert (done.code, done.err) == (0, "")
    assert "GENUINE" in done.out
    done = verify(good, bad, "--trust", trust)
    assert done.code == 1
    assert f"bad.ofd: #1 REFERENCES FAIL: altered: /{PAGE}" in done.out


def test_for_programs(tmp_path: Path, trust: Path) -> None:
    parts = signed_parts(the_cast(), "v1") | {"more.xml": b"<more/>"}
    done = verify(written(tmp_path, "a.ofd", zipped(parts)), "--trust", trust, "--json")
    (one,) = told(done)
    assert (done.code, one["verdict"], one["reason"]) == (1, "NOT_GENUINE", "UNSIGNED_PARTS")
    assert one["uncoveredParts"] == ["more.xml"]
    assert one["signatures"][0]["integrity"] == "PARTLY_SIGNED"


def test_a_record_by_the_name_of_its_key(tmp_path: Path, trust: Path) -> None:
    issuer = an_issuer(root=the_cast().root)
    record = written(tmp_path, "a.jws", issuer.a_licence().encode())
    assert verify(record, "--trust", trust).code == 1
    der = issuer.certificate.der
    written(trust, f"{issuer.kid}.der", der)
    assert verify(record, "--trust", trust).code == 0


def test_a_licence_takes_its_issuers_signature(tmp_path: Path, trust: Path) -> None:
    """A root alone gives no right to it; the issuer's certificate in the folder does."""
    signer = the_cast().signer
    document = a_document(signer.a_body()["identifier"])
    sealed = written(tmp_path, "a.ofd", zipped(signed_parts(the_cast(), document=document)))
    (one,) = told(verify(sealed, "--trust", trust, "--json"))
    assert (one["verdict"], one["reason"]) == ("INDETERMINATE", "ISSUER_NOT_TRUSTED")
    written(trust, "signer.der", signer.certificate.der)
    assert verify(sealed, "--trust", trust).code == 0
    police = an_issuer(Algorithm.SM2, root=the_cast().root, code="11990100009810667L")
    written(trust, "police.der", police.certificate.der)
    parts = signed_parts(replace(the_cast(), signer=police), document=document)
    done = verify(written(tmp_path, "b.ofd", zipped(parts)), "--trust", trust, "--json")
    (one,) = told(done)
    assert (done.code, one["verdict"]) == (1, "NOT_GENUINE")
    assert one["reason"] == "ISSUER_NOT_AUTHORISED"


def test_without_anybody_to_believe_nothing_is_genuine(tmp_path: Path) -> None:
    sealed = written(tmp_path, "a.ofd", zipped(signed_parts(the_cast(), "v4")))
    record = written(tmp_path, "a.jws", an_issuer().a_licence().encode())
    done = verify(sealed, record, "--json")
    assert done.code == 1
    for one in told(done):
        assert (one["verdict"], one["reason"]) == ("INDETERMINATE", "ISSUER_NOT_TRUSTED")


def test_the_worked_examples_of_this_repository() -> None:
    top = Path(__file__).parents[2]
    examples = sorted((top / "schema" / "examples").glob("*.jws"))
    assert len(examples) == 4
    assert verify(*examples, "--trust", top / "keys" / "examples").code == 0


def test_a_file_that_is_not_there(tmp_path: Path, trust: Path) -> None:
    done = verify(tmp_path / "none", "--trust", trust, "--json")
    assert (done.code, told(done)[0]["verdict"]) == (1, "INDETERMINATE")


def test_a_folder_without_certificates(tmp_path: Path, trust: Path) -> None:
    written(tmp_path, "a.pem", b"-----BEGIN CERTIFICATE-----\n")
    for folder in (tmp_path / "none", tmp_path):
        done = verify(tmp_path / "x", "--trust", folder)
        assert (done.code, done.out) == (1, "")
        assert len(done.err.splitlines()) == 1
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no certificate" in verify(tmp_path / "x", "--trust", empty).err


def test_a_strangers_text_cannot_steer_the_terminal(tmp_path: Path, trust: Path) -> None:
    parts = signed_parts(the_cast(), "v4") | {"[red]more[_].xml": b""}
    done = verify(written(tmp_path, "a.ofd", zipped(parts)), "--trust", trust)
    assert "unsigned: [red]more[_].xml" in done.out


async def test_the_hubs_own_trust_list(hub: SampleHub, tmp_path: Path) -> None:
    cast = the_cast()
    content = zipped(signed_parts(cast, "v4"))
    path = written(tmp_path, "a.ofd", content)
    command = beside(hub)
    done = await asyncio.to_thread(command, "verify", path, "--json")
    assert (done.code, told(done)[0]["reason"]) == (1, "ISSUER_NOT_TRUSTED")
    await trusting(hub.db, cast.signer)
    assert (await asyncio.to_thread(command, "verify", path)).code == 0
    police = an_issuer(Algorithm.SM2, root=cast.root, code="11990100009810667L")
    await trusting(hub.db, police)
    document = a_document(cast.signer.a_body()["identifier"])
    for signer, reason in ((cast.signer, "OK"), (police, "ISSUER_NOT_AUTHORISED")):
        parts = signed_parts(replace(cast, signer=signer), document=document)
        path = written(tmp_path, "b.ofd", zipped(parts))
        (one,) = told(await asyncio.to_thread(command, "verify", path, "--json"))
        assert one["reason"] == reason
