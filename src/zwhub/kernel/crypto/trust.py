"""The trust list (信任列表): whose keys the hub believes, for which licence types, since when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zwhub.kernel.crypto.certificates import Certificate


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One issuer's key. `may_sign` holds licence type codes; `withdrawn_since` ends the trust."""

    kid: str
    issuer: str
    certificate: Certificate
    may_sign: frozenset[str]
    withdrawn_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TrustList:
    """One version of the list: keys by `kid`, and the roots they must stand under."""

    version: str
    keys: Mapping[str, TrustedKey]
    roots: tuple[Certificate, ...]


@dataclass
class TrustBook:
    """The newest list this process has read; a newer version in the database replaces it."""

    current: TrustList | None = None
