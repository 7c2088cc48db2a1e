"""A held licence (在库证照): what the hub keeps of a record, read from the signed bytes."""

import re
from dataclasses import dataclass
from datetime import datetime

from zwhub.kernel.crypto.jws import Jws, MalformedJws, parse
from zwhub.kernel.identifiers import citizen
from zwhub.kernel.identifiers.holder import mask_name, mask_number, matches_code, normalise_code
from zwhub.kernel.words import Words
from zwhub.licences.body import Body, Holder, read_body
from zwhub.licences.status import Standing, beginning

TYP = "zwhub-licence+jws"


@dataclass(frozen=True, slots=True)
class Held:
    """One record in the registry: its row's id, and the signed bytes read into values."""

    id: int
    jws: Jws
    body: Body
    signed: bytes
    collected_at: datetime | None = None  # None: presented, and not (yet) held

    @property
    def beginning(self) -> tuple[Standing, ...]:
        """Its standing when it was collected, before any change; nothing if it was not."""
        if self.collected_at is None:
            return ()
        return (beginning(self.body.issued_on, self.body.signed_at, self.collected_at),)

    @classmethod
    def read(cls, row_id: int, signed: bytes, collected_at: datetime | None = None) -> "Held":
        """Raises `MalformedJws` or `MalformedBody` for bytes that are no licence record."""
        return cls.of(row_id, parse(signed), signed, collected_at)

    @classmethod
    def of(
        cls, row_id: int, jws: Jws, signed: bytes, collected_at: datetime | None = None
    ) -> "Held":
        """As `read`, where the bytes have been parsed."""
        if jws.typ != TYP:  # RFC 8725 §3.11: what was signed as something else is no licence
            words = Words(f"typ 须为 {TYP}", f"typ must be {TYP}")
            raise MalformedJws(words)
        return cls(row_id, jws, read_body(jws.payload), signed, collected_at)


class Veil:
    """How texts of a licence are shown to one reader, who may be one of its holders.

    The numbers and names of the other holders are masked, also where they are only a part, and
    so is whatever else is a citizen's number.
    """

    def __init__(self, held: Held, reader: str | None = None) -> None:
        """`reader`: the number of who looks; None for somebody who holds nothing."""
        self._own = "" if reader is None else normalise_code(reader)
        others = [one for one in held.body.holders if not self._is_own(one)]
        codes = (normalise_code(one.code) for one in others)
        self._codes = [code for code in codes if len(code) >= SHORTEST_VEILED]
        self._names = [one.name for one in others if len(one.name) > 1]

    def _is_own(self, holder: Holder) -> bool:
        return bool(self._own) and matches_code(self._own, holder.code)

    def __call__(self, text: str) -> str:
        for code in self._codes:
            if code in text.upper():
                text = re.sub(re.escape(code), mask_number(code), text, flags=re.IGNORECASE)
        for name in self._names:
            if name in text:
                text = text.replace(name, mask_name(name))
        return _NUMBER.sub(lambda found: _masked(found[0], self._own), text)


def veiled(text: str, held: Held) -> str:
    """`text` as somebody may read it who is none of the licence's holders."""
    return Veil(held)(text)


def _masked(text: str, own: str) -> str:
    is_others = citizen.is_valid(text.upper()) and text.upper() != own
    return mask_number(text) if is_others else text


SHORTEST_VEILED = 8  # a shorter number would be found in many a text by chance
_NUMBER = re.compile(r"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")
