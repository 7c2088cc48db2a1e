"""Load a delivered file (批量入库): chunk by chunk, each stored with how far the file has come.

A chunk is one transaction, so after a crash the file goes on where it stood, and loading it again
changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import store, store_deliveries
from zwhub.licences.deliveries.rows import Change, Row
from zwhub.licences.intake import Bad, Judged, Ready, refused
from zwhub.licences.judging import IDENTIFIER_TAKEN, NUMBER_TAKEN, Problem
from zwhub.licences.status import CODE_OF, CODES, FOLLOWING, Standing
from zwhub.licences.vault import Kept, Slot, Vault

ACTOR = "zwhub licences load"
ISSUED = "01"  # 有效: what a licence is without any entry
_TICK = timedelta(microseconds=1)

STATUS_CANNOT_FOLLOW = Problem(
    "STATUS_CANNOT_FOLLOW",
    Words("该状态不能接在当前状态之后", "this status cannot follow the present one"),
)


class Step(NamedTuple):
    """From which place of which file to which; `counts` is what became of the rows before."""

    sha256: str
    here: str
    there: str
    counts: Mapping[str, int]


@dataclass(slots=True)
class Settled:
    """What the registry makes of a chunk of sound records."""

    new: list[Ready] = field(default_factory=list)
    unchanged: list[tuple[int, Ready]] = field(default_factory=list)
    bad: list[tuple[Ready, Problem]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored: the counts of the whole file so far, and the refused rows."""

    counts: Mapping[str, int]
    bad: Sequence[Bad]


