"""Intake (入库准备): a chunk of delivered rows, judged and made ready for the registry. Pure.

This is what runs on all cores: it needs neither the database nor the cache.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from zwhub.kernel.words import Words
from zwhub.licences import copying
from zwhub.licences.copying import day_number, licence_values, moment_number
from zwhub.licences.deliveries.rows import Change, Row
from zwhub.licences.held import Held
from zwhub.licences.judging import Candidate, Problem, Standards, judge
from zwhub.licences.vault import Vault, about_refused


class Ready(NamedTuple):
    """One sound record, as the registry is asked about it. Keys have 16 bytes."""

    place: int  # among those of its chunk
    row: int
    series: bytes
    version: int
    number: bytes
    sealed: bytes
    change: Change | None


class Sound(msgspec.Struct, frozen=True, array_like=True):
    """The sound records of a chunk, column by column, as COPY will read them.

    A record's place in `rows` (where it stood in the file) is its id in `names` and `holders`,
    and its place in `licences` and `numbers` (16 bytes each). `changes`, by place, always say
    since when. `odd` are the places of all that are not certain to be new by their names alone:
    those of a later version, and those that share a name with another record of the chunk.
    """

    rows: list[int] = []
    licences: list[bytes] = []
    numbers: bytes = b""
    names: bytes = b""
    holders: bytes = b""
    changes: dict[int, Change] = {}
    odd: list[int] = []

    def __getitem__(self, place: int) -> Ready:
        values, number = self.licences[place], self.numbers[16 * place : 16 * place + 16]
        slot, sealed = copying.slot_of(values), copying.sealed_of(values)
        return Ready(place, self.rows[place], *slot, number, sealed, self.changes.get(place))

    def without(self, places: Container[int]) -> "Sound":
        """The others; for COPY alone, so nothing is said of what is odd."""
        kept = [place for place in range(len(self.rows)) if place not in places]
        new = {old: place for place, old in enumerate(kept)}
        return Sound(
            [self.rows[place] for place in kept],
            [self.licences[place] for place in kept],
            b"".join([self.numbers[16 * place : 16 * place + 16] for place in kept]),
            copying.renumbered(self.names, copying.OF_NAMES, new),
            copying.renumbered(self.holders, copying.OF_HOLDERS, new),
            {new[place]: change for place, change in self.changes.items() if place in new},
        )


class Bad(msgspec.Struct, frozen=True, array_like=True):
    """A row for the quarantine, sealed."""

    row: int
    digest: str
    record: bytes
    problems: tuple[Problem, ...]


class Judged(msgspec.Struct, frozen=True, array_like=True):
    """What became of a chunk so far; `warnings` holds their codes, once for each record."""

    sound: Sound
    bad: list[Bad]
    warnings: list[str]


def prepare(rows: Iterable[Row], by: Standards, vault: Vault) -> Judged:
    """Judge the rows and make the sound ones ready."""
    delivered = [(row, Candidate(row.number, row.record or "")) for row in rows]
    judge([one for row, one in delivered if row.problem is None], by)
    bad: list[Bad] = []
    warnings: list[str] = []
    sound: list[tuple[Row, Held]] = []
    for row, one in delivered:
        if row.problem is not None:
            one.refuse(row.problem.code, row.problem.words)
        if row.change is not None:
            _judge_change(one, row.change, by)
        if one.held is None or one.outcome is not None:
            bad.append(refused(row.number, one.text, tuple(one.problems), vault))
            continue
        if one.problems:
            warnings.extend(problem.code for problem in one.problems)
        sound.append((row, one.held))
    return Judged(_ready(sound, by.now, vault), bad, warnings)


def _judge_change(one: Candidate, change: Change, by: Standards) -> None:
    if change.since is not None and change.since > by.now:
        words = Words("statusSince 在将来", "statusSince lies in the future")
        one.refuse("STATUS_INVALID", words)


def refused(row: int, text: str, problems: tuple[Problem, ...], vault: Vault) -> Bad:
    """A row with its reasons; what it holds is sealed."""
    record = text.encode("utf-8", "replace")
    key = vault.record_key(record)
    return Bad(row, key, vault.conceal(about_refused(key), record), problems)


def _ready(sound: Sequence[tuple[Row, Held]], now: datetime, vault: Vault) -> Sound:
    collected = moment_number(now)
    bodies = [held.body for _, held in sound]
    names = vault.names_of(bodies)
    slots = [(one.series, int(body.version)) for one, body in zip(names, bodies, strict=True)]
    days = [day_number(body.issued_on) for body in bodies]
    sealed = vault.seal_all(slots, [held.jws for _, held in sound])
    licences = [
        licence_values(slot, body.type_code, day, (moment_number(body.signed_at), collected), kept)
        for slot, body, day, kept in zip(slots, bodies, days, sealed, strict=True)
    ]
    named = [
        (key, slot[1], place, day)
        for place, (one, slot, day) in enumerate(zip(names, slots, days, strict=True))
        for key in (one.series, one.number)
    ]
    return Sound(
        [row.number for row, _ in sound],
        licences,
        b"".join([one.number for one in names]),
        copying.names(named),
        copying.holders((key, at) for at, one in enumerate(names) for key in one.holders),
        {
            place: _dated(row.change, held.body.signed_at)
            for place, (row, held) in enumerate(sound)
            if row.change is not None
        },
        _odd(named),
    )


def _odd(named: Sequence[tuple[bytes, int, int, int]]) -> list[int]:
    places = {place for _, version, place, _ in named if version > 1}
    if len({key for key, *_ in named}) < len(named):
        times = Counter(key for key, *_ in named)
        places.update(place for key, _, place, _ in named if times[key] > 1)
    return sorted(places)


def _dated(change: Change, signed_at: datetime) -> Change:
    """With its beginning, which only what is void from the beginning may leave out."""
    return change if change.since else change._replace(since=signed_at)
