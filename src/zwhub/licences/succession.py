"""What a licence takes the place of (延续、变更、转入): its `previous`, read. Pure; no I/O."""

from zwhub.kernel.identifiers.licence import LicenceIdentifier
from zwhub.kernel.words import Words
from zwhub.licences.body import Body

NEW, TRANSFERRED_IN = "新发", "转入"


def problem(body: Body) -> Words | None:
    """Why `previous` cannot be what this licence replaces; None where it can, or says nothing.

    A later version replaces a lower one of its own identifier. A first version can replace a
    licence of another identifier: one of the same type, and, but for 转入, of the same issuer,
    for nobody ends what others have issued.
    """
    if body.previous is None:
        return None
    previous = LicenceIdentifier.parse(body.previous)
    if previous.series == body.identifier.series:
        return None if previous.version < body.version else _NOT_LOWER
    if body.version != "001":
        return _OTHER_LICENCE
    if body.operation == NEW:
        return _NOTHING_BEFORE
    if previous.type_code != body.type_code:
        return _OTHER_TYPE
    return (
        None if body.operation == TRANSFERRED_IN or _same_issuer(previous, body) else _OTHER_ISSUER
    )


def replaced(body: Body) -> LicenceIdentifier | None:
    """The licence of another identifier that this one ends (延续 or 变更 under a new number)."""
    if body.previous is None or body.version != "001" or problem(body) is not None:
        return None
    previous = LicenceIdentifier.parse(body.previous)
    return previous if _same_issuer(previous, body) else None


def _same_issuer(previous: LicenceIdentifier, body: Body) -> bool:
    return previous.issuer in {body.issuer_code, body.identifier.issuer}


_NOT_LOWER = Words(
    "$.previous 须为同一证照的较早版本", "$.previous must be a lower version of this licence"
)
_OTHER_LICENCE = Words("$.previous 不是本证照的版本", "$.previous is no version of this licence")
_NOTHING_BEFORE = Words("新发证照不得写明 $.previous", "$.previous is not for a new licence (新发)")
_OTHER_TYPE = Words("$.previous 是另一类证照", "$.previous is a licence of another type")
_OTHER_ISSUER = Words(
    "$.previous 由另一机构颁发（转入除外）",
    "$.previous was issued by another body, and this is no transfer (转入)",
)
