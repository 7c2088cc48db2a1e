"""The worked examples (格式示例) are what docs/licence-format.md says of them, on every sandbox."""

import os
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders import Issuer, altered
from licence_format import EXAMPLES, ROOT, blocks, example, function, section, validator
from openssl import openssl
from samplecity import Ask
from zwhub.kernel.crypto.certificates import Certificate, chain_problem
from zwhub.kernel.crypto.jws import MalformedJws, parse, sign
from zwhub.kernel.crypto.keys import Algorithm
from zwhub.kernel.identifiers.licence import CheckState, LicenceIdentifier
from zwhub.kernel.identifiers.licence import check_character as by_the_hub
from zwhub.licences.body import read_body
from zwhub.licences.held import TYP, Held
from zwhub.profile.examples import example_roots

KEYS = ROOT / "keys/examples"


def record(algorithm: str) -> str:
    return (ROOT / f"schema/examples/{algorithm.lower()}.jws").read_text("ascii")


def certificate(algorithm: str) -> Path:
    return KEYS / f"example-{algorithm.lower()}.cert.pem"


@pytest.mark.parametrize("algorithm", EXAMPLES)
def test_the_documentation_shows_what_was_signed(algorithm: str) -> None:
    header, payload = example(algorithm)
    jws = parse(record(algorithm))
    assert dict(jws.header) == header
    assert header["alg"] == algorithm
    body = read_body(jws.payload)
    assert body.number == payload["number"]
    assert validator().is_valid(payload)
    assert body.identifier.check_state is CheckState.VALID
    assert f"RECORD=schema/examples/{algorithm.lower()}.jws" in section(f"{algorithm}:")


@pytest.mark.parametrize("algorithm", EXAMPLES)
def test_the_key_stands_under_the_example_roots_for_many_years(algorithm: str) -> None:
    leaf = Certificate.from_pem(certificate(algorithm).read_bytes())
    jws = parse(record(algorithm))
    assert jws.signed_by(leaf.public_key)
    assert leaf.organisation_code == read_body(jws.payload).issuer_code
    for year in (2020, 2024, 2044):
        assert chain_problem(leaf, example_roots(), datetime(year, 5, 20, tzinfo=UTC)) is None


def test_what_was_signed_as_something_else_is_no_licence(
    issuer_keys: Mapping[Algorithm, Issuer],
) -> None:
    issuer = issuer_keys[Algorithm.ES256]
    payload = parse(issuer.a_licence()).payload
    Held.read(1, sign(issuer.key, issuer.kid, payload, TYP).encode())
    for typ in ("JWT", "zwhub-receipt+jws", TYP.upper()):
        with pytest.raises(MalformedJws, match="typ must be zwhub-licence"):
            Held.read(1, sign(issuer.key, issuer.kid, payload, typ).encode())


def test_no_private_key_lies_about() -> None:
    for path in [*ROOT.glob("keys/**/*"), *ROOT.glob("schema/**/*"), *ROOT.glob("docs/**/*")]:
        assert path.is_dir() or b"PRIVATE KEY" not in path.read_bytes()


@pytest.mark.parametrize("algorithm", EXAMPLES)
@pytest.mark.parametrize("by", ["number", "identifier", "jws"])
async def test_a_sandbox_calls_them_genuine(ask: Ask, algorithm: str, by: str) -> None:
    named = {**example(algorithm)[1], "jws": record(algorithm)}[by]
    question = {"licence": {by: named}, "purpose": "docs/licence-format.md"}
    answer = await ask("verify-licence", "department", input=question)
    found: dict[str, Any] = answer["data"]["verifyLicence"]
    assert (found["verdict"], found["reason"]) == ("GENUINE", "OK")


def checked_by_hand(text: str, algorithm: str, folder: Path) -> bool:
    """Whether the documentation's own commands say that the record is good."""
    (folder / "record.jws").write_text(text + "\n")
    (own,) = blocks(f"{algorithm}:", "sh")
    steps = "\n".join([*blocks("6. Worked examples", "sh"), own])
    named = {"RECORD": "record.jws", "CERTIFICATE": str(certificate(algorithm))}
    script = ["sh", "-eu", "-c", steps]
    done = subprocess.run(
        script, cwd=folder, env=os.environ | named, capture_output=True, check=False
    )
    return done.returncode == 0


@pytest.mark.parametrize("algorithm", EXAMPLES)
def test_anybody_can_check_them_with_openssl(algorithm: str, tmp_path: Path) -> None:
    openssl()
    assert checked_by_hand(record(algorithm), algorithm, tmp_path)
    forged = altered(record(algorithm), number="1")
    assert not checked_by_hand(forged, algorithm, tmp_path)


VECTORS = {
    "A12425GABC1234002": "M",
    "11100000000013338W011.11430000006122244L.20230000403.001": "U",
    "11100000MB03271699022.340100.000000016.001": "9",
    "11100000000013338W009.11330105002500287C.2025052201.002": "0",
}


@pytest.mark.parametrize(("text", "check"), VECTORS.items())
def test_the_documented_check_character(text: str, check: str) -> None:
    assert function("3. Identifier", "check_character")(text) == check
    assert by_the_hub(text.replace(".", "")) == check


def test_the_documented_vector_is_a_whole_identifier() -> None:
    whole = "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U"
    assert f"`{whole}`" in section("3. Identifier")
    assert LicenceIdentifier.parse(whole).check_state is CheckState.VALID
