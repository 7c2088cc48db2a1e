"""A held licence (在库证照): what the hub keeps of a record, read from the signed bytes."""

import re
from dataclasses import dataclass

from zwhub.kernel.crypto.digests import keyed_digest
from zwhub.kernel.crypto.jws import Jws, MalformedJws, parse
from zwhub.kernel.identifiers.holder import mask_number, normalise_code
from zwhub.kernel.words import Words
from zwhub.licences.body import Body, read_body

TYP = "zwhub-licence+jws"


@dataclass(frozen=True, slots=True)
class Held:
    """One record in the registry: its row's id, and the signed bytes read into values."""

    id: int
    jws: Jws
    body: Body
    signed: bytes

    @classmethod
    def read(cls, row_id: int, signed: bytes) -> "Held":
        """Raises `MalformedJws` or `MalformedBody` for bytes that are no licence record."""
        jws = parse(signed)
        if jws.typ != TYP:  # RFC 8725 §3.11: what was signed as something else is no licence
            words = Words(f"typ 须为 {TYP}", f"typ must be {TYP}")
            raise MalformedJws(words)
        return cls(row_id, jws, read_body(jws.payload), signed)

    def pack(self) -> bytes:
        """As kept in the cache: eight bytes of id, then the record as signed."""
        return self.id.to_bytes(8, "big") + self.signed

    @classmethod
    def unpack(cls, packed: bytes) -> "Held":
        return cls.read(int.from_bytes(packed[:8], "big"), packed[8:])


def veiled(text: str, held: Held) -> str:
    """`text` with every holder's number in it masked, also where it is only a part."""
    for one in held.body.holders:
        code = normalise_code(one.code)
        if len(code) >= SHORTEST_VEILED:
            text = re.sub(re.escape(code), mask_number(code), text, flags=re.IGNORECASE)
    return text


SHORTEST_VEILED = 8  # a shorter number would be found in many a text by chance


def series_of(body: Body) -> str:
    """What all versions of one licence share: the identifier without version and check."""
    parts = body.identifier
    return f"{parts.type_code}.{parts.issuer}.{parts.serial}"


def holder_key(secret: bytes, code: str) -> bytes:
    """The keyed digest under which a person's or body's licences are found."""
    return keyed_digest(secret, "holder", normalise_code(code))[:16]


def number_key(secret: bytes, number: str) -> str:
    """The name under which a number is cached or traced: a number can be a person's own."""
    return keyed_digest(secret, "licence-number", number).hex()[:32]
