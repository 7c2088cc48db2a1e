"""What must hold before the hub vouches for a licence (核验规则). Pure; no I/O."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from zwhub.kernel.clock import civil_date, lies_ahead
from zwhub.kernel.crypto import proven
from zwhub.kernel.crypto.certificates import chain_problem
from zwhub.kernel.crypto.jws import Jws
from zwhub.kernel.crypto.trust import TrustedKey, TrustList
from zwhub.kernel.identifiers.holder import matches_code, matches_name
from zwhub.kernel.identifiers.licence import LicenceIdentifier
from zwhub.kernel.words import Words
from zwhub.licences import outcomes
from zwhub.licences.body import Body
from zwhub.licences.findings import Check, Finding, finding_of
from zwhub.licences.status import Standing, standing_at


@dataclass(frozen=True, slots=True)
class HolderClaim:
    """What the presenter claims; compared, never echoed."""

    code: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One record put before the policy at one moment, with all that is needed to decide.

    `history` None = the registry holds nothing under this identifier; its first entry tells when
    the record was collected. `same_as_registered` False = the registry holds another record.
    `successor` names the version that has replaced it. `now` None = the moment asked about.
    """

    jws: Jws
    body: Body
    trust: TrustList
    history: Sequence[Standing] | None
    same_as_registered: bool
    successor: str | None
    claim: HolderClaim | None
    as_of: datetime
    now: datetime | None = None

    @property
    def key(self) -> TrustedKey | None:
        return self.trust.keys.get(self.jws.kid)

    @property
    def held_since(self) -> datetime | None:
        """When the registry took in these very bytes: by then they had been signed."""
        if not self.history or not self.same_as_registered:
            return None
        return self.history[0].recorded_at


Examine = Callable[[Question], Check]


def record(q: Question) -> Check:
    """The registry holds exactly this record, byte for byte."""
    if q.history is None:
        return outcomes.NOT_COLLECTED
    return outcomes.AS_COLLECTED if q.same_as_registered else outcomes.ANOTHER_RECORD


def signature(q: Question) -> Check:
    """The issuer's signature covers these very bytes (RFC 7515 §5.2; GB/T 32918.2 for SM2)."""
    algorithm = q.jws.algorithm
    if q.key is None:
        return outcomes.SIGNING_KEY_UNKNOWN[algorithm]
    if not proven.signed_by(q.jws, q.key.certificate.public_key):
        return outcomes.SIGNATURE_WRONG[algorithm]
    return outcomes.SIGNATURE_VALID[algorithm]


def issuer_trusted(q: Question) -> Check:
    """The key is on the trust list, was in use at signing, and stands under a trusted root.

    Whether it was really the issuer who signed does not depend on the day asked about.
    """
    if q.key is None:
        return outcomes.KEY_NOT_LISTED
    problem = q.key.distrust(q.body.signed_at, q.held_since)
    if problem is None:
        problem = chain_problem(q.key.certificate, q.trust.roots, q.body.signed_at)
    return outcomes.CHAIN_TRUSTED if problem is None else outcomes.untrusted(problem)


def signing_time(q: Question) -> Check:
    """It was not signed later than now, whatever moment is asked about."""
    ahead = lies_ahead(q.body.signed_at, q.now or q.as_of)
    return outcomes.SIGNED_IN_FUTURE if ahead else outcomes.SIGNED_BEFORE


def certificate_at_signing(q: Question) -> Check:
    """The certificate was valid when the record was signed."""
    if q.key is None:
        return outcomes.NO_CERTIFICATE
    certificate = q.key.certificate
    valid = certificate.not_before <= q.body.signed_at <= certificate.not_after
    return outcomes.CERTIFICATE_VALID if valid else outcomes.CERTIFICATE_EXPIRED


def issuer_authorised(q: Question) -> Check:
    """The key belongs to the body named as issuer, which could issue this type then."""
    if q.key is None:
        return outcomes.SIGNER_UNKNOWN
    if q.key.issuer != q.body.issuer_code or q.body.type_code not in q.key.may_sign:
        return outcomes.NOT_AUTHORISED
    authorised = q.key.may_issue(q.body.type_code, q.body.signed_at)
    return outcomes.AUTHORISED if authorised else outcomes.NOT_AUTHORISED_THEN


def identifier(q: Question) -> Check:
    """The check character of the identifier (ISO 7064 MOD 37,36)."""
    return check_character(q.body.identifier)


def check_character(one: LicenceIdentifier) -> Check:
    """As `identifier`, of an identifier without a record."""
    return outcomes.CHECK_CHARACTERS[one.check_state]


def registry_status(q: Question) -> Check:
    """What the registry says of the licence at the moment asked about."""
    if not q.history:
        return outcomes.NO_STANDING
    standing = standing_at(q.history, q.as_of)
    return outcomes.NOT_YET_ISSUED if standing is None else outcomes.STANDINGS[standing.state]


def newest_version(q: Question) -> Check:
    """No later version replaced this one (延续、变更)."""
    if q.successor is not None:
        return outcomes.SUPERSEDED
    return outcomes.VERSION_UNKNOWN if q.history is None else outcomes.NEWEST


def validity(q: Question) -> Check:
    """The civil date in Asia/Shanghai lies within the period of validity."""
    day = civil_date(q.as_of)
    if day < q.body.valid_from:
        return outcomes.NOT_YET_VALID
    expired = q.body.valid_until is not None and day > q.body.valid_until
    return outcomes.EXPIRED if expired else outcomes.IN_FORCE


def holder(q: Question) -> Check:
    """The presenter's claim fits one of the holders; nothing of the holder is told."""
    claim = q.claim
    if claim is None or (claim.code is None and claim.name is None):
        return outcomes.NO_CLAIM
    fits = any(
        (claim.code is None or matches_code(claim.code, one.code))
        and (claim.name is None or matches_name(claim.name, one.name))
        for one in q.body.holders
    )
    return outcomes.CLAIM_FITS if fits else outcomes.CLAIM_DIFFERS


GENUINE: tuple[Examine, ...] = (
    record,
    signature,
    signing_time,
    certificate_at_signing,
    issuer_trusted,
    issuer_authorised,
    identifier,
    registry_status,
    newest_version,
    validity,
    holder,
)

# What must hold of a record itself before it is collected: the same checks, without the registry.
# Signing times are looked at before, without patience for clocks.
COLLECTABLE: tuple[Examine, ...] = (
    signature,
    certificate_at_signing,
    issuer_trusted,
    issuer_authorised,
    identifier,
)

# The same, where the issuer vouches for a whole file under one signature.
VOUCHED = COLLECTABLE[1:]


def examine(question: Question, checks: Sequence[Examine] = GENUINE) -> Finding:
    """Every check in order. An empty policy would vouch for anything, so it is an error."""
    if not checks:
        raise ValueError("an empty policy proves nothing")
    return finding_of(tuple(check(question) for check in checks))


def not_found() -> Finding:
    """Nothing is registered under what was asked: an answer like any other."""
    return outcomes.NOT_FOUND


def malformed(words: Words) -> Finding:
    """What was presented is not a licence record."""
    return outcomes.malformed(words)
