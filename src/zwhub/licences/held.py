"""A held licence (在库证照): what the hub keeps of a record, read from the signed bytes."""

import re
from dataclasses import dataclass

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


def veiled(text: str, held: Held) -> str:
    """`text` with every holder's number in it masked, also where it is only a part."""
    for one in held.body.holders:
        code = normalise_code(one.code)
        if len(code) >= SHORTEST_VEILED:
            text = re.sub(re.escape(code), mask_number(code), text, flags=re.IGNORECASE)
    return text


SHORTEST_VEILED = 8  # a shorter number would be found in many a text by chance
