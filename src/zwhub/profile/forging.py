"""Forgeries (伪造件): records that a loader must put into quarantine, each for one known reason."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from zwhub.kernel.identifiers import licence
from zwhub.kernel.identifiers.licence import CheckState, LicenceIdentifier

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Forgery(StrEnum):
    """The first reason for which the record is quarantined."""

    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    ISSUER_NOT_TRUSTED = "ISSUER_NOT_TRUSTED"
    CHECK_CHARACTER_WRONG = "CHECK_CHARACTER_WRONG"
    UNKNOWN_TYPE = "UNKNOWN_TYPE"
    ISSUER_NOT_AUTHORISED = "ISSUER_NOT_AUTHORISED"
    HOLDER_NUMBER_INVALID = "HOLDER_NUMBER_INVALID"
    MALFORMED = "MALFORMED"


# An issuer who vouches for a file is believed about the first two: they come in other files.
UNSEEN_IN_A_BATCH = (Forgery.SIGNATURE_INVALID, Forgery.ISSUER_NOT_TRUSTED)
SEEN_IN_A_BATCH = tuple(kind for kind in Forgery if kind not in UNSEEN_IN_A_BATCH)


def forged_payload(
    payload: Mapping[str, Any], kind: Forgery, other_type: Mapping[str, str]
) -> dict[str, Any]:
    """The body of the forgery; what is wrong with its signature is the signer's to do.

    `other_type` is a row of `licence_types.csv` that the issuer may not sign.
    """
    body = dict(payload)
    match kind:
        case Forgery.CHECK_CHARACTER_WRONG:
            body["identifier"] = _misread(body["identifier"])
        case Forgery.UNKNOWN_TYPE:
            body |= _of_type(body, body["typeCode"][:18] + "999", body["typeName"])
        case Forgery.ISSUER_NOT_AUTHORISED:
            body |= _of_type(body, other_type["code"], other_type["name"])
        case Forgery.HOLDER_NUMBER_INVALID:
            first, *more = body["holders"]
            body["holders"] = [{**first, "code": _misspelt(first["code"])}, *more]
        case Forgery.MALFORMED:
            del body["validFrom"]
    return body


def altered(record: str) -> str:
    """The record with another signature than it was given."""
    at = record.rindex(".") + 10
    return record[:at] + ("A" if record[at] != "A" else "B") + record[at + 1 :]


def _of_type(body: Mapping[str, Any], code: str, name: str) -> dict[str, str]:
    parts = LicenceIdentifier.parse(body["identifier"])
    own = licence.build(code, parts.issuer, parts.serial, int(parts.version))
    return {"identifier": own, "typeCode": code, "typeName": name, "name": name}


def _misread(identifier: str) -> str:
    """Another check character, which no variant of the sum gives either."""
    options = (identifier[:-1] + check for check in _ALPHABET)
    return next(o for o in options if LicenceIdentifier.parse(o).check_state is CheckState.WRONG)


def _misspelt(code: str) -> str:
    """A citizen's number with a wrong last character; I is in no social credit code."""
    last = ("0" if code[-1] != "0" else "1") if code[0] == "9" and code[:17].isdigit() else "I"
    return code[:-1] + last
