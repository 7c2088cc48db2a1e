"""`zwhub status check` (离线查状态): exit code 0 for VALID alone, from lists a hub really signed."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from commands import Done, zwhub
from zwhub.gateway.status_lists import StatusListEndpoint
from zwhub.kernel.crypto.jws import sign
from zwhub.kernel.crypto.receipts import ReceiptKey
from zwhub.kernel.status_book import SIZE, StatusBook
from zwhub.kernel.status_list_claims import TOKEN_TYP, Edition, token_list_claims
from zwhub.kernel.status_lists import INVALID, SUSPENDED, VALID, StatusArray

URI = "https://hub.example/status-lists/1"
KEY = ReceiptKey.new()
STATUSES = (VALID, INVALID, SUSPENDED)


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a verifier saved: the keys, and the lists in both formats."""
    path = tmp_path_factory.mktemp("saved")
    (path / "jwks.json").write_text(json.dumps({"keys": [KEY.jwk()]}))
    book = StatusBook("https://hub.example", datetime.now(UTC))
    for row_id in range(1, 4):
        book.put(row_id, STATUSES[row_id - 1])
        book.put(SIZE + row_id, VALID)
    app = Starlette(routes=[StatusListEndpoint(book, KEY).route()])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://hub.example"
    ) as http:
        for name, address in {
            "token": "1",
            "second": "2",
            "revocation": "1?purpose=revocation",
            "suspension": "1?purpose=suspension",
        }.items():
            (path / name).write_text((await http.get(f"/status-lists/{address}")).text + "\n")
    return path


def check(folder: Path, *lists: str, index: int = 0, uri: str | None = None) -> Done:
    given = [word for name in lists for word in ("--list", folder / name)]
    which = [] if uri is None else ["--uri", uri]
    return zwhub(
        "status", "check", *given, "--jwks", folder / "jwks.json", "--index", str(index), *which,
        environment={},
    )  # fmt: skip


def refusal(folder: Path, *lists: str, **more: Any) -> str:
    done = check(folder, *lists, **more)
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    return line


@pytest.mark.parametrize("lists", [("token",), ("revocation", "suspension")])
@pytest.mark.parametrize(("index", "name"), list(enumerate(["VALID", "INVALID", "SUSPENDED"])))
def test_the_status_and_the_exit_code(
    folder: Path, lists: tuple[str, ...], index: int, name: str
) -> None:
    done = check(folder, *lists, index=index, uri=URI)
    assert (done.code, done.out, done.err) == (0 if name == "VALID" else 1, f"{name}\n", "")


def test_one_credential_is_half_the_answer(folder: Path) -> None:
    assert check(folder, "revocation", index=1).out == "INVALID\n"
    assert check(folder, "suspension", index=2).out == "SUSPENDED\n"
    for name in ("revocation", "suspension"):
        assert "other purpose" in refusal(folder, name)
    assert "other purpose" in refusal(folder, "revocation", "token")


def test_an_index_nobody_was_given_is_not_valid(folder: Path) -> None:
    assert "vouches for nothing" in refusal(folder, "token", index=3)
    assert check(folder, "revocation", "suspension", index=3).out == "SUSPENDED\n"
    assert "no such index" in refusal(folder, "token", index=SIZE)
    assert "no such index" in refusal(folder, "revocation", "suspension", index=SIZE)


def test_another_list_is_refused(folder: Path) -> None:
    assert check(folder, "second").out == "VALID\n"
    assert "another list" in refusal(folder, "second", uri=URI)
    assert "another list" in refusal(folder, "token", "second")


@pytest.mark.parametrize("name", ["token", "revocation"])
@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_changed_character_and_it_is_refused(folder: Path, name: str, part: int) -> None:
    parts = (folder / name).read_text().strip().split(".")
    for at in range(0, len(parts[part]), max(1, len(parts[part]) // 12)):
        one = parts[part][at]
        changed = parts[part][:at] + ("B" if one == "A" else "A") + parts[part][at + 1 :]
        (folder / "altered").write_text(".".join([*parts[:part], changed, *parts[part + 1 :]]))
        assert refusal(folder, "altered", index=0)


def signed(claims: Any, typ: str = TOKEN_TYP, key: ReceiptKey = KEY) -> str:
    return sign(key.private, key.kid, json.dumps(claims).encode(), typ)


def claims(begun: timedelta) -> dict[str, Any]:
    issued = datetime.now(UTC) - begun
    edition = Edition(URI, "https://hub.example", issued, issued + timedelta(1), timedelta(0, 3))
    return token_list_claims(edition, StatusArray.of(8, 2))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (signed(claims(timedelta(hours=25))), "not in force"),
        (signed(claims(-timedelta(minutes=5)) | {"nbf": 4_000_000_000}), "not in force"),
        (signed(claims(timedelta(0)), key=ReceiptKey.new()), "does not hold the key"),
        (signed(claims(timedelta(0)), "zwhub-receipt+jws"), "not a status list"),
        (signed(claims(timedelta(0)), "vc+jwt"), "another purpose"),
        (signed({"sub": URI}), "not a status list"),
        (signed([]), "no JSON object"),
        ("", "three parts"),
        ("\x00" * 100, "three parts"),
    ],
)
def test_what_is_no_list_in_force_is_refused(folder: Path, text: str, words: str) -> None:
    (folder / "other").write_text(text)
    assert words in refusal(folder, "other")


def test_a_list_in_force_is_the_measure(folder: Path) -> None:
    (folder / "other").write_text(signed(claims(timedelta(hours=23))))
    assert check(folder, "other").code == 0


def test_a_missing_file_is_named(folder: Path) -> None:
    assert "nowhere cannot be read" in refusal(folder, "nowhere")


def test_it_takes_a_list(folder: Path) -> None:
    assert check(folder).code == 2
