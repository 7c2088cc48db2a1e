"""Look up a licence (证照查询): for its holder, or for a system whose look is traced."""

from datetime import datetime

from zwhub.kernel.actor import Actor, Persona
from zwhub.kernel.identifiers.holder import matches_code
from zwhub.kernel.uuid7 import uuid7
from zwhub.licences.entry import ReadingTrace
from zwhub.licences.gather import By, Registry
from zwhub.licences.held import Held


async def look_up(
    registry: Registry, by: By, value: str, actor: Actor, now: datetime
) -> Held | None:
    """The record, or None where it is absent or not for this caller: both look the same."""
    held = await registry.find(by, value)
    if not isinstance(held, Held):  # nothing, or bytes that were tampered with: verifyLicence tells
        return None
    if holds(actor, held):
        return held
    if actor.persona is not Persona.DEPARTMENT:
        return None
    await registry.record(reading_of(held.id, actor, now))
    return held


def reading_of(licence_id: int, actor: Actor, now: datetime) -> ReadingTrace:
    """What is kept of a look at somebody's licence."""
    return ReadingTrace(uuid7(now), licence_id, now, actor.id, actor.organisation)


def holds(actor: Actor, held: Held) -> bool:
    """Whether the caller is one of the licence's holders."""
    number = actor.number
    return number is not None and any(matches_code(number, one.code) for one in held.body.holders)
