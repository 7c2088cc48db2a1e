"""Load a delivered file (批量入库): chunk by chunk, each stored with how far the file has come.

A chunk is one transaction, so after a crash the file goes on where it stood, and loading it again
changes nothing.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import copying, store, store_deliveries
from zwhub.licences.comparison import Compared, all_suspects, compared, kept, likely_suspects
from zwhub.licences.deliveries.rows import Change
from zwhub.licences.intake import Bad, Judged, Ready, Sound, refused
from zwhub.licences.judging import Problem
from zwhub.licences.status import CODE_OF, CODES, FOLLOWING, Standing
from zwhub.licences.vault import Vault
from zwhub.platform.database import AlreadyThere

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
    hopeful: bool = True,
) -> Stored:
    """Compare a judged chunk with the registry and store it, all in the session's transaction.

    `hopeful`: its records are likely to be new, so what cannot be known to be held is inserted,
    and only where that fails is each of them looked for. Raises `Refused` when somebody else has
    loaded this part of the file meanwhile.
    """
    await store.one_collection_at_a_time(session)
    if not await store_deliveries.advance(session, step.sha256, step.here, step.there):
        words = Words("另一进程正在加载同一文件。", "Another process is loading the same file.")
        raise Refused(Reason.WRONG_STATE, words)
    stored = await _inserted(session, step, judged, vault, now) if hopeful else None
    if stored is None:
        suspects = await all_suspects(session, judged.sound)
        stored = await _stored(session, step, judged, suspects, vault, now)
    if stored.bad:
        kept = {bad.digest: _quarantined(bad, step.sha256, now) for bad in stored.bad}
        await store.quarantine(session, list(kept.values()))
    await store_deliveries.note(session, step.sha256, stored.counts)
    return stored


async def _inserted(
    session: AsyncSession, step: Step, judged: Judged, vault: Vault, now: datetime
) -> Stored | None:
    """The chunk, stored; None, and nothing was, where one of its records is held after all."""
    suspects = await likely_suspects(session, judged.sound)
    try:
        async with session.begin_nested():
            return await _stored(session, step, judged, suspects, vault, now)
    except AlreadyThere:
        return None


async def _stored(
    session: AsyncSession,
    step: Step,
    judged: Judged,
    suspects: Sequence[int],
    vault: Vault,
    now: datetime,
) -> Stored:
    found = await compared(session, judged.sound, suspects, vault)
    changes, stored = await _told(session, step, judged, found, vault, now)
    left = sorted(found.not_new)
    new = judged.sound.without(left) if left else judged.sound
    moved = [(_moved(row_id, left), said, basis) for row_id, said, basis in changes]
    await _copy(session, new, moved, now)
    return stored


def _moved(row_id: int, left: Sequence[int]) -> int:
    """Below zero, the place among the records that are new: those left out do not count."""
    return row_id if row_id >= 0 else ~(~row_id - bisect_left(left, ~row_id))


async def compare_chunk(
    session: AsyncSession,
    step: Step,
    judged: Judged,
    vault: Vault,
    now: datetime,
) -> Stored:
    """What `store_chunk` would do, as far as the registry as it stands tells; nothing is stored."""
    suspects = await all_suspects(session, judged.sound)
    found = await compared(session, judged.sound, suspects, vault)
    return (await _told(session, step, judged, found, vault, now))[1]


async def _told(
    session: AsyncSession,
    step: Step,
    judged: Judged,
    found: Compared,
    vault: Vault,
    now: datetime,
) -> "tuple[list[Changed], Stored]":
    """What changes in the standing of licences that are held, and what became of all rows."""
    changes, wrong = await _changes(session, found.unchanged, judged.sound, now)
    late = [*found.bad, *wrong]
    bad = [*judged.bad, *(_refused(one, problem, vault) for one, problem in late)]
    new = len(judged.sound.rows) - len(found.not_new)
    return changes, Stored(_counted(step.counts, judged, bad, new, len(changes)), bad)


def _refused(one: Ready, problem: Problem, vault: Vault) -> Bad:
    return refused(one.row, vault.signed(kept(one)).decode("ascii"), (problem,), vault)


# The licence's row (`~place`: of a new record), its new standing, on what basis.
Changed = tuple[int, Standing, str]
Doubtful = list[tuple[Ready, Problem]]


async def _changes(
    session: AsyncSession, unchanged: Sequence[tuple[int, Ready]], sound: Sound, now: datetime
) -> tuple[list[Changed], Doubtful]:
    """Standings that a file tells of licences that are held already, or stand above in the chunk.

    One follows the other, in the order of the rows.
    """
    told = [(row_id, one, one.change) for row_id, one in unchanged if one.change]
    held = {row_id for row_id, _, _ in told if row_id >= 0}
    histories = await store.histories(session, held) if held else {}
    newest = {row_id: history[-1] for row_id, history in histories.items()}
    changes: list[Changed] = []
    wrong: Doubtful = []
    for row_id, one, change in told:
        present = newest.get(row_id) or _first(sound.changes.get(~row_id), now)
        standing = _standing(change, max(now, present.recorded_at + _TICK))
        same = (present.state, present.since) == (standing.state, standing.since)
        if standing.state in FOLLOWING[present.state]:
            newest[row_id] = standing
            changes.append((row_id, standing, change.basis))
        elif not same and change.status != ISSUED:
            wrong.append((one, STATUS_CANNOT_FOLLOW))
    return changes, wrong


def _first(change: Change | None, now: datetime) -> Standing:
    """The standing in which a new record is stored."""
    if change is None or change.status == ISSUED:
        return Standing(CODES[ISSUED], now, now)
    return _standing(change, now + _TICK)


def _standing(change: Change, recorded_at: datetime) -> Standing:
    if change.since is None:
        raise ValueError("what is ready says since when")
    state = CODES[change.status]
    return Standing(state, change.since, recorded_at, change.reason, change.from_the_beginning)


async def _copy(
    session: AsyncSession, new: Sound, changes: Iterable[Changed], now: datetime
) -> None:
    """Store new records, and what changes in the standing of others.

    Names go first: where one is taken, nothing else has been written in vain. The ids are taken
    last: where it was in vain, the next attempt begins with the same.
    """
    first = await store_deliveries.next_id(session)
    told = ((first + place, change) for place, change in new.changes.items())
    beginnings = ((i, change) for i, change in told if change.status != ISSUED)
    later = [
        *((i, _first(said, now), said.basis) for i, said in beginnings),
        *((i if i >= 0 else first + ~i, said, basis) for i, said, basis in changes),
    ]
    await store_deliveries.copy_in(
        session,
        copying.counted_from(first, new.names, copying.OF_NAMES),
        copying.licences(first, new.licences),
        copying.counted_from(first, new.holders, copying.OF_HOLDERS),
        [_standing_row(*change) for change in later],
    )
    if new.rows:
        await store_deliveries.take_ids(session, first + len(new.rows) - 1)


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
    before: Mapping[str, int], judged: Judged, bad: Sequence[Bad], new: int, changed: int
) -> dict[str, int]:
    """What became of the rows: by outcome, and why (`refused CODE`, `warned CODE`)."""
    rows, counts = len(judged.sound.rows) + len(judged.bad), Counter(before)
    counts.update(rows=rows, accepted=new, quarantined=len(bad), changed=changed)
    counts["unchanged"] += rows - new - len(bad)
    counts.update(f"refused {problem.code}" for one in bad for problem in one.problems)
    counts.update(f"warned {code}" for code in judged.warnings)
    return dict(counts)
