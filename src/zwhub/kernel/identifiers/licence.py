"""Licence identifiers (电子证照标识, GB/T 36904): one name for one version of one licence."""

import re
from enum import StrEnum
from functools import lru_cache

from zwhub.kernel.identifiers.malformed import MalformedIdentifier
from zwhub.kernel.words import Words

__all__ = ["CheckState", "LicenceIdentifier", "MalformedIdentifier", "build", "check_character"]

ROOT = "1.2.156.3005.2"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_PREFIX, _TYPE = len(ROOT) + 1, 21
_is_form = re.compile(
    r"1\.2\.156\.3005\.2\."
    r"[0-9A-Z]{21}\."  # the licence type
    r"(?:[0-9A-Z]{18}|[0-9]{6})\."  # the issuer; in the field a 6-digit region occurs, too
    r"[0-9A-Z]{1,40}\."  # the serial
    r"[0-9]{3}\."  # the version
    r"[0-9A-Z]"
).fullmatch


class CheckState(StrEnum):
    """What the check character says. A vendor's variant is a warning, not a forgery."""

    VALID = "VALID"
    VARIANT = "VARIANT"
    WRONG = "WRONG"


class LicenceIdentifier(str):
    """An identifier, and its parts by name.

    `type_code` is the defining body's 18 characters and a serial of 3; `issuer` has 18
    characters, or 6 digits of a region; `version` has 3 digits.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "LicenceIdentifier":
        """Read an identifier with its OID root; MalformedIdentifier for any other form.

        A wrong check character is not malformed: see `check_state`.
        """
        if not _is_form(text):
            words = Words(zh="电子证照标识格式错误", en="not the form of a licence identifier")
            raise MalformedIdentifier(words)
        return cls(text)

    @property
    def type_code(self) -> str:
        return self[_PREFIX : _PREFIX + _TYPE]

    @property
    def issuer(self) -> str:
        return self[_PREFIX + _TYPE + 1 :].split(".", 1)[0]

    @property
    def serial(self) -> str:
        return self.split(".")[-3]

    @property
    def head(self) -> str:
        """The OID root, type and issuer: what an issuer's licences of one type share."""
        return self.rsplit(".", 3)[0]

    @property
    def version(self) -> str:
        return self[-5:-2]

    @property
    def check(self) -> str:
        return self[-1]

    @property
    def series(self) -> str:
        """Type, issuer and serial, as they are written: what all versions share."""
        return self[_PREFIX:-6]

    @property
    def check_state(self) -> CheckState:
        head, serial, version, check = self.rsplit(".", 3)
        product = _product(serial + version, _begun(head))
        if check == _ALPHABET[(37 - product) % 36]:
            return CheckState.VALID
        body = head[_PREFIX:].replace(".", "") + serial + version
        return CheckState.VARIANT if check == variant_character(body) else CheckState.WRONG


def build(type_code: str, issuer: str, serial: str, version: int) -> str:
    """A complete identifier for version 1 to 999; MalformedIdentifier when a part does not fit."""
    number = f"{version:03d}"
    body = type_code + issuer + serial + number
    check = check_character(body) if set(body) <= _VALUES.keys() else ""
    text = ".".join((ROOT, type_code, issuer, serial, number, check))
    return LicenceIdentifier.parse(text)


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
def _begun(head: str) -> int:
    return _product(head[_PREFIX:].replace(".", ""), 36)


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
