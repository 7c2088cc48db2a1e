"""Change a licence's status (证照状态变更): suspend, give back, revoke, cancel; appended, never erased."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.actor import Actor
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences import store
from zwhub.licences.gather import By, Registry, find
from zwhub.licences.held import Held
from zwhub.licences.status import FOLLOWING, LicenceState, Standing

LONGEST_REASON = 500
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What is to change: which licence, to which state, why, on what basis, since when.

    `from_the_beginning` (撤销 alone): the licence counts as never issued.
    """

    by: By
    value: str
    state: LicenceState
    reason: str
    basis: str
    since: datetime
    from_the_beginning: bool = False


async def change_licence_status(
    session: AsyncSession, registry: Registry, change: StatusChange, actor: Actor, now: datetime
) -> Held:
    """Append the new standing; effective for every verification that begins after the commit.

    The body that issued the licence may change it, and the body that defines its type. Raises
    `Refused`: a bad input, a licence that is absent or another body's (both look the same), or
    a state that cannot follow the present one (行政许可法 §69, §70).
    """
    _require_sense(change, now)
    held = await find(registry, change.by, change.value)
    if held is None or not _may_change(actor, held):
        words = Words("没有由贵机构管理的此证照。", "There is no such licence in your body's care.")
        raise Refused(Reason.UNKNOWN_LICENCE, words, ("input", "licence"))
    await store.lock_licence(session, held.id)
    history = (await store.histories(session, [held.id])).get(held.id, [])
    _require_order(change, history)
    learned = max([now, *(entry.recorded_at + _TICK for entry in history)])
    standing = Standing(
        change.state, change.since, learned, change.reason.strip(), change.from_the_beginning
    )
    await store.append_standing(session, held.id, standing, change.basis.strip(), actor.id)
    return held


def _may_change(actor: Actor, held: Held) -> bool:
    body = held.body
    return actor.organisation in {body.issuer_code, body.type_code[:18]}


def _require_sense(change: StatusChange, now: datetime) -> None:
    for name, said in (("reason", change.reason), ("basis", change.basis)):
        if not said.strip() or len(said) > LONGEST_REASON:
            words = Words(
                f"请填写（不超过 {LONGEST_REASON} 个字符）。",
                f"Say it, in at most {LONGEST_REASON} characters.",
            )
            raise Refused(Reason.INVALID_INPUT, words, ("input", name))
    if change.since > now:
        words = Words("生效时间不能在将来。", "`since` must not lie in the future.")
        raise Refused(Reason.INVALID_INPUT, words, ("input", "since"))
    if change.from_the_beginning and change.state is not LicenceState.REVOKED:
        words = Words(
            "只有撤销可以自始无效。", "Only REVOKED (撤销) can be void from the beginning."
        )
        raise Refused(Reason.INVALID_INPUT, words, ("input", "fromTheBeginning"))


def _require_order(change: StatusChange, history: list[Standing]) -> None:
    present = history[-1].state if history else LicenceState.OTHER
    if change.state not in FOLLOWING[present]:
        words = Words(
            f"当前状态为 {present}，不能变更为 {change.state}。",
            f"It is {present}: {change.state} cannot follow.",
        )
        raise Refused(Reason.WRONG_STATE, words, ("input", "status"))
