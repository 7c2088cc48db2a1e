"""`zwhub receipt` (核验回执): is a receipt a hub's own? Offline, from a saved JWKS."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from zwhub.cli.saved import saved_bytes, saved_keys
from zwhub.cli.speak import language, out, refuse
from zwhub.kernel.crypto.receipts import BadReceipt, read_receipt
from zwhub.kernel.words import Words

receipt = typer.Typer(help="Receipts of verifications (核验回执).", no_args_is_help=True)


@receipt.callback()
def group() -> None:
    """Keep `verify` a command of its own, although it is the only one."""


@receipt.command()
def verify(
    file: Annotated[Path, typer.Argument(help="File with the receipt (回执文件); - = stdin.")],
    jwks: Annotated[
        Path, typer.Option(help="The hub's keys, saved from /.well-known/jwks.json (公钥集).")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what it states as JSON (以 JSON 输出).")
    ] = False,
) -> None:
    """Verify a receipt and print what it states (验证回执).

    Exit code 0 says that the hub signed exactly this; the verdict inside may still be NOT_GENUINE.
    """
    try:
        claims = read_receipt(saved_bytes(file).strip(), saved_keys(jwks))
    except BadReceipt as bad:
        refuse(bad.words)
    if as_json:
        sys.stdout.write(json.dumps(claims, ensure_ascii=False, indent=2) + "\n")
    else:
        for line in _lines(claims):
            out.print(line, markup=False)


def _lines(claims: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing stated, also for what a hub of a later version states."""
    for name, value in claims.items():
        label = _LABELS.get(name, Words(name, name)).in_(language())
        yield from _said(label, _instant(value) if name == "iat" else value)


def _said(label: str, value: object) -> Iterator[str]:
    """What is within stands below, two columns in; a caller's text cannot steer the terminal."""
    inner: list[tuple[str, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [_item(one) for one in value]
    shown = "" if inner else "-" if value is None else str(value)
    line = f"{label}: {shown}" if shown else label
    yield "".join(c if c.isprintable() else "\ufffd" for c in line)
    for name, one in inner:
        yield from (f"  {below}" for below in _said(name, one))


def _item(value: object) -> tuple[str, object]:
    """A check is named and has an outcome; anything else stands for itself."""
    if isinstance(value, dict) and set(value) == {"name", "outcome"}:
        return str(value["name"]), value["outcome"]
    return "·", value


def _instant(value: object) -> object:
    return datetime.fromtimestamp(value, UTC).isoformat() if isinstance(value, int) else value


_LABELS = {
    "jti": Words("回执号", "receipt"),
    "iat": Words("核验时间", "verified at"),
    "asker": Words("核验方", "asked by"),
    "purpose": Words("用途", "purpose"),
    "caseNumber": Words("办件编号", "case"),
    "asked": Words("核验对象", "asked about"),
    "licence": Words("证照", "licence"),
    "asOf": Words("核验时点", "as of"),
    "verdict": Words("结论", "verdict"),
    "reason": Words("原因", "reason"),
    "checks": Words("检查项", "checks"),
    "trustListVersion": Words("信任列表版本", "trust list version"),
    "statusVersion": Words("状态版本", "status version"),
}
