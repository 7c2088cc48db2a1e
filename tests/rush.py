"""A rush (并发压力): writers change licences through random hubs while readers verify them.

`Rush` stamps every request and every answer with one monotonic clock, and a judge looks at each.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from builders import Issuer, a_citizen_number, a_holder, records
from fleet import Fleet, HubProcess
from staleness import REVOKED, SUSPENDED, VALID, Judge, Life, Look, State, Verdict, Way
from zwhub.kernel.identifiers.licence import build

REMEMBERED = 20  # licences that have ended and are still asked about
PAUSE = 0.3  # seconds, on average, between two changes of one licence

VERIFY = """mutation($input: VerifyLicenceInput!) { verifyLicence(input: $input) {
    ... on Verification { verdict reason licence { version } }
} }"""
VERIFY_MANY = """mutation($input: VerifyLicencesInput!) { verifyLicences(input: $input) {
    ... on VerificationBatch { verifications { verdict reason licence { version } } }
} }"""
FACE = "id version status verification { reason }"
LICENCE = f"query($by: LicenceKey!) {{ licence(by: $by) {{ {FACE} }} }}"
NODE = f"query($id: ID!) {{ node(id: $id) {{ ... on Licence {{ {FACE} }} }} }}"
COLLECT = """mutation($input: CollectLicencesInput!) { collectLicences(input: $input) {
    ... on CollectionReport { records { outcome problems { code } } }
} }"""
CHANGE = """mutation($input: ChangeLicenceStatusInput!) { changeLicenceStatus(input: $input) {
    ... on Licence { version status } ... on UserError { code }
} }"""

Named = dict[str, str]


@dataclass(eq=False)
class Subject:
    """One licence: its two versions, what happened to it, and the ids it was shown with."""

    serial: str
    versions: list[str] = field(repr=False)
    names: dict[Way, Named]
    life: Life = field(default_factory=Life)
    ids: dict[Way, str] = field(default_factory=dict)

    @classmethod
    def of(cls, issuer: Issuer, serial: str) -> "Subject":
        holders = [a_holder(code=a_citizen_number())]
        bodies = [
            issuer.a_body(serial=serial, version=version, holders=holders)
            for version in ("001", "002")
        ]
        names = {
            Way.NUMBER: {"number": f"NO-{serial}"},
            Way.FIRST: {"identifier": build(bodies[0]["typeCode"], issuer.code, serial, 1)},
            Way.SECOND: {"identifier": build(bodies[0]["typeCode"], issuer.code, serial, 2)},
        }
        return cls(serial, [issuer.signed(body) for body in bodies], names)


@dataclass
class Rush:
    """What runs until `stop`, and what was seen."""

    fleet: Fleet
    issuer: Issuer = field(repr=False)
    seed: int
    batch: int
    judge: Judge = field(default_factory=Judge)
    done: Counter[str] = field(default_factory=Counter)
    changed_wrongly: list[str] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    subjects: dict[int, Subject] = field(default_factory=dict)
    ended: deque[Subject] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def writes(self, place: int) -> None:
        """One licence after the other, each from its first collection to its end."""
        dice = random.Random(f"{self.seed} writer {place}")
        turn = 0
        while not self.stop.is_set():
            subject = Subject.of(self.issuer, f"S{self.seed:04}W{place:03}T{turn:05}")
            self.subjects[place], turn = subject, turn + 1
            await self._lives(subject, dice)
            self.ended.append(subject)

    async def _lives(self, subject: Subject, dice: random.Random) -> None:
        steps: list[tuple[str, State]] = [("collect", (VALID,))]
        for _ in range(dice.randrange(4)):
            steps += [(SUSPENDED, (SUSPENDED,)), (VALID, (VALID,))]
        if dice.random() < 0.6:
            steps.append(("collect", (VALID, VALID)))
            for _ in range(dice.randrange(4)):
                steps += [(SUSPENDED, (VALID, SUSPENDED)), (VALID, (VALID, VALID))]
        steps.append((REVOKED, (*steps[-1][1][:-1], REVOKED)))
        for step, state in steps:
            await asyncio.sleep(dice.expovariate(1 / PAUSE))
            if self.stop.is_set():
                return
            # The worst moments: just before, so that the cache knows the number, and just after.
            await self._verify(dice, subject, Way.NUMBER)
            await self._step(subject, step, state, dice)
            await self._verify(dice, subject, Way.NUMBER)

    async def _step(self, subject: Subject, step: str, state: State, dice: random.Random) -> None:
        """Until it is acknowledged, by whichever hub: a killed one may have done it already."""
        change = subject.life.change(state, time.monotonic())
        tries = 0
        while True:
            hub, tries = self._some_hub(dice), tries + 1
            if step == "collect":
                well = await self._collected(hub, subject.versions[len(state) - 1], tries)
            else:
                well = await self._changed(hub, subject, step, len(state), tries, dice)
            if well:
                change.acked = time.monotonic()
                self.done[step] += 1
                return
            self.done["tried again"] += 1
            await asyncio.sleep(0.1)

    async def _collected(self, hub: HubProcess, record: str, tries: int) -> bool:
        said = await self.fleet.ask(hub, COLLECT, input=records([record]))
        if said is None:
            return False
        (one,) = said["collectLicences"]["records"]
        assert one["outcome"] == "ACCEPTED" or (tries > 1 and one["outcome"] == "UNCHANGED"), one
        self.done["collected before its hub was killed"] += one["outcome"] == "UNCHANGED"
        return True

    async def _changed(
        self, hub: HubProcess, subject: Subject, to: str, version: int, tries: int, dice: Any
    ) -> bool:
        way = dice.choice([Way.NUMBER, Way.FIRST if version == 1 else Way.SECOND])
        more = {"status": to, "reason": "测试", "basis": "测试〔2026〕1 号"}
        asked = {"licence": subject.names[way], **more}
        said = await self.fleet.ask(hub, CHANGE, input=asked)
        if said is None:
            return False
        one = said["changeLicenceStatus"]
        if one.get("code") == "WRONG_STATE" and tries > 1:
            return True  # the first try was heard after all
        if one != {"version": f"{version:03}", "status": to}:
            self.changed_wrongly.append(f"{to} of version {version} by {way}: {one}")
        return True

    async def reads(self, place: int) -> None:
        """One by one: verified by every name, looked at by every name, and by id."""
        dice = random.Random(f"{self.seed} reader {place}")
        acts = (self._verify, self._verify, self._look, self._look_by_id)
        await self._again(lambda: dice.choice(acts)(dice))

    async def reads_many(self, place: int) -> None:
        """In batches."""
        dice = random.Random(f"{self.seed} batches {place}")
        await self._again(lambda: self._verify_many(dice))

    async def _again(self, act: Callable[[], Awaitable[bool]]) -> None:
        while not self.stop.is_set():
            if not await act():
                self.done["unanswered"] += 1
                await asyncio.sleep(0.05)

    async def _verify(
        self, dice: random.Random, subject: Subject | None = None, way: Way | None = None
    ) -> bool:
        subject, way = subject or self._some_subject(dice), way or dice.choice(list(Way))
        asked = {"licence": subject.names[way], "purpose": "测试"}
        started = time.monotonic()
        said = await self.fleet.ask(self._some_hub(dice), VERIFY, input=asked)
        ended = time.monotonic()
        if said is not None:
            verdict = _verdict(said["verifyLicence"])
            self.judge.verdict(subject.life, way, verdict, started, ended)
        return said is not None

    async def _verify_many(self, dice: random.Random) -> bool:
        asked = [
            (self._some_subject(dice), way) for _ in range(self.batch // len(Way)) for way in Way
        ]
        named = [subject.names[way] for subject, way in asked]
        started = time.monotonic()
        said = await self.fleet.ask(
            self._some_hub(dice), VERIFY_MANY, input={"licences": named, "purpose": "测试"}
        )
        ended = time.monotonic()
        if said is None:
            return False
        self.done["batches"] += 1
        found = said["verifyLicences"]["verifications"]
        for (subject, way), one in zip(asked, found, strict=True):
            self.judge.verdict(subject.life, way, _verdict(one), started, ended)
        return True

    async def _look(self, dice: random.Random) -> bool:
        subject, way = self._some_subject(dice), dice.choice(list(Way))
        started = time.monotonic()
        said = await self.fleet.ask(self._some_hub(dice), LICENCE, by=subject.names[way])
        ended = time.monotonic()
        if said is None:
            return False
        self.judge.look(subject.life, way, _look(said["licence"]), started, ended)
        if said["licence"] is not None:
            way = Way.FIRST if said["licence"]["version"] == "001" else Way.SECOND
            subject.ids[way] = said["licence"]["id"]
        return True

    async def _look_by_id(self, dice: random.Random) -> bool:
        subject = self._some_subject(dice)
        if not subject.ids:
            return await self._look(dice)
        way = dice.choice(list(subject.ids))
        started = time.monotonic()
        said = await self.fleet.ask(self._some_hub(dice), NODE, id=subject.ids[way])
        ended = time.monotonic()
        if said is not None:
            self.judge.look(subject.life, way, _look(said["node"]), started, ended)
        return said is not None

    def _some_hub(self, dice: random.Random) -> HubProcess:
        return dice.choice([hub for hub in self.fleet.hubs if hub.serves] or self.fleet.hubs)

    def _some_subject(self, dice: random.Random) -> Subject:
        return dice.choice([*self.subjects.values(), *self.ended])


def _verdict(one: dict[str, Any]) -> Verdict:
    version = None if one["licence"] is None else int(one["licence"]["version"])
    return Verdict(version, one["verdict"], one["reason"])


def _look(one: dict[str, Any] | None) -> Look:
    if one is None:
        return Look(None, None, None)
    return Look(int(one["version"]), one["status"], one["verification"]["reason"])
