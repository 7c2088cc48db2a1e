"""A stranger issues licences (外来签发系统): from docs/licence-format.md, with none of our code.

ES256, EdDSA and PS256 with joserfc, which the hub does not use; SM2 with the openssl command.
"""

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from commands import Command, Done, beside
from licence_format import EXAMPLES, blocks, example, function
from openssl import openssl
from samplecity import SampleHub

TYPES = {
    "ES256": "vehicle-licence",
    "EdDSA": "physician-licence",
    "PS256": "real-estate-certificate",
    "SM2": "marriage-certificate",
}
GENERATE: dict[str, Callable[[], ECKey | OKPKey | RSAKey]] = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    "PS256": lambda: RSAKey.generate_key(3072),
}

pytestmark = pytest.mark.filterwarnings(  # RFC 9864 would have it called Ed25519
    "ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning"
)


def a_body(algorithm: str) -> dict[str, Any]:
    """The documented example again, as another licence, signed now."""
    body = example(algorithm)[1]
    core = f"{body['typeCode']}.{body['issuerCode']}.STRANGER{algorithm.upper()}.001"
    check = function("3. Identifier", "check_character")(core)
    now = datetime.now(timezone(timedelta(hours=8))).isoformat(timespec="seconds")
    return {
        **body,
        "identifier": f"1.2.156.3005.2.{core}.{check}",
        "number": f"外来-{algorithm}-1",
        "signedAt": now,
    }


class Stranger:
    """An issuer's system: a key of its own, and the documentation."""

    def __init__(self, algorithm: str, folder: Path) -> None:
        self.algorithm, self.kid, self.folder = algorithm, f"stranger-{algorithm}", folder
        self.public_key, self.private_key = folder / "public-key.pem", folder / "key.pem"
        if algorithm == "SM2":
            self.shell("openssl genpkey -algorithm SM2 -out key.pem")
            self.shell("openssl pkey -in key.pem -pubout -out public-key.pem")
        else:
            key = GENERATE[algorithm]()
            self.private_key.write_bytes(key.as_pem(private=True))
            self.public_key.write_bytes(key.as_pem(private=False))

    def shell(self, script: str, **named: str) -> None:
        subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env=os.environ | named,
            check=True,
            capture_output=True,
        )

    def signed(self, body: dict[str, Any]) -> str:
        if self.algorithm == "SM2":
            (self.folder / "body.json").write_text(json.dumps(body, ensure_ascii=False, indent=1))
            (recipe,) = blocks("4. SM2", "sh")
            self.shell(recipe, KEY="key.pem", KID=self.kid, BODY="body.json")
            return (self.folder / "licence.jws").read_text("ascii")
        sign = function("5. The other three", "signed")
        return str(sign(body, self.algorithm, self.kid, self.private_key.read_text("ascii")))


async def deliver(hub: SampleHub, record: str) -> dict[str, Any]:
    (document,) = blocks("7. Getting", "graphql")
    answer = await hub.ask(document, "department", records=[{"jws": record}])
    (one,) = answer["data"]["collectLicences"]["records"]
    return dict(one)


def receipt_verified(command: Command, folder: Path, receipt: str) -> Done:
    (folder / "receipt.jws").write_text(receipt + "\n")
    return command("receipt", "verify", folder / "receipt.jws", "--jwks", folder / "jwks.json")


@pytest.mark.parametrize("algorithm", EXAMPLES)
async def test_a_stranger_issues_a_licence(algorithm: str, hub: SampleHub, tmp_path: Path) -> None:
    command = beside(hub)
    if algorithm == "SM2":
        openssl()
    stranger = await asyncio.to_thread(Stranger, algorithm, tmp_path)
    body = a_body(algorithm)
    record = await asyncio.to_thread(stranger.signed, body)

    # Nobody knows the key yet.
    refused = await deliver(hub, record)
    assert refused["outcome"] == "QUARANTINED"
    assert [one["code"] for one in refused["problems"]] == ["ISSUER_NOT_TRUSTED"]

    # The operator certifies it and puts it on the list, while the hub runs.
    issuer = ("--issuer", body["issuerCode"])
    certified = await asyncio.to_thread(command, "keys", "certify", stranger.public_key, *issuer)
    assert certified.code == 0, certified.err
    (tmp_path / "cert.pem").write_text(certified.out)
    entry = (tmp_path / "cert.pem", "--kid", stranger.kid, *issuer, "--types", TYPES[algorithm])
    added = await asyncio.to_thread(command, "keys", "add", *entry)
    assert added.code == 0, added.err

    # Delivered once, again, and altered.
    assert (await deliver(hub, record))["outcome"] == "ACCEPTED"
    assert (await deliver(hub, record))["outcome"] == "UNCHANGED"
    forgery = await asyncio.to_thread(stranger.signed, {**body, "validUntil": "2099-12-31"})
    header, payload, _ = forgery.split(".")
    false = await deliver(hub, f"{header}.{payload}.{record.split('.')[2]}")
    assert false["outcome"] == "QUARANTINED"
    assert [one["code"] for one in false["problems"]] == ["SIGNATURE_INVALID"]

    # Anybody verifies it by its number, and keeps a receipt that checks offline.
    question = {"licence": {"number": body["number"]}, "purpose": "窗口受理核对"}
    answer = await hub.ask("verify-licence", "department", input=question)
    found = answer["data"]["verifyLicence"]
    assert (found["verdict"], found["reason"]) == ("GENUINE", "OK")
    (tmp_path / "jwks.json").write_text((await hub.http.get("/.well-known/jwks.json")).text)
    checked = await asyncio.to_thread(receipt_verified, command, tmp_path, found["receipt"])
    assert checked.code == 0, checked.err
    assert body["identifier"] in checked.out
    middle = len(found["receipt"]) // 2
    other = "B" if found["receipt"][middle] == "A" else "A"
    changed = found["receipt"][:middle] + other + found["receipt"][middle + 1 :]
    refusal = await asyncio.to_thread(receipt_verified, command, tmp_path, changed)
    assert (refusal.code, refusal.out) == (1, "")
    assert "signature is not valid" in refusal.err
