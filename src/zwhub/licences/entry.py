"""A ledger entry (台账条目) as it is written and hashed: the canonical bytes of a trace. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import orjson

from zwhub.kernel.crypto.digests import keyed_digest, same, sha256_hex
from zwhub.kernel.merkle import leaf_hash
from zwhub.licences.findings import KeptChecks
from zwhub.licences.model import LicenceReading, Verification

_SEAL = 16  # bytes


class Action(StrEnum):
    """What was done with somebody's licence."""

    VERIFICATION = "VERIFICATION"
    READING = "READING"


class VerificationTrace(NamedTuple):
    """The trace of one verification: a row of `model.Verification`, which says what each means."""

    id: UUID
    batch_id: UUID | None
    at: datetime
    actor: str
    organisation: str | None
    purpose: str
    case_number: str | None
    asked_by: str
    asked_key: bytes
    licence_id: int | None
    as_of: datetime
    verdict: str
    reason: str
    checks: list[dict[str, str]]
    trust_list_version: str
    status_version: str
    receipt: str
    batch_sha256: bytes | None = None


class ReadingTrace(NamedTuple):
    """The trace of one look: a row of `model.LicenceReading`."""

    id: UUID
    licence_id: int
    at: datetime
    actor: str
    organisation: str | None


Trace: TypeAlias = VerificationTrace | ReadingTrace

# By action: where its traces are, and the columns an entry vouches for. A column that is empty is
# left out, so that one that comes later leaves the entries before it as they were.
TABLES: Mapping[Action, type[Verification] | type[LicenceReading]] = {
    Action.VERIFICATION: Verification,
    Action.READING: LicenceReading,
}
TRACES: Mapping[Action, type[Trace]] = {
    Action.VERIFICATION: VerificationTrace,
    Action.READING: ReadingTrace,
}
COLUMNS: Mapping[Action, tuple[str, ...]] = {
    action: kind._fields for action, kind in TRACES.items()
}
_ACTIONS = {kind: action for action, kind in TRACES.items()}


class Entry(NamedTuple):
    """What is appended beside a trace: a row of `model.LedgerEntry`, but for its place."""

    trace_id: UUID
    action: Action
    licence_id: int | None
    at: datetime
    leaf: bytes
    seal: bytes


def written(action: Action, trace: Trace) -> bytes:
    """The entry of a trace: what its leaf is the hash of, as canonical JSON.

    The JSON holds what the licence's holder is shown, and a SHA-256 over the whole trace, whose
    random id keeps either from being guessed.
    """
    said = {
        name: value if type(value) is str else _plain(value)
        for name, value in zip(COLUMNS[action], trace, strict=True)
        if value is not None
    }
    shown = {
        "action": action.value,
        "at": said.get("at"),
        "caseNumber": said.get("case_number"),
        "id": said["id"],
        "licence": said.get("licence_id"),
        "organisation": said.get("organisation"),
        "purpose": said.get("purpose"),
        "traceSha256": sha256_hex(_json(said)),
    }
    return _json({name: value for name, value in shown.items() if value is not None})


def leaf_of(action: Action, trace: Trace) -> bytes:
    """The leaf hash of a trace, 32 bytes."""
    return leaf_hash(written(action, trace))


def entry_of(trace: Trace, action: Action, secret: bytes) -> Entry:
    """The entry that is appended beside a trace."""
    leaf = leaf_of(action, trace)
    return Entry(trace.id, action, trace.licence_id, trace.at, leaf, seal(secret, leaf))


def entries_of(traces: Iterable[Trace], secret: bytes) -> list[Entry]:
    """The entries beside traces, in their order."""
    return [entry_of(one, _ACTIONS[type(one)], secret) for one in traces]


def seal(secret: bytes, leaf: bytes) -> bytes:
    """The hub's mark on a leaf, 16 bytes: who writes into the database alone cannot make it."""
    return keyed_digest(secret, "ledger-entry", leaf.hex())[:_SEAL]


def sealed(secret: bytes, leaf: bytes, mark: bytes) -> bool:
    """Whether the hub itself wrote this leaf."""
    return same(seal(secret, leaf), mark)


def _json(said: Mapping[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return _moment(value)
        case UUID():
            return str(value)
        case bytes():
            return value.hex()
        case KeptChecks():
            return orjson.Fragment(value.written)
        case _:
            return value


@lru_cache(maxsize=1_024)  # requests of one round, and all of a batch, have theirs in common
def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
