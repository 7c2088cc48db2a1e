"""A ledger entry (台账条目) as it is written and hashed: the canonical bytes of a trace. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

import orjson

from zwhub.kernel.crypto.digests import keyed_digest, same, sha256_hex
from zwhub.kernel.merkle import leaf_hash
from zwhub.licences.model import LicenceReading, Verification

_SEAL = 16  # bytes


class Action(StrEnum):
    """What was done with somebody's licence."""

    VERIFICATION = "VERIFICATION"
    READING = "READING"


Trace: TypeAlias = Verification | LicenceReading

# By action: where its traces are, and the columns an entry vouches for. A column that is empty is
# left out, so that one that comes later leaves the entries before it as they were.
TABLES: Mapping[Action, type[Trace]] = {
    Action.VERIFICATION: Verification,
    Action.READING: LicenceReading,
}
COLUMNS: Mapping[Action, tuple[str, ...]] = {
    Action.VERIFICATION: (
        *("id", "batch_id", "at", "actor", "organisation", "purpose", "case_number"),
        *("asked_by", "asked_key", "licence_id", "as_of", "verdict", "reason", "checks"),
        *("trust_list_version", "status_version", "receipt", "batch_sha256"),
    ),
    Action.READING: ("id", "licence_id", "at", "actor", "organisation"),
}


def written(action: Action, trace: Any) -> bytes:
    """The entry of a trace: what its leaf is the hash of, as canonical JSON.

    `trace` is a row with the columns of that action. The JSON holds what the licence's holder is
    shown, and a SHA-256 over the whole trace, whose random id keeps either from being guessed.
    """
    said = values_of(action, trace)
    shown = {
        "action": action.value,
        "at": said["at"],
        "caseNumber": said.get("case_number"),
        "id": said["id"],
        "licence": said["licence_id"],
        "organisation": said["organisation"],
        "purpose": said.get("purpose"),
        "traceSha256": sha256_hex(_json(said)),
    }
    return _json(shown)


def values_of(action: Action, trace: Any) -> dict[str, Any]:
    """What a trace says in the columns of its action; what was never set is null."""
    said = vars(trace)  # a mapped attribute costs ten times as much, and there are many
    return {name: said.get(name) for name in COLUMNS[action]}


def leaf_of(action: Action, trace: Any) -> bytes:
    """The leaf hash of a trace, 32 bytes."""
    return leaf_hash(written(action, trace))


def entry_of(trace: Any, action: Action, secret: bytes) -> dict[str, Any]:
    """The row of `ledger_entries` that is appended beside a trace; it has no place yet."""
    leaf = leaf_of(action, trace)
    return {
        "trace_id": trace.id,
        "action": action,
        "licence_id": trace.licence_id,
        "at": trace.at,
        "leaf": leaf,
        "seal": seal(secret, leaf),
        "position": None,
    }


def entries_of(traces: Iterable[Trace], secret: bytes) -> list[dict[str, Any]]:
    """The rows beside traces, in their order."""
    return [entry_of(one, _action(one), secret) for one in traces]


def seal(secret: bytes, leaf: bytes) -> bytes:
    """The hub's mark on a leaf, 16 bytes: who writes into the database alone cannot make it."""
    return keyed_digest(secret, "ledger-entry", leaf.hex())[:_SEAL]


def sealed(secret: bytes, leaf: bytes, mark: bytes) -> bool:
    """Whether the hub itself wrote this leaf."""
    return same(seal(secret, leaf), mark)


def _action(trace: Trace) -> Action:
    return next(action for action, table in TABLES.items() if isinstance(trace, table))


def _json(said: Mapping[str, Any]) -> bytes:
    plain = {
        name: value if type(value) is str else _plain(value)
        for name, value in said.items()
        if value is not None
    }
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case _:
            return value
