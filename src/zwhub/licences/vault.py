"""The vault (密库): how records are found without their numbers, and read from what is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from zwhub.kernel.crypto.digests import keyed_digest, keyed_digests, sha256_hex
from zwhub.kernel.crypto.jws import Jws, MalformedJws
from zwhub.kernel.crypto.sealing import CannotOpen, Sealer, fingerprint
from zwhub.kernel.identifiers.holder import normalise_code
from zwhub.kernel.identifiers.licence import LicenceIdentifier
from zwhub.kernel.words import Words
from zwhub.licences.body import Body
from zwhub.licences.held import Held
from zwhub.licences.neighbours import names
from zwhub.licences.packing import pack_all, unpack

NOBODY = UUID(int=0)  # the name of no holder


class Slot(NamedTuple):
    """The place of one version of a licence: its identifier without the check character."""

    series: UUID
    version: int


class Kept(NamedTuple):
    """A record as the registry and the cache keep it: packed, and sealed for its slot."""

    id: int
    series: UUID
    version: int
    sealed: bytes
    collected_at: datetime


class RowOf(NamedTuple):
    """The row that a name leads to; the name as in `licence_names`, None where it was the id."""

    name: Slot | None
    id: int


class Names(NamedTuple):
    """What a licence is found by: keyed digests of 16 bytes, each holder's once."""

    series: bytes
    number: bytes
    holders: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Vault:
    """The two secrets behind the registry: one to find records with, one to read them.

    Names are keyed digests of 16 bytes: a number can be a person's own, and a plain hash of it
    could be searched. Different kinds of names never meet. Licences whose numbers are close have
    names that are close; holders have not.
    """

    index_secret: bytes = field(repr=False)
    sealer: Sealer = field(repr=False)

    def number_key(self, number: str) -> UUID:
        """The name of a licence number (证照编号)."""
        return UUID(bytes=self.asked_key(number))

    def asked_key(self, asked: str) -> bytes:
        """What a trace keeps of what was asked about, 16 bytes; of a number, its name."""
        return names(self.index_secret, _NUMBER)(asked)

    def series_key(self, identifier: LicenceIdentifier) -> UUID:
        """The name of what all versions of one licence share."""
        return UUID(bytes=names(self.index_secret, _SERIES)(identifier.series))

    def slot(self, identifier: LicenceIdentifier) -> Slot:
        """Where the version that this identifier names has its place."""
        return Slot(self.series_key(identifier), int(identifier.version))

    def holder_key(self, code: str) -> UUID:
        """The name under which a person's or body's licences are found."""
        digest = keyed_digest(self.index_secret, _HOLDER, normalise_code(code))
        return UUID(bytes=digest[:16])

    def names_of(self, bodies: Iterable[Body]) -> list[Names]:
        """All that these licences are found by."""
        series, number = (names(self.index_secret, kind) for kind in (_SERIES, _NUMBER))
        holder = keyed_digests(self.index_secret, _HOLDER)
        return [
            Names(
                series(body.identifier.series),
                number(body.number),
                tuple({holder(normalise_code(one.code))[:16]: None for one in body.holders}),
            )
            for body in bodies
        ]

    def seal(self, slot: Slot, jws: Jws) -> bytes:
        """A record, to be kept in that slot."""
        return self.seal_all([(slot.series.bytes, slot.version)], [jws])[0]

    def seal_all(self, places: Sequence[tuple[bytes, int]], records: Sequence[Jws]) -> list[bytes]:
        """The same for many, each with its series' name and its version."""
        packed = pack_all(records)
        abouts = [_about_version(*place) for place in places]
        return self.sealer.seal_all(list(zip(packed, abouts, strict=True)))

    def signed(self, kept: Kept) -> bytes:
        """The record as its issuer signed it, byte for byte. Raises `MalformedJws`."""
        return self._jws(kept).text

    def held(self, kept: Kept) -> Held:
        """The record, read. Raises `MalformedJws` or `MalformedBody`."""
        jws = self._jws(kept)
        return Held.of(kept.id, jws, jws.text, kept.collected_at)

    def _jws(self, kept: Kept) -> Jws:
        """Raises `MalformedJws` when what is kept was altered, moved, or sealed with a lost key."""
        try:
            return unpack(self.sealer.open(kept.sealed, about_licence(*kept[1:3])))
        except CannotOpen:
            words = Words("存储的记录无法解密", "the stored record cannot be opened")
            raise MalformedJws(words) from None

    def record_key(self, record: bytes) -> str:
        """The name of a refused record (隔离区): it may be no more than a person's number."""
        return keyed_digest(self.index_secret, "refused-record", sha256_hex(record)).hex()

    def marks(self) -> Mapping[str, bytes]:
        """The fingerprints of both secrets; the data keys' by their numbers."""
        keys = self.sealer.ring.keys
        data = {data_mark(number): fingerprint(key) for number, key in sorted(keys.items())}
        return {INDEX_MARK: fingerprint(self.index_secret), **data}

    def conceal(self, about: str, data: bytes) -> bytes:
        """Anything else that names a person, sealed; `about` says what it is and where it lies."""
        return self.sealer.seal(data, about.encode())

    def reveal(self, about: str, sealed: bytes) -> bytes:
        """What was concealed. Raises `CannotOpen`."""
        return self.sealer.open(sealed, about.encode())


_SERIES, _NUMBER, _HOLDER = "licence-series", "licence-number", "holder"
INDEX_MARK = "index"


def data_mark(number: int) -> str:
    """Under which name the fingerprint of that data key is kept."""
    return f"data {number}"


# What a sealed value says of its place; with another it does not open.


def about_licence(series: UUID, version: int) -> bytes:
    return _about_version(series.bytes, version)


def _about_version(series: bytes, version: int) -> bytes:
    return b"licence" + series + version.to_bytes(2, "big")


def about_refused(record_key: str) -> str:
    return f"quarantine:{record_key}"


def about_upload(upload_id: UUID, number: int) -> str:
    return f"upload:{upload_id}:{number}"
