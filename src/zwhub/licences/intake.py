"""Intake (入库准备): a chunk of delivered rows, judged and made ready for the registry. Pure.

This is what runs on all cores: it needs neither the database nor the cache.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from zwhub.kernel.words import Words
from zwhub.licences.copying import day_number, licence_values, moment_number
from zwhub.licences.deliveries.rows import Change, Row
from zwhub.licences.held import Held
from zwhub.licences.judging import Candidate, Problem, Standards, judge
from zwhub.licences.vault import Vault, about_refused


class Ready(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A sound record, as the registry will keep it.

    Keys have 16 bytes; `day` is that of its issue, `values` its row of `licences` behind the id,
    as COPY reads them. `change` always says since when.
    """

    row: int
    series: bytes
    version: int
    number: bytes
    holders: tuple[bytes, ...]
    day: int
    values: bytes
    sealed_at: int
    change: Change | None

    @property
    def sealed(self) -> bytes:
        return self.values[self.sealed_at :]


class Bad(msgspec.Struct, frozen=True, array_like=True):
    """A row for the quarantine, sealed."""

    row: int
    digest: str
    record: bytes
    problems: tuple[Problem, ...]


class Judged(msgspec.Struct, frozen=True, array_like=True):
    """What became of a chunk so far; `warnings` holds their codes, once for each record."""

    ready: list[Ready]
    bad: list[Bad]
    warnings: list[str]


def prepare(rows: Iterable[Row], by: Standards, vault: Vault) -> Judged:
    """Judge the rows and make the sound ones ready."""
    delivered = [(row, Candidate(row.number, row.record or "")) for row in rows]
    judge([one for row, one in delivered if row.problem is None], by)
    judged, sound = Judged([], [], []), []
    for row, one in delivered:
        if row.problem is not None:
            one.refuse(row.problem.code, row.problem.words)
        _judge_change(one, row.change, by)
        if one.held is None or one.outcome is not None:
            judged.bad.append(refused(row.number, one.text, tuple(one.problems), vault))
            continue
        judged.warnings.extend(problem.code for problem in one.problems)
        sound.append((row, one.held))
    judged.ready.extend(_ready(sound, by.now, vault))
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


def _ready(sound: Sequence[tuple[Row, Held]], now: datetime, vault: Vault) -> Iterator[Ready]:
    collected = moment_number(now)
    names = [vault.names(held.body) for _, held in sound]
    places = [(one.series, int(h.body.version)) for one, (_, h) in zip(names, sound, strict=True)]
    sealed = vault.seal_all(places, [held.jws for _, held in sound])
    for (row, held), name, place, kept in zip(sound, names, places, sealed, strict=True):
        body, day = held.body, day_number(held.body.issued_on)
        times = moment_number(body.signed_at), collected
        values = licence_values(place, body.type_code, day, times, kept)
        yield Ready(
            row.number,
            *place,
            name.number,
            name.holders,
            day,
            values,
            len(values) - len(kept),
            _dated(row.change, body.signed_at),
        )


def _dated(change: Change | None, signed_at: datetime) -> Change | None:
    """With its beginning, which only what is void from the beginning may leave out."""
    return change if change is None or change.since else change._replace(since=signed_at)
