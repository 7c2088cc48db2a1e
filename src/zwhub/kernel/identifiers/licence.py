"""Licence identifiers (电子证照标识, GB/T 36904): one name for one version of one licence."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words

__all__ = ["CheckState", "LicenceIdentifier", "MalformedIdentifier", "build", "check_character"]

ROOT = "1.2.156.3005.2"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_FORM = re.compile(
    r"1\.2\.156\.3005\.2\."
    r"(?P<type_code>[0-9A-Z]{21})\."
    r"(?P<issuer>[0-9A-Z]{18}|[0-9]{6})\."  # in the field a 6-digit region occurs, too
    r"(?P<serial>[0-9A-Z]{1,40})\."
    r"(?P<version>[0-9]{3})\."
    r"(?P<check>[0-9A-Z])"
)


class CheckState(StrEnum):
    """What the check character says. A vendor's variant is a warning, not a forgery."""

    VALID = "VALID"
    VARIANT = "VARIANT"
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class LicenceIdentifier:
    """The parts of an identifier; `str()` gives the text back.

    `type_code` is the defining body's 18 characters and a serial of 3; `issuer` has 18
    characters, or 6 digits of a region; `version` has 3 digits.
    """

    type_code: str
    issuer: str
    serial: str
    version: str
    check: str

    @classmethod
    def parse(cls, text: str) -> "LicenceIdentifier":
        """Read an identifier with its OID root; MalformedIdentifier for any other form.

        A wrong check character is not malformed: see `check_state`.
        """
        found = _FORM.fullmatch(text)
        if not found:
            words = Words(zh="电子证照标识格式错误", en="not the form of a licence identifier")
            raise MalformedIdentifier(words)
        return cls(**found.groupdict())

    @property
    def check_state(self) -> CheckState:
        product = _product(self.serial + self.version, _begun(self.type_code + self.issuer))
        if self.check == _ALPHABET[(37 - product) % 36]:
            return CheckState.VALID
        body = self.type_code + self.issuer + self.serial + self.version
        return CheckState.VARIANT if self.check == variant_character(body) else CheckState.WRONG

    def __str__(self) -> str:
        parts = (ROOT, self.type_code, self.issuer, self.serial, self.version, self.check)
        return ".".join(parts)


def build(type_code: str, issuer: str, serial: str, version: int) -> str:
    """A complete identifier for version 1 to 999; MalformedIdentifier when a part does not fit."""
    number = f"{version:03d}"
    body = type_code + issuer + serial + number
    check = check_character(body) if set(body) <= _VALUES.keys() else ""
    text = ".".join((ROOT, type_code, issuer, serial, number, check))
    return str(LicenceIdentifier.parse(text))


def check_character(body: str) -> str:
    """ISO 7064 MOD 37,36 over the parts without dots and without the OID root (GB/T 36904)."""
    return _ALPHABET[(37 - _product(body, 36)) % 36]


def _product(text: str, product: int) -> int:
    for character in text:
        product = _NEXT[product][character]
    return product


_NEXT = [
    {character: ((product + value) % 36 or 36) * 2 % 37 for character, value in _VALUES.items()}
    for product in range(37)
]


@lru_cache(maxsize=4_096)  # an issuer's licences of one type begin alike
def _begun(prefix: str) -> int:
    return _product(prefix, 36)


def variant_character(body: str) -> str:
    """The same as a widely deployed product computes it: letters count 11 to 36, moduli mixed."""
    product = 36
    for character in body:
        letter = not character.isdigit()
        total = product + _VALUES[character] + letter
        if letter and total > 37:  # noqa: PLR2004 - the larger modulus
            total %= 37
        product = (total % 36 or 36) * 2 % 37
    return _ALPHABET[37 - product - 1]
