"""Circumstances (核验依据): what a verdict on a record needs besides the record itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from zwhub.kernel.clock import civil_date
from zwhub.kernel.crypto.jws import MalformedJws
from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.licences import store as licences
from zwhub.licences import store_circumstances as store
from zwhub.licences.body import MalformedBody
from zwhub.licences.held import Held
from zwhub.licences.policy import HolderClaim, Question
from zwhub.licences.status import Standing, present
from zwhub.licences.store_circumstances import Known
from zwhub.licences.trust import NO_VERSION, trust_list_of
from zwhub.licences.vault import Kept, Vault
from zwhub.platform.database import Database
from zwhub.platform.reading import Reads


class Circumstances(NamedTuple):
    """What the hub knows of a record; `history` None = nothing is held under its identifier."""

    trust: TrustList
    history: list[Standing] | None
    successor: str | None

    def question(
        self, held: Held, as_of: datetime, now: datetime, claim: HolderClaim | None = None
    ) -> Question:
        """The record, put before the policy."""
        return Question(
            jws=held.jws,
            body=held.body,
            trust=self.trust,
            history=self.history,
            same_as_registered=self.history is not None and held.id != 0,
            successor=self.successor,
            claim=claim,
            as_of=_moment(as_of, now, self.trust, self.history or []),
            now=now,
        )


async def circumstances(
    db: Database, vault: Vault, book: TrustBook, asked: Sequence[tuple[Held, datetime]]
) -> list[Circumstances]:
    """Of each record as of a moment, in one statement however many they are.

    A presented record (id 0) is compared with what the registry holds under its identifier:
    three statements more; where there are successors, another one names them.
    """
    if not asked:
        return []
    records = [held for held, _ in asked]
    version, known = await store.around(
        db.reads,
        [
            store.Asked(one.id, vault.series_key(one.body.identifier), civil_date(at))
            for one, at in asked
        ],
    )
    trust = await trust_list_of(db, book, version or NO_VERSION)
    histories = await _histories(db, vault, records, known)
    successors = await _successors(db.reads, vault, records, known)
    return [
        Circumstances(trust, history, successor)
        for history, successor in zip(histories, successors, strict=True)
    ]


def _moment(
    as_of: datetime, now: datetime, trust: TrustList, history: Sequence[Standing]
) -> datetime:
    """The moment asked about; the present is no earlier than anything that was recorded."""
    return as_of if as_of < now else present(max(as_of, trust.made_at or as_of), history)


async def _histories(
    db: Database, vault: Vault, records: Sequence[Held], known: Sequence[Known]
) -> list[list[Standing] | None]:
    """Of the row under each record's identifier. A record with id 0 is not what that row holds."""
    presented = {vault.slot(one.body.identifier) for one in records if one.id == 0}
    rows = await licences.rows_of(db.reads, presented) if presented else {}
    others = await _others(db, [row.id for row in rows.values()])
    found: list[list[Standing] | None] = []
    for one, (changes, _) in zip(records, known, strict=True):
        if one.id:  # no changes, not even none: the cache knows a record that the database has lost
            found.append([] if changes is None else [*one.beginning, *changes])
        else:
            row = rows.get(vault.slot(one.body.identifier))
            found.append(None if row is None else others.get(row.id))
    return found


async def _others(db: Database, row_ids: Sequence[int]) -> Mapping[int, list[Standing]]:
    if not row_ids:
        return {}
    async with db.read() as session:
        return await licences.histories(session, row_ids)


async def _successors(
    reads: Reads, vault: Vault, records: Sequence[Held], known: Sequence[Known]
) -> list[str | None]:
    """For each record, the identifier of the version that had replaced it by its day."""
    newer = [
        row_id if version > int(one.body.version) else None
        for one, (_, (version, row_id)) in zip(records, known, strict=True)
    ]
    names = await _identifiers(reads, vault, {row_id for row_id in newer if row_id is not None})
    return [None if row_id is None else names[row_id] for row_id in newer]


async def _identifiers(reads: Reads, vault: Vault, row_ids: set[int]) -> Mapping[int, str]:
    rows = await licences.by_ids(reads, row_ids) if row_ids else []
    return {row.id: _identifier(vault, row) for row in rows}


def _identifier(vault: Vault, kept: Kept) -> str:
    """An unreadable successor is one all the same."""
    try:
        return str(vault.held(kept).body.identifier)
    except (MalformedJws, MalformedBody):
        return "?"
