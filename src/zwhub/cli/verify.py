"""`zwhub verify` (文件核验): licence files checked on this machine, without a network."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from zwhub.cli.said import DataDir
from zwhub.cli.speak import language, out
from zwhub.cli.trusted import anchors
from zwhub.kernel.words import Words
from zwhub.licences.files.examine import LARGEST_FILE, examine_file
from zwhub.licences.files.findings import (
    FileCheck,
    FileCheckName,
    FileFinding,
    FileFormat,
    FileReason,
    SignatureFinding,
    unchecked,
)
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.findings import Outcome, Verdict

_COLUMNS = (
    Words("文件", "file"),
    Words("格式", "format"),
    Words("签名人", "signer"),
    Words("签名时间", "signed at"),
    Words("完整性", "integrity"),
    Words("结论", "verdict"),
    Words("原因", "reason"),
)
_MOST_PARTS = 20


def verify(
    files: Annotated[list[Path], typer.Argument(help="JWS, PDF or OFD (证照文件).")],
    trust: Annotated[
        Path | None,
        typer.Option(help="Folder of trusted certificates, PEM or DER (信任证书目录)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs (以 JSON 输出).")] = False,
    data_dir: DataDir = None,
) -> None:
    """Verify licence files offline (离线核验证照文件): each signature with its own verdict.

    Believed are the authorities in the folder, or those on the hub's trust list. The registered
    status of a licence is not asked: a file may be GENUINE and its licence revoked since. Exit
    code 0 only when every file is GENUINE.
    """
    believed = anchors(trust, data_dir)
    found = [(path, _examined(path, believed)) for path in files]
    if as_json:
        told = [_as_json(path, finding) for path, finding in found]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(found)
    if any(finding.verdict is not Verdict.GENUINE for _, finding in found):
        raise typer.Exit(1)


def _examined(path: Path, believed: Anchors) -> FileFinding:
    try:
        with path.open("rb") as file:
            return examine_file(file.read(LARGEST_FILE + 1), believed)
    except OSError:
        words = Words("无法读取", "cannot be read")
        check = unchecked(FileCheckName.CONTAINER, words, "", FileReason.UNKNOWN_FORMAT)
        return FileFinding(FileFormat.UNKNOWN, (check,))


def _as_json(path: Path, found: FileFinding) -> dict[str, Any]:
    """By the names that the GraphQL answer uses."""
    return {
        "file": str(path),
        "format": found.format,
        "verdict": found.verdict,
        "reason": found.reason,
        "identifier": found.identifier,
        "checks": [_check(one) for one in found.checks],
        "signatures": [_signature(one) for one in found.signatures],
        "uncoveredParts": list(found.uncovered),
    }


def _signature(one: SignatureFinding) -> dict[str, Any]:
    return {
        "signer": one.signer,
        "signedAt": None if one.signed_at is None else one.signed_at.isoformat(),
        "integrity": one.integrity,
        "verdict": one.verdict,
        "reason": one.reason,
        "checks": [_check(check) for check in one.checks],
    }


def _check(one: FileCheck) -> dict[str, str]:
    return {
        "name": one.name,
        "outcome": one.outcome,
        "detail": one.detail.in_(language()),
        "clause": one.clause,
    }


def _print(found: Sequence[tuple[Path, FileFinding]]) -> None:
    table = Table(*(column.in_(language()) for column in _COLUMNS))
    for path, finding in found:
        verdict = (_plain(str(finding.verdict)), _plain(str(finding.reason)))
        table.add_row(_plain(str(path)), _plain(finding.format), "", "", "", *verdict)
        for number, one in enumerate(finding.signatures, 1):
            table.add_row(*_row(number, one))
    out.print(table)
    for path, finding in found:
        for line in _remarks(finding):
            out.print(_plain(f"{path}: {line}"))


def _row(number: int, one: SignatureFinding) -> Iterator[Text]:
    when = "-" if one.signed_at is None else one.signed_at.isoformat()
    said = (f"  #{number}", "", one.signer or "-", when, one.integrity, one.verdict, one.reason)
    return map(_plain, said)


def _remarks(found: FileFinding) -> Iterator[str]:
    """Whatever did not pass, in words, and the parts that nobody signed."""
    checks = [("", check) for check in found.checks]
    for number, one in enumerate(found.signatures, 1):
        checks += [(f"#{number} ", check) for check in one.checks]
    for where, check in checks:
        if check.outcome is not Outcome.PASS:
            yield f"{where}{check.name} {check.outcome}: {check.detail.in_(language())}"
    unsigned = Words("未签名", "unsigned").in_(language())
    for part in found.uncovered[:_MOST_PARTS]:
        yield f"{unsigned}: {part}"
    if len(found.uncovered) > _MOST_PARTS:
        yield f"{unsigned}: … ({len(found.uncovered)})"


def _plain(text: str) -> Text:
    """A stranger's text cannot steer the terminal."""
    return Text("".join(c if c.isprintable() else "\ufffd" for c in text))