async def store_chunk(
    session: AsyncSession,
    step: Step,
    rows: Sequence[Row],
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> Stored:
    """Compare a judged chunk with the registry and store it, all in the session's transaction.

    Raises `Refused` when somebody else has loaded this part of the file meanwhile.
    """
    await store.one_collection_at_a_time(session)
    compared = await _compared(session, step, rows, judged, vault, now)
    new, stored = compared.settled.new, compared.stored
    first = await store.reserve_ids(session, len(new)) if new else 0
    await _copy(session, new, first, compared.changes, now)
    if stored.bad:
        kept = {bad.digest: _quarantined(bad, step.sha256, now) for bad in stored.bad}
        await store.quarantine(session, list(kept.values()))
    steps, counts = (step.here, step.there), dict(stored.counts)
    if not await store_deliveries.advance(session, step.sha256, steps, counts):
        words = Words("另一进程正在加载同一文件。", "Another process is loading the same file.")
        raise Refused(Reason.WRONG_STATE, words)
    return stored


async def compare_chunk(
    session: AsyncSession,
    step: Step,
    rows: Sequence[Row],
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> Stored:
    """What `store_chunk` would do, as far as the registry as it stands tells; nothing is stored."""
    return (await _compared(session, step, rows, judged, vault, now)).stored


class _Compared(NamedTuple):
    settled: Settled
    changes: "list[Changed]"
    stored: Stored


async def _compared(
    session: AsyncSession,
    step: Step,
    rows: Sequence[Row],
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> _Compared:
    settled = await _settle(session, rows, judged.ready, vault)
    changes, wrong = await _changes(session, settled.unchanged, now)
    late = [(ready.row, (problem,)) for ready, problem in [*settled.bad, *wrong]]
    texts = {row.number: row.record or "" for row in rows} if late else {}
    bad = [*judged.bad, *(refused(row, texts[row], why, vault) for row, why in late)]
    counts = _counted(step.counts, rows, settled, judged, bad, len(changes))
    return _Compared(settled, changes, Stored(counts, bad))


async def _settle(
    session: AsyncSession, rows: Sequence[Row], ready: Sequence[Ready], vault: Vault
) -> Settled:
    """New, held already, or in conflict; nearly always no name is taken, and that is all."""
    names = {one.series for one in ready} | {one.number for one in ready}
    taken = await store_deliveries.taken_names(session, names) if names else set()
    suspects = [one for one in ready if one.series in taken or one.number in taken]
    known = await _known(session, suspects)
    signed = {slot: _signed(vault, kept) for slot, kept in known.items()}
    owners = await _owners(session, suspects)
    texts = {row.number: row.record or "" for row in rows}
    settled = Settled()
    for one in ready:
        slot = (one.series, one.version)
        before, text = slot in signed, texts[one.row]
        if signed.setdefault(slot, text) != text:
            settled.bad.append((one, IDENTIFIER_TAKEN))
        elif owners.setdefault(one.number, one.series) != one.series:
            settled.bad.append((one, NUMBER_TAKEN))
        elif before:
            kept = known.get(slot)  # None: the same record stands twice in this chunk
            settled.unchanged.append((kept.id if kept else 0, one))
        else:
            settled.new.append(one)
    return settled


async def _known(session: AsyncSession, ready: Sequence[Ready]) -> dict[tuple[str, int], Kept]:
    slots = {Slot(UUID(one.series), one.version) for one in ready}
    rows = await store.versions_of(session, slots) if slots else {}
    return {(slot.series.hex, slot.version): kept for slot, kept in rows.items()}


async def _owners(session: AsyncSession, ready: Sequence[Ready]) -> dict[str, str]:
    numbers = {UUID(one.number) for one in ready}
    rows = await store.series_of_numbers(session, numbers) if numbers else {}
    return {number.hex: series.hex for number, series in rows.items()}


def _signed(vault: Vault, kept: Kept) -> str:
    try:
        return vault.signed(kept).decode("ascii")
    except MalformedJws:  # tampered with: equal to nothing that is delivered
        return ""


Changed = tuple[int, Standing, str]  # the licence's row, its new standing, on what basis
Doubtful = list[tuple[Ready, Problem]]


async def _changes(
    session: AsyncSession, unchanged: Sequence[tuple[int, Ready]], now: datetime
) -> tuple[list[Changed], Doubtful]:
    """Standings that a file tells of licences that are held already."""
    told = [(row_id, one, one.change) for row_id, one in unchanged if row_id and one.change]
    histories = await store.histories(session, [row_id for row_id, _, _ in told]) if told else {}
    changes: list[Changed] = []
    wrong: Doubtful = []
    for row_id, one, change in told:
        present = histories[row_id][-1]
        standing = _standing(change, one, max(now, present.recorded_at + _TICK))
        same = (present.state, present.since) == (standing.state, standing.since)
        if standing.state in FOLLOWING[present.state]:
            changes.append((row_id, standing, change.basis))
        elif not same and change.status != ISSUED:
            wrong.append((one, STATUS_CANNOT_FOLLOW))
    return changes, wrong


def _standing(change: Change, one: Ready, recorded_at: datetime) -> Standing:
    since = change.since or one.signed_at
    state = CODES[change.status]
    return Standing(state, since, recorded_at, change.reason, change.from_the_beginning)


async def _copy(
    session: AsyncSession,
    new: Sequence[Ready],
    first: int,
    changes: Iterable[Changed],
    now: datetime,
) -> None:
    licences: list[tuple[Any, ...]] = []
    names: list[tuple[Any, ...]] = []
    holders: list[tuple[Any, ...]] = []
    later = list(changes)
    for row_id, one in enumerate(new, start=first):
        slot = (one.series, one.version)
        licences.append(
            (row_id, *slot, one.type_code, one.issued_on, one.signed_at, now, one.sealed)
        )
        names.append((*slot, row_id, one.issued_on))
        names.append((one.number, one.version, row_id, one.issued_on))
        holders.extend((key, row_id) for key in one.holders)
        if one.change is not None and one.change.status != ISSUED:
            later.append((row_id, _standing(one.change, one, now + _TICK), one.change.basis))
    standings = [_standing_row(*change) for change in later]
    await store_deliveries.copy_in(session, licences, names, holders, standings)


def _standing_row(row_id: int, said: Standing, basis: str) -> tuple[Any, ...]:
    code, since, at = CODE_OF[said.state], said.since, said.recorded_at
    return (row_id, code, since, at, said.reason, basis, ACTOR, said.from_the_beginning)


def _quarantined(bad: Bad, sha256: str, now: datetime) -> dict[str, Any]:
    return {
        "record_digest": bad.digest,
        "record": bad.record,
        "problems": [{"code": p.code, "zh": p.words.zh, "en": p.words.en} for p in bad.problems],
        "actor": ACTOR,
        "at": now,
        "delivery": sha256,
        "row_number": bad.row,
    }


def _counted(
    before: Mapping[str, int],
    rows: Sequence[Row],
    settled: Settled,
    judged: Judged,
    bad: Sequence[Bad],
    changed: int,
) -> dict[str, int]:
    """What became of the rows: by outcome, and why (`refused CODE`, `warned CODE`)."""
    counts = Counter(before)
    counts.update(rows=len(rows), accepted=len(settled.new), quarantined=len(bad), changed=changed)
    counts["unchanged"] += len(rows) - len(settled.new) - len(bad)
    counts.update(f"refused {problem.code}" for one in bad for problem in one.problems)
    counts.update(f"warned {code}" for code in judged.warnings)
    return dict(counts)
