"""The status book (状态列表簿): every licence's place in a list, and the lists as last read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from zwhub.kernel.status_lists import UNKNOWN, StatusArray

SIZE = 1_048_576  # entries of a list: so many that asking for a list tells nothing of one licence
_BITS = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a licence's status is read: the list's number, counted from 1, and the index in it."""

    number: int
    index: int

    @classmethod
    def of(cls, row_id: int) -> "Place":
        """Rows are numbered from 1 on; a number that no licence was given stands at UNKNOWN."""
        number, index = divmod(row_id - 1, SIZE)
        return cls(number + 1, index)


def lists_for(newest_row_id: int) -> int:
    """How many lists hold all rows up to the newest; at least one."""
    return Place.of(max(newest_row_id, 1)).number


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One list as it stands: nobody changes it any more. `version` counts its changes."""

    version: int
    statuses: StatusArray


@dataclass
class StatusBook:
    """The lists of one hub process. `issuer` is the hub's public URL.

    `read_at`: up to when the lists are known to agree with the registry; None = never read.
    """

    issuer: str
    read_at: datetime | None = None
    _lists: list[StatusArray] = field(default_factory=list)
    _versions: list[int] = field(default_factory=list)

    def uri(self, number: int) -> str:
        """Where the list is found, and what it is called."""
        return f"{self.issuer}/status-lists/{number}"

    def snapshot(self, number: int) -> Snapshot | None:
        """The list of that number, None where there is none."""
        if not 1 <= number <= len(self._lists):
            return None
        statuses = self._lists[number - 1]
        return Snapshot(
            self._versions[number - 1], StatusArray(statuses.bits, bytes(statuses.octets))
        )

    def put(self, row_id: int, status: int) -> None:
        """Set one licence's status; a list that does not exist yet begins."""
        place = Place.of(row_id)
        while len(self._lists) < place.number:
            self._lists.append(StatusArray.of_digits(str(UNKNOWN) * SIZE))
            self._versions.append(1)
        statuses = self._lists[place.number - 1]
        if statuses[place.index] != status:
            statuses[place.index] = status
            self._versions[place.number - 1] += 1

    def replace(self, lists: Sequence[StatusArray]) -> None:
        """Take lists that were read anew, each `SIZE` entries of two bits."""
        if any((one.bits, len(one)) != (_BITS, SIZE) for one in lists):
            raise ValueError("a list has another size")
        newest = max(self._versions, default=0) + 1
        self._lists, self._versions = list(lists), [newest] * len(lists)
