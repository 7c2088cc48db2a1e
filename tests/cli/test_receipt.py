"""`zwhub receipt verify` (核验回执): offline, exit code 0 for a hub's own signature alone."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from commands import Done, zwhub
from zwhub.kernel.crypto.jws import sign
from zwhub.kernel.crypto.receipts import ReceiptKey

CLAIMS: dict[str, Any] = {
    "jti": "0190a5d2-0000-7000-8000-000000000001",
    "iat": 1_716_168_600,
    "asker": {"actor": "demo-department", "organisation": None},
    "purpose": "窗口受理核对 [bold]\x1b[2J\n[/]",
    "licence": {"identifier": "1.2.156.3005.2.X", "recordSha256": "ab" * 32},
    "verdict": "NOT_GENUINE",
    "reason": "REVOKED",
    "checks": [{"name": "RECORD", "outcome": "PASS"}, {"name": "SIGNATURE", "outcome": "PASS"}],
    "addedLater": [1, 2],
}


@pytest.fixture(scope="module")
def key() -> ReceiptKey:
    return ReceiptKey.new()


@pytest.fixture
def jwks(key: ReceiptKey, tmp_path: Path) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [ReceiptKey.new().jwk(), key.jwk()]}))
    return path


def verify(receipt: str, jwks: Path, *more: str, **environment: str | None) -> Done:
    given = receipt + "\n"
    return zwhub(
        "receipt", "verify", "-", "--jwks", jwks, *more, environment=environment, given=given
    )


def refusal(receipt: str, jwks: Path) -> str:
    """The one line of a refusal, for a receipt that must not pass."""
    done = verify(receipt, jwks)
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    return line


def test_it_prints_what_the_receipt_states(key: ReceiptKey, jwks: Path) -> None:
    done = verify(key.seal(CLAIMS), jwks)
    assert (done.code, done.err) == (0, "")
    when = datetime.fromtimestamp(CLAIMS["iat"], UTC).isoformat()
    assert done.out.splitlines() == [
        "receipt: 0190a5d2-0000-7000-8000-000000000001",
        f"verified at: {when}",
        "asked by",
        "  actor: demo-department",
        "  organisation: -",
        "purpose: 窗口受理核对 [bold]\ufffd[2J\ufffd[/]",  # nobody's text steers the terminal
        "licence",
        "  identifier: 1.2.156.3005.2.X",
        f"  recordSha256: {'ab' * 32}",
        "verdict: NOT_GENUINE",
        "reason: REVOKED",
        "checks",
        "  RECORD: PASS",
        "  SIGNATURE: PASS",
        "addedLater",
        "  ·: 1",
        "  ·: 2",
    ]


def test_in_chinese_where_the_terminal_is(key: ReceiptKey, jwks: Path) -> None:
    done = verify(key.seal(CLAIMS), jwks, LC_ALL="zh_CN.UTF-8")
    assert "结论" in done.out


def test_as_json(key: ReceiptKey, jwks: Path) -> None:
    done = verify(key.seal(CLAIMS), jwks, "--json")
    assert (done.code, json.loads(done.out)) == (0, CLAIMS)


def test_from_a_file(key: ReceiptKey, jwks: Path) -> None:
    file = jwks.with_name("receipt.jws")
    file.write_text(key.seal(CLAIMS) + "\r\n")
    assert zwhub("receipt", "verify", file, "--jwks", jwks, environment={}).code == 0


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_changed_character_and_it_is_refused(key: ReceiptKey, jwks: Path, part: int) -> None:
    parts = key.seal(CLAIMS).split(".")
    for at in range(0, len(parts[part]), 7):
        one = parts[part][at]
        changed = parts[part][:at] + ("B" if one == "A" else "A") + parts[part][at + 1 :]
        assert refusal(".".join([*parts[:part], changed, *parts[part + 1 :]]), jwks)


def test_each_refusal_says_why(key: ReceiptKey, jwks: Path) -> None:
    header, _, signature = key.seal(CLAIMS).split(".")
    other = key.seal({**CLAIMS, "verdict": "GENUINE"}).split(".")[1]
    assert "signature is not valid" in refusal(f"{header}.{other}.{signature}", jwks)
    assert "does not hold the key" in refusal(ReceiptKey.new().seal(CLAIMS), jwks)
    assert "three parts" in refusal("not a receipt", jwks)
    licence = sign(key.private, key.kid, b"{}", "zwhub-licence+jws")
    assert "not a receipt" in refusal(licence, jwks)


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "[" * 100_000, '{"keys": 1}', '{"keys": [{}]}', "{}"]
)
def test_a_file_that_is_no_key_set_is_refused(key: ReceiptKey, jwks: Path, content: str) -> None:
    jwks.write_text(content)
    assert "JWKS" in refusal(key.seal(CLAIMS), jwks)


def test_a_missing_file_is_named(key: ReceiptKey, jwks: Path) -> None:
    assert "nowhere.json cannot be read" in refusal(
        key.seal(CLAIMS), jwks.with_name("nowhere.json")
    )
