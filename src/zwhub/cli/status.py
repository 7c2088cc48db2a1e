"""`zwhub status` (状态列表): a licence's status from saved lists, without network."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from zwhub.cli.saved import saved_bytes, saved_keys
from zwhub.cli.speak import refuse
from zwhub.kernel.crypto.receipts import BadReceipt, read_sealed
from zwhub.kernel.status_list_claims import (
    BITSTRING_TYP,
    TOKEN_TYP,
    read_bitstring_list,
    read_token_list,
)
from zwhub.kernel.status_lists import (
    INVALID,
    SUSPENDED,
    VALID,
    BadStatusList,
    Bitstring,
    StatusArray,
    bad,
)
from zwhub.kernel.words import Words

status = typer.Typer(help="A licence's status from saved lists (状态列表).", no_args_is_help=True)

_LARGEST_LIST = 32 * 1024 * 1024
_NAMES = {VALID: "VALID", INVALID: "INVALID", SUSPENDED: "SUSPENDED"}
_PURPOSES = {"revocation": INVALID, "suspension": SUSPENDED}
_OTHERWISE = Words("这不是状态列表", "this is not a status list")


@status.callback()
def group() -> None:
    """Keep `check` a command of its own, although it is the only one."""


@status.command()
def check(
    list_: Annotated[
        list[Path],
        typer.Option("--list", help="A list saved from the hub (状态列表文件); - = stdin."),
    ],
    jwks: Annotated[
        Path, typer.Option(help="The hub's keys, saved from /.well-known/jwks.json (公钥集).")
    ],
    index: Annotated[int, typer.Option(min=0, help="statusListEntry.index (序号).")],
    uri: Annotated[
        str | None, typer.Option(help="statusListEntry.uri: it must be this list (列表地址).")
    ] = None,
) -> None:
    """Read the status at an index: VALID, INVALID or SUSPENDED (离线查状态).

    Exit code 0 for VALID alone. One list of the IETF format says it all; of the W3C format VALID
    takes two, for revocation and for suspension: give --list twice.
    """
    keys, now = saved_keys(jwks), datetime.now(UTC)
    try:
        read = [_read(saved_bytes(path, _LARGEST_LIST).strip(), keys, now) for path in list_]
        found = _status(read, index, uri)
    except (BadReceipt, BadStatusList) as refused:
        refuse(refused.words)
    sys.stdout.write(_NAMES[found] + "\n")
    if found != VALID:
        raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _List:
    """A list whose signature holds: which one, and what it says; `purpose` of a W3C one."""

    uri: str
    entries: StatusArray | Bitstring
    purpose: str = ""

    def at(self, index: int) -> int:
        """The status; VALID of a W3C list means no more than that its flag is not set."""
        try:
            entry = self.entries[index]
        except IndexError:
            raise bad("状态列表中没有此序号", "the list has no such index") from None
        if isinstance(self.entries, Bitstring):
            return _PURPOSES[self.purpose] if entry else VALID
        if entry not in _NAMES:
            raise bad("状态列表未载明此序号的状态", "the list vouches for nothing at this index")
        return int(entry)


def _read(text: bytes, keys: Mapping[str, Any], now: datetime) -> _List:
    typ, claims = read_sealed(text, keys, {TOKEN_TYP, BITSTRING_TYP}, _OTHERWISE)
    name = str(claims.get("sub" if typ == TOKEN_TYP else "id"))
    if typ == TOKEN_TYP:
        return _List(name, read_token_list(claims, name, now))
    uri, _, purpose = name.partition("?purpose=")
    if purpose not in _PURPOSES:
        raise bad("状态列表用途不符", "the list serves another purpose")
    return _List(uri, read_bitstring_list(claims, name, purpose, now), purpose)


def _status(lists: Sequence[_List], index: int, uri: str | None) -> int:
    """What the lists say together. Raises `BadStatusList` where that is not the whole answer."""
    if {one.uri for one in lists} != {lists[0].uri if uri is None else uri}:
        raise bad("这是另一份状态列表", "this is another list")
    found = {one.at(index) for one in lists}
    worst = next((one for one in (INVALID, SUSPENDED) if one in found), VALID)
    if worst == VALID and {one.purpose for one in lists} not in ({""}, set(_PURPOSES)):
        raise bad(
            "还需另一用途的状态列表：请再给一个 --list",
            "the list for the other purpose is needed too: give --list once more",
        )
    return worst
