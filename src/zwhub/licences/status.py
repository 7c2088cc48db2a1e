"""Standing (证照状态): the state codes, and which one held at a given moment. Pure; no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from zwhub.kernel.clock import first_moment


class LicenceState(StrEnum):
    """The states of a licence; `code` of the exchange practice stands in `CODES`."""

    VALID = "VALID"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    LAPSED = "LAPSED"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    REVOKED_AS_PENALTY = "REVOKED_AS_PENALTY"
    OTHER = "OTHER"


CODES = {
    "01": LicenceState.VALID,  # 有效
    "02": LicenceState.SUSPENDED,  # 暂扣
    "03": LicenceState.REVOKED,  # 撤销: may be void from the beginning
    "04": LicenceState.CANCELLED,  # 注销
    "05": LicenceState.LAPSED,  # 失效
    "06": LicenceState.TRANSFERRED_OUT,  # 办理转出
    "07": LicenceState.REVOKED_AS_PENALTY,  # 吊销: from its day on
    "99": LicenceState.OTHER,
}
CODE_OF = {state: code for code, state in CODES.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """One entry of the history: `state` since `since`, known to the hub from `recorded_at`."""

    state: LicenceState
    since: datetime
    recorded_at: datetime
    reason: str = ""
    from_the_beginning: bool = False

    @property
    def version(self) -> str:
        """Names the newest entry that a verdict rests on."""
        return self.recorded_at.isoformat()


def beginning(issued_on: date, signed_at: datetime, collected_at: datetime) -> Standing:
    """The first entry: the licence itself, 有效 since it was issued, known since it was collected.

    An older one was signed later on, when it was digitised.
    """
    begun = min(first_moment(issued_on), signed_at)
    return Standing(LicenceState.VALID, begun, collected_at, "归集")


# What may follow what (暂扣 is reversible; an end is an end). 转出 ends a licence here alone.
_ENDS = frozenset(
    {
        LicenceState.REVOKED,
        LicenceState.CANCELLED,
        LicenceState.LAPSED,
        LicenceState.TRANSFERRED_OUT,
        LicenceState.REVOKED_AS_PENALTY,
    }
)
FOLLOWING: Mapping[LicenceState, frozenset[LicenceState]] = {
    LicenceState.VALID: _ENDS | {LicenceState.SUSPENDED, LicenceState.OTHER},
    LicenceState.SUSPENDED: _ENDS | {LicenceState.VALID, LicenceState.OTHER},
    LicenceState.OTHER: _ENDS | {LicenceState.VALID, LicenceState.SUSPENDED},
    # A licence that has ended can still be found to have been void from the beginning (撤销).
    LicenceState.CANCELLED: frozenset({LicenceState.REVOKED}),
    LicenceState.LAPSED: frozenset({LicenceState.REVOKED}),
    LicenceState.TRANSFERRED_OUT: frozenset({LicenceState.REVOKED}),
    LicenceState.REVOKED_AS_PENALTY: frozenset({LicenceState.REVOKED}),
    LicenceState.REVOKED: frozenset(),
}


def present(now: datetime, history: Sequence[Standing]) -> datetime:
    """`now`, or when the newest entry was recorded where this clock lags behind that one's.

    The clocks of several machines differ; a change that was acknowledged counts all the same.
    """
    return max([now, *(entry.recorded_at for entry in history)])


def standing_at(history: Sequence[Standing], moment: datetime) -> Standing | None:
    """The entry that holds at `moment`, by all the hub knows now; None = before the first.

    What was recorded last wins among the entries in effect; 撤销 with `from_the_beginning`
    was in effect always: the licence counts as never issued.
    """
    known = sorted(history, key=lambda entry: entry.recorded_at)
    effective = [e for e in known if e.from_the_beginning or e.since <= moment]
    return effective[-1] if effective else None
