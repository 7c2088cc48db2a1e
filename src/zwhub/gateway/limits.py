"""Limits of the front door (门限): every figure a request is measured against, in one place."""

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """How open the door is: to developers at work, or to the public."""

    DEVELOPER = "developer"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one GraphQL document may ask for.

    Depth, aliases, directives and root fields are counted per operation with every fragment
    written out; `nodes` and `repeats` per document. `repeats` counts the pairs of fields that
    answer under the same key, because merging them is the one check whose cost grows with the
    square of the document; `operations` bounds the other square, that of operations and the
    variables in the fragments they share; `variables` those that one operation defines, `members`
    those of one object literal: each costs the validator more than its text. `nodes_returned`
    bounds the objects one request may gather, and `cost` the points that they and the batches take
    (`cost.py`). `list_items` bounds every list in the input but those of `batches` (as
    `Input.field`): `batch_items` is a little more than any verb takes, so that a batch that is
    merely too large is refused by its verb, in data. Introspection may be deep, so it may not be
    multiplied: `introspection_aliases`.
    """

    bytes: int = 16 * 1024
    tokens: int = 1_000
    depth: int = 12
    aliases: int = 15
    introspection_aliases: int = 1
    directives: int = 9
    nodes: int = 500
    root_fields: int = 20
    repeats: int = 1_000
    digits: int = 100
    operations: int = 10
    variables: int = 100
    members: int = 100
    nodes_returned: int = 10_000
    cost: int = 1_000
    list_items: int = 250
    batch_items: int = 1_200
    batches: frozenset[str] = frozenset(
        {"CollectLicencesInput.records", "VerifyLicencesInput.licences"}
    )


RETRY_SECONDS = 2  # after which who was turned away for want of room may try again


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """How much runs at once, in places: an operation takes one, or more as it costs more.

    `known` callers and the `anonymous` have their own, so that neither keeps the other waiting.
    Small look-ups share their rounds to the database, so many of them at once are well; an
    expensive one takes a place for every `points_per_place` of its cost. The rest waits, at most
    `waiting` of either kind and `wait_seconds` long.
    """

    known: int = 64
    anonymous: int = 16
    points_per_place: float = 50.0
    waiting: int = 500
    wait_seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one WebSocket may hold open; times in seconds, sizes in bytes."""

    connections: int = 1_000
    operations: int = 50
    message_bytes: int = 128 * 1024
    init_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one `PUT /uploads/{ticket}` may bring, in bytes and bytes a second, and in what time.

    Who sends more slowly than `slowest` once `seconds` are over is turned away. `at_once` are
    taken by one process; the next one waits `wait_seconds` for its turn.
    """

    bytes: int = 20_000_000
    seconds: float = 10.0
    slowest: int = 250_000
    at_once: int = 8
    wait_seconds: float = 10.0

    def time_for(self, size: int) -> float:
        """How many seconds a file of `size` bytes may take."""
        return self.seconds + size / self.slowest


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Every switch of the endpoint; the defaults are the public contract.

    In the production profile the anonymous get neither introspection nor suggestions, and GET
    takes trusted documents alone. `strict_status` answers 422 to an invalid document and 294 to
    a partial result (GraphQL over HTTP, draft). `body_values` bounds the JSON values of a request:
    a thousand records of ten. `allowed_origins` names the pages, besides the hub's own, from
    which a browser may open a WebSocket.
    """

    profile: Profile = Profile.PRODUCTION
    strict_status: bool = False
    body_bytes: int = 1024 * 1024
    body_values: int = 10_000
    body_seconds: float = 10.0
    execution_seconds: float = 10.0
    errors: int = 10
    cached_documents: int = 1_000
    cached_bytes: int = 32 * 1024 * 1024
    allowed_origins: frozenset[str] = frozenset()
    document: DocumentLimits = DocumentLimits()
    socket: SocketLimits = SocketLimits()
    upload: UploadLimits = UploadLimits()
    load: LoadLimits = LoadLimits()
