"""Intake (入库准备): a chunk of delivered rows, judged and made ready for the registry. Pure.

This is what runs on all cores: it needs neither the database nor the cache.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from zwhub.kernel.words import Words
from zwhub.licences.deliveries.rows import Change, Row
from zwhub.licences.held import Held
from zwhub.licences.judging import Candidate, Problem, Standards, judge
from zwhub.licences.vault import Vault, about_refused


class Ready(NamedTuple):
    """A sound record, as the registry will keep it; keys are 32 hexadecimal characters."""

    row: int
    series: str
    version: int
    number: str
    holders: tuple[str, ...]
    type_code: str
    issued_on: date
    signed_at: datetime
    sealed: bytes
    change: Change | None


class Bad(NamedTuple):
    """A row for the quarantine, sealed."""

    row: int
    digest: str
    record: bytes
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a chunk so far; `warnings` holds their codes, once for each record."""

    ready: list[Ready]
    bad: list[Bad]
    warnings: list[str]


def prepare(rows: Iterable[Row], by: Standards, vault: Vault) -> Judged:
    """Judge the rows and make the sound ones ready."""
    judged = Judged([], [], [])
    for row in rows:
        one = Candidate(row.number, row.record or "")
        if row.problem is not None:
            one.refuse(row.problem.code, row.problem.words)
        else:
            judge(one, by)
            _judge_change(one, row.change, by)
        if one.held is None or one.outcome is not None:
            judged.bad.append(refused(row.number, one.text, tuple(one.problems), vault))
            continue
        judged.warnings.extend(problem.code for problem in one.problems)
        judged.ready.append(_ready(row, one.held, vault))
    return judged


def _judge_change(one: Candidate, change: Change | None, by: Standards) -> None:
    if change is not None and change.since is not None and change.since > by.now:
        words = Words("statusSince 在将来", "statusSince lies in the future")
        one.refuse("STATUS_INVALID", words)


def refused(row: int, text: str, problems: tuple[Problem, ...], vault: Vault) -> Bad:
    """A row with its reasons; what it holds is sealed."""
    record = text.encode("utf-8", "replace")
    key = vault.record_key(record)
    return Bad(row, key, vault.conceal(about_refused(key), record), problems)


def _ready(row: Row, held: Held, vault: Vault) -> Ready:
    body, slot = held.body, vault.slot(held.body.identifier)
    return Ready(
        row.number,
        slot.series.hex,
        slot.version,
        vault.number_key(body.number).hex,
        tuple(dict.fromkeys(vault.holder_key(one.code).hex for one in body.holders)),
        body.type_code,
        body.issued_on,
        body.signed_at,
        vault.seal(slot, held.jws),
        row.change,
    )
