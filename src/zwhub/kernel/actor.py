"""Who is asking (调用者), and what they may do."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Persona(StrEnum):
    """The six kinds of caller."""

    ANONYMOUS = "ANONYMOUS"
    CITIZEN = "CITIZEN"
    CLERK = "CLERK"
    DEPARTMENT = "DEPARTMENT"
    SUPERVISOR = "SUPERVISOR"
    OPERATOR = "OPERATOR"


class Scope(StrEnum):
    """One permission of a department system (部门系统)."""

    LICENCES_VERIFY = "licences:verify"
    LICENCES_COLLECT = "licences:collect"
    LICENCES_USE = "licences:use"
    LICENCES_STATUS = "licences:status"


@dataclass(frozen=True, slots=True)
class Actor:
    """One authenticated (or anonymous) caller.

    `id` is stable and safe to log: never a person's number. `number` is the citizen's or
    enterprise's own identity number; it is kept out of `repr`.
    """

    id: str
    persona: Persona
    name: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    organisation: str | None = None
    level: str | None = None
    scopes: frozenset[Scope] = frozenset()
    expires_at: datetime | None = None


ANONYMOUS = Actor(id="anonymous", persona=Persona.ANONYMOUS)
