"""The trust list (信任列表): whose keys the hub believes, for which licence types, since when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from zwhub.kernel.clock import civil_date
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.words import Words


@dataclass(frozen=True, slots=True)
class Term:
    """Days in China from the first to the last, both included; None leaves that side open."""

    first: date | None = None
    last: date | None = None

    def covers(self, day: date) -> bool:
        begun = self.first is None or self.first <= day
        return begun and (self.last is None or day <= self.last)


ALWAYS = Term()


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One issuer's key. `may_sign` holds licence type codes, `terms` the days of those with any.

    `retired_from` (停用): it signs no more; what it signed before stays good. `withdrawn_since`
    (密钥失守): it may be in other hands, so its word on when it signed counts no more.
    """

    kid: str
    issuer: str
    certificate: Certificate
    may_sign: frozenset[str]
    withdrawn_since: datetime | None = None
    retired_from: datetime | None = None
    terms: Mapping[str, Term] = field(default_factory=dict, hash=False)

    def may_issue(self, type_code: str, signed_at: datetime) -> bool:
        """Whether its owner had the right to issue this type on the day it signed (签发权限)."""
        if type_code not in self.may_sign:
            return False
        term = self.terms.get(type_code)
        return term is None or term.covers(civil_date(signed_at))

    def signs_freely(self, type_code: str) -> bool:
        """Whether nothing but its certificate limits when it may sign this type."""
        ended = self.withdrawn_since is not None or self.retired_from is not None
        return type_code in self.may_sign and type_code not in self.terms and not ended

    def types_at(self, signed_at: datetime) -> frozenset[str]:
        """All that its owner had the right to issue then."""
        return frozenset(one for one in self.may_sign if self.may_issue(one, signed_at))

    def distrust(self, signed_at: datetime, proved_at: datetime | None = None) -> Words | None:
        """Why a signature that says it was made at `signed_at` is not believed; None if it is.

        `proved_at`: when somebody else than the signer is known to have held it. Whoever has a
        key can date a signature back, so this alone counts once the key is withdrawn
        (RFC 5280 §5.3.2, invalidityDate; ETSI EN 319 102-1, proof of existence).
        """
        end = self.withdrawn_since
        if end is not None and (proved_at is None or proved_at >= end):
            return _WITHDRAWN
        if self.retired_from is not None and signed_at >= self.retired_from:
            return _RETIRED
        return None


_WITHDRAWN = Words("对该签名密钥的信任已撤回", "trust in the signing key was withdrawn")
_RETIRED = Words("签章时该密钥已停用", "the key was retired before it signed this")


@dataclass(frozen=True, slots=True)
class TrustList:
    """One version of the list: keys by `kid`, and the roots they must stand under.

    `made_at` is by the clock of whoever made it; None for a list that is nobody's register.
    """

    version: str
    keys: Mapping[str, TrustedKey]
    roots: tuple[Certificate, ...]
    made_at: datetime | None = None


@dataclass
class TrustBook:
    """The newest list this process has read; a newer version in the database replaces it."""

    current: TrustList | None = None
