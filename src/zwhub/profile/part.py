"""A part file (分卷): the records of one issuer, signed and written, and what a loader must find."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from heapq import merge
from pathlib import Path
from random import Random
from typing import Any

import orjson

from zwhub.kernel.clock import BEIJING
from zwhub.kernel.crypto.jws import signer
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.licences.batch import SUFFIX, Batch, sign_batch
from zwhub.licences.deliveries.read import examined
from zwhub.licences.deliveries.write import WRITERS
from zwhub.licences.held import TYP
from zwhub.platform.private_files import private_file, write_private
from zwhub.profile.finding import Finder
from zwhub.profile.forging import (
    SEEN_IN_A_BATCH,
    UNSEEN_IN_A_BATCH,
    Forgery,
    altered,
    forged_payload,
)
from zwhub.profile.holders import Tables
from zwhub.profile.issuing import Draft, Maker, State
from zwhub.profile.rarities import Rarities
from zwhub.profile.recipe import Part, Recipe, Stream

DONE = ".done-"  # what is told of a finished part stands in .done-NAME, written last
_TOLD_EVERY = 500  # records
_VOID = 0.25  # of the revoked are void from the beginning
_FLAWS = frozenset({State.ALTERED_PAYLOAD, State.WRONG_KEY, State.UNTRUSTED_ISSUER})


@dataclass(slots=True)
class Tally:
    """What a part holds, for `expected.json`."""

    counts: Counter[str] = field(default_factory=Counter)
    forged: list[dict[str, Any]] = field(default_factory=list)

    def said(self) -> dict[str, Any]:
        return {"counts": dict(self.counts), "forged": self.forged}


class Workshop:
    """Makes the parts of a recipe, each from its number alone."""

    def __init__(
        self,
        recipe: Recipe,
        tables: Tables,
        sample: dict[str, Any],
        keys: Mapping[str, PrivateKey],
    ) -> None:
        self._recipe, self._tables, self._sample, self._keys = recipe, tables, sample, keys
        self._sign = {kid: signer(key, kid, TYP) for kid, key in keys.items()}
        self._types = {row["key"]: row for row in tables["licence_types"]}

    def make(self, part: Part, folder: Path, told: Callable[[int], None]) -> None:
        """Write the part, its batch signature and its tally; `told` is told of records made."""
        path, tally = folder / part.name(self._recipe.kind), Tally()
        with private_file(path) as file:
            WRITERS[self._recipe.kind](file, _telling(self._rows(part, tally), told))
        if part.vouched:
            write_private(path.with_name(path.name + SUFFIX), self._vouch(part, path).encode())
        write_private(path.with_name(DONE + path.name), json.dumps(tally.said()).encode())

    def _vouch(self, part: Part, path: Path) -> str:
        key = part.issuer[-1]
        signed_at = datetime.combine(self._recipe.today, time(), BEIJING)
        batch = Batch(examined(path), part.records, key.issuer["code"], signed_at)
        return sign_batch(self._keys[key.kid], key.kid, batch)

    def _rows(self, part: Part, tally: Tally) -> Iterator[dict[str, Any]]:
        rng = Random(f"{self._recipe.seed} part {part.number}")  # noqa: S311 - a sample
        forgeries = self._forgeries(part, rng)
        header = 1 if self._recipe.kind == "csv" else 0
        for row, draft in enumerate(self._drafts(part, rng, forgeries), start=1 + header):
            kind = forgeries.get(row - header)
            tally.counts.update(self._noted(draft, kind))
            if kind is not None:
                place = {"file": part.name(self._recipe.kind), "row": row, "reason": kind}
                tally.forged.append(place)
                yield {"record": self._forge(draft, kind)}
            else:
                yield {
                    "record": self._sign[draft.kid](orjson.dumps(draft.payload)),
                    **_change(draft, rng),
                }

    def _forgeries(self, part: Part, rng: Random) -> dict[int, Forgery]:
        """Which records of the part are forged, counted from 1, and how."""
        kinds = SEEN_IN_A_BATCH if part.vouched else UNSEEN_IN_A_BATCH
        share, phase = self._recipe.forged, rng.random()
        found: dict[int, Forgery] = {}
        for at in range(1, part.records + 1):
            if int(at * share + phase) > int((at - 1) * share + phase):
                found[at] = kinds[(len(found) + part.number - 1) % len(kinds)]
        return found

    def _drafts(self, part: Part, rng: Random, forged: Mapping[int, Forgery]) -> Iterator[Draft]:
        maker = Maker(self._tables, self._sample, self._recipe.today, rng)
        finder = Finder(self._recipe, self._tables, self._sample, rng)
        rare = Rarities.of(
            self._tables,
            self._sample["never_withdrawn"],
            self._recipe.today,
            Random(f"{self._recipe.seed} rarities {part.number}"),  # noqa: S311 - a sample
        )
        issuer = part.issuer[0].issuer
        region = issuer["region"] if issuer["level"] == "县" else None
        left = part.records
        for stream, k in _in_turn(part.streams):
            at = part.records - left + 1
            state = maker.state(stream.type)
            plain = bool(forged.keys() & {at, at + 1})  # a forgery has one fault, and one alone
            if state in _FLAWS or plain or left == 1:
                state = State.VALID
            holder = finder.find(stream, k, region)
            holder = holder if plain else rare.holder(holder, stream.type)
            for draft in maker.issue(holder, stream.type, state, stream.serial + k, part.issuer):
                alone = state is State.VALID and not plain
                yield rare.changed(draft, stream.type) if alone else draft
                left -= 1
            if left == 0:
                return

    def _forge(self, draft: Draft, kind: Forgery) -> str:
        mine = draft.payload["issuerCode"]
        other = next(r for r in self._types.values() if mine not in r["issuing"].split("|"))
        payload = orjson.dumps(forged_payload(draft.payload, kind, other))
        if kind is Forgery.ISSUER_NOT_TRUSTED:
            return signer(self._keys[draft.kid], f"{draft.kid}-unknown", TYP)(payload)
        record = self._sign[draft.kid](payload)
        return altered(record) if kind is Forgery.SIGNATURE_INVALID else record

    def _noted(self, draft: Draft, kind: Forgery | None) -> Iterator[str]:
        if kind is not None:
            yield f"quarantined.{kind}"
            return
        body, today = draft.payload, self._recipe.today.isoformat()
        yield "accepted"
        yield f"algorithm.{self._keys[draft.kid].algorithm}"
        yield f"status.{draft.status}"
        yield from {f"holder.{one['codeType']}" for one in body["holders"]}
        if body["version"] != "001":
            yield "superseding"
        if body["operation"] == "转入":
            yield "transferredIn"
        if body["validUntil"] is not None and body["validUntil"] < today:
            yield "expired"
        if body["validFrom"] > today:
            yield "notYetValid"
        if len(body["holders"]) > 1:
            yield "severalHolders"


def _in_turn(streams: tuple[Stream, ...]) -> Iterator[tuple[Stream, int]]:
    """The licences of all streams, evenly mixed: neighbours belong to one neighbourhood."""
    return (
        (streams[turn], k)
        for _, turn, k in merge(
            *(
                [
                    ((k - s.first + 0.5) / (s.last - s.first), turn, k)
                    for k in range(s.first, s.last)
                ]
                for turn, s in enumerate(streams)
            )
        )
    )


def _change(draft: Draft, rng: Random) -> dict[str, Any]:
    if draft.status == "01":
        return {}
    basis = f"示决字〔{draft.status_since.year}〕{rng.randrange(1, 10_000)}号"
    said: dict[str, Any] = {
        "status": draft.status,
        "statusSince": draft.status_since.isoformat(),
        "statusReason": draft.status_reason,
        "statusBasis": basis,
    }
    if draft.status == "03" and rng.random() < _VOID:
        said["fromTheBeginning"] = True
    return said


def _telling(
    rows: Iterator[dict[str, Any]], told: Callable[[int], None]
) -> Iterator[dict[str, Any]]:
    untold = 0
    for row in rows:
        yield row
        untold += 1
        if untold == _TOLD_EVERY:
            told(untold)
            untold = 0
    told(untold)
