"""Load a delivered file (批量入库): chunk by chunk, each stored with how far the file has come.

A chunk is one transaction, so after a crash the file goes on where it stood, and loading it again
changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import copying, store, store_deliveries
from zwhub.licences.deliveries.rows import Change
from zwhub.licences.intake import Bad, Judged, Ready, refused
from zwhub.licences.judging import IDENTIFIER_TAKEN, NUMBER_TAKEN, Problem
from zwhub.licences.status import CODE_OF, CODES, FOLLOWING, Standing
from zwhub.licences.vault import Kept, Slot, Vault

ACTOR = "zwhub licences load"
ISSUED = "01"  # 有效: what a licence is without any entry
_TICK = timedelta(microseconds=1)
_NOT_YET = datetime.max.replace(tzinfo=UTC)  # what was just made ready is not collected

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
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> Stored:
    """Compare a judged chunk with the registry and store it, all in the session's transaction.

    Raises `Refused` when somebody else has loaded this part of the file meanwhile.
    """
    await store.one_collection_at_a_time(session)
    compared = await _compared(session, step, judged, vault, now)
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
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> Stored:
    """What `store_chunk` would do, as far as the registry as it stands tells; nothing is stored."""
    return (await _compared(session, step, judged, vault, now)).stored


class _Compared(NamedTuple):
    settled: Settled
    changes: "list[Changed]"
    stored: Stored


async def _compared(
    session: AsyncSession,
    step: Step,
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> _Compared:
    settled = await _settle(session, judged.ready, vault)
    changes, wrong = await _changes(session, settled.unchanged, now)
    late = [*settled.bad, *wrong]
    bad = [*judged.bad, *(_refused(one, problem, vault) for one, problem in late)]
    counts = _counted(step.counts, settled, judged, bad, len(changes))
    return _Compared(settled, changes, Stored(counts, bad))


async def _settle(session: AsyncSession, ready: Sequence[Ready], vault: Vault) -> Settled:
    """New, held already, or in conflict; nearly always no name is taken, and that is all."""
    names = [name for one in ready for name in (one.series, one.number)]
    distinct = set(names)
    taken = await store_deliveries.taken_names(session, distinct) if names else set()
    if len(distinct) < len(names):
        taken.update(name for name, times in Counter(names).items() if times > 1)
    suspects = [one for one in ready if one.series in taken or one.number in taken]
    return await _examined(session, ready, suspects, vault) if suspects else Settled([*ready])


async def _examined(
    session: AsyncSession, ready: Sequence[Ready], suspects: Sequence[Ready], vault: Vault
) -> Settled:
    """The suspects one by one, in their order; all others are new."""
    known = await _known(session, suspects)
    owners = await _owners(session, suspects)
    doubtful, settled = {one.row for one in suspects}, Settled()
    here: dict[tuple[bytes, int], Kept] = {}  # whatever stands in this chunk has no row yet
    for one in ready:
        if one.row not in doubtful:
            settled.new.append(one)
            continue
        place = one.series, one.version
        before = known.get(place) or here.get(place)
        if before is not None and _signed(vault, before) != vault.signed(_kept(one)):
            settled.bad.append((one, IDENTIFIER_TAKEN))
        elif owners.setdefault(one.number, one.series) != one.series:
            settled.bad.append((one, NUMBER_TAKEN))
        elif before is not None:
            settled.unchanged.append((before.id, one))
        else:
            settled.new.append(one)
        here.setdefault(place, _kept(one))
    return settled


def _kept(one: Ready) -> Kept:
    return Kept(0, UUID(bytes=one.series), one.version, one.sealed, _NOT_YET)


def _refused(one: Ready, problem: Problem, vault: Vault) -> Bad:
    return refused(one.row, vault.signed(_kept(one)).decode("ascii"), (problem,), vault)


async def _known(session: AsyncSession, ready: Sequence[Ready]) -> Mapping[tuple[bytes, int], Kept]:
    slots = {Slot(UUID(bytes=one.series), one.version) for one in ready}
    rows = await store.versions_of(session, slots)
    return {(slot.series.bytes, slot.version): kept for slot, kept in rows.items()}


async def _owners(session: AsyncSession, ready: Sequence[Ready]) -> dict[bytes, bytes]:
    rows = await store.series_of_numbers(session, {UUID(bytes=one.number) for one in ready})
    return {number.bytes: series.bytes for number, series in rows.items()}


def _signed(vault: Vault, kept: Kept) -> bytes:
    try:
        return vault.signed(kept)
    except MalformedJws:  # tampered with: equal to nothing that is delivered
        return b""


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
        standing = _standing(change, max(now, present.recorded_at + _TICK))
        same = (present.state, present.since) == (standing.state, standing.since)
        if standing.state in FOLLOWING[present.state]:
            changes.append((row_id, standing, change.basis))
        elif not same and change.status != ISSUED:
            wrong.append((one, STATUS_CANNOT_FOLLOW))
    return changes, wrong


def _standing(change: Change, recorded_at: datetime) -> Standing:
    if change.since is None:
        raise ValueError("what is ready says since when")
    state = CODES[change.status]
    return Standing(state, change.since, recorded_at, change.reason, change.from_the_beginning)


async def _copy(
    session: AsyncSession,
    new: Sequence[Ready],
    first: int,
    changes: Iterable[Changed],
    now: datetime,
) -> None:
    ids = list(zip(range(first, first + len(new)), new, strict=True))
    names = [(key, one.version, i, one.day) for i, one in ids for key in (one.series, one.number)]
    holders = [(key, i) for i, one in ids for key in one.holders]
    told = [(i, one.change) for i, one in ids if one.change and one.change.status != ISSUED]
    later = [*changes, *((i, _standing(said, now + _TICK), said.basis) for i, said in told)]
    await store_deliveries.copy_in(
        session,
        copying.licences(first, (one.values for one in new)),
        copying.names(names),
        copying.holders(holders),
        [_standing_row(*change) for change in later],
    )


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
    settled: Settled,
    judged: Judged,
    bad: Sequence[Bad],
    changed: int,
) -> dict[str, int]:
    """What became of the rows: by outcome, and why (`refused CODE`, `warned CODE`)."""
    rows, counts = len(judged.ready) + len(judged.bad), Counter(before)
    counts.update(rows=rows, accepted=len(settled.new), quarantined=len(bad), changed=changed)
    counts["unchanged"] += rows - len(settled.new) - len(bad)
    counts.update(f"refused {problem.code}" for one in bad for problem in one.problems)
    counts.update(f"warned {code}" for code in judged.warnings)
    return dict(counts)
