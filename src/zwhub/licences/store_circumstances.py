"""What a verdict needs, in SQL (核验依据存取): one statement, however many records are asked about."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from zwhub.licences.status import CODES, Standing
from zwhub.platform.reading import Reads


class Asked(NamedTuple):
    """A record: its row's id, its series' name, and the day by which it may have been replaced."""

    id: int
    series: UUID
    day: date


class Known(NamedTuple):
    """What the registry knows of a record; `changes` None = it holds no such row.

    `newest` is the version of its series that was the newest one by that day, and its row's id.
    """

    changes: list[Standing] | None
    newest: tuple[int, int]


# After the trust list's version, whether the row is there, and the newest version of its series: a
# change of its standing. A row of the answer for each change, or one where there is none.
_AROUND = """SELECT asked.nth, trust.version, licences.id IS NOT NULL,
    newest.version, newest.licence_id,
    said.code, said.since, said.recorded_at, said.reason, said.from_the_beginning
FROM unnest($1::bigint[], $2::uuid[], $3::date[]) WITH ORDINALITY AS asked (id, series, day, nth)
LEFT JOIN (SELECT number || '-' || left(digest, 12) FROM trust_list_versions
    ORDER BY number DESC LIMIT 1) AS trust (version) ON true
LEFT JOIN licences ON licences.id = asked.id
LEFT JOIN LATERAL (SELECT version, licence_id FROM licence_names
    WHERE key = asked.series AND issued_on <= asked.day
    ORDER BY version DESC LIMIT 1) AS newest ON true
LEFT JOIN licence_statuses AS said ON said.licence_id = licences.id
ORDER BY said.recorded_at, said.id"""
_NOTHING = (0, 0)


async def around(reads: Reads, asked: Sequence[Asked]) -> tuple[str | None, list[Known]]:
    """The newest trust list's version, and what is known of each record, in order; at least one."""
    rows = await reads.fetch(_AROUND, *(list(column) for column in zip(*asked, strict=True)))
    known: list[Known | None] = [None] * len(asked)
    for nth, _, there, version, row_id, code, *said in rows:
        one = known[nth - 1]
        if one is None:
            newest = _NOTHING if version is None else (version, row_id)
            one = known[nth - 1] = Known([] if there else None, newest)
        if code is not None and one.changes is not None:
            one.changes.append(Standing(CODES[code], *said))
    return rows[0][1], [one for one in known if one is not None]
