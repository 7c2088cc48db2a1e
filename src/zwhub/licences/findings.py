"""What a verification can say (核验结论): verdicts, reasons, check outcomes."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

import orjson

from zwhub.kernel.words import Words


class Verdict(StrEnum):
    """The answer. GENUINE is never a default; INDETERMINATE is an honest one."""

    GENUINE = "GENUINE"
    NOT_GENUINE = "NOT_GENUINE"
    INDETERMINATE = "INDETERMINATE"


class VerificationReason(StrEnum):
    """Why: the first thing that failed, else the first that could not be checked, else OK."""

    OK = "OK"
    NOT_FOUND = "NOT_FOUND"
    MALFORMED = "MALFORMED"
    NOT_REGISTERED = "NOT_REGISTERED"
    RECORD_DIFFERS = "RECORD_DIFFERS"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIGNED_IN_FUTURE = "SIGNED_IN_FUTURE"
    CERTIFICATE_EXPIRED_AT_SIGNING = "CERTIFICATE_EXPIRED_AT_SIGNING"
    ISSUER_NOT_TRUSTED = "ISSUER_NOT_TRUSTED"
    ISSUER_NOT_AUTHORISED = "ISSUER_NOT_AUTHORISED"
    CHECK_CHARACTER_WRONG = "CHECK_CHARACTER_WRONG"
    NOT_YET_ISSUED = "NOT_YET_ISSUED"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    LAPSED = "LAPSED"
    TRANSFERRED_OUT = "TRANSFERRED_OUT"
    STATUS_UNKNOWN = "STATUS_UNKNOWN"
    STATUS_UNAVAILABLE = "STATUS_UNAVAILABLE"
    SUPERSEDED = "SUPERSEDED"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    HOLDER_MISMATCH = "HOLDER_MISMATCH"


class CheckName(StrEnum):
    """The checks, in the order in which they are made."""

    RECORD = "RECORD"
    SIGNATURE = "SIGNATURE"
    SIGNING_TIME = "SIGNING_TIME"
    CERTIFICATE_AT_SIGNING = "CERTIFICATE_AT_SIGNING"
    ISSUER_TRUSTED = "ISSUER_TRUSTED"
    ISSUER_AUTHORISED = "ISSUER_AUTHORISED"
    IDENTIFIER = "IDENTIFIER"
    REGISTRY_STATUS = "REGISTRY_STATUS"
    NEWEST_VERSION = "NEWEST_VERSION"
    VALIDITY = "VALIDITY"
    HOLDER = "HOLDER"


class Outcome(StrEnum):
    """How one check ended."""

    PASS = "PASS"  # noqa: S105 - not a password
    FAIL = "FAIL"
    NOT_CHECKED = "NOT_CHECKED"


@dataclass(frozen=True, eq=False)
class Check:
    """One check: what was looked at, how it ended, in words, and by which rule.

    `reason` stands for a FAIL, and for a NOT_CHECKED without which nothing can be vouched for.
    """

    name: CheckName
    outcome: Outcome
    detail: Words
    clause: str
    reason: VerificationReason | None = None


@dataclass(frozen=True, eq=False)
class Finding:
    """Every check in order, and what follows from them."""

    checks: tuple[Check, ...]

    @cached_property
    def verdict(self) -> Verdict:
        match self._deciding:
            case None:
                return Verdict.GENUINE
            case Check(outcome=Outcome.FAIL):
                return Verdict.NOT_GENUINE
            case _:
                return Verdict.INDETERMINATE

    @cached_property
    def reason(self) -> VerificationReason:
        deciding = self._deciding
        if deciding is None or deciding.reason is None:
            return VerificationReason.OK
        return deciding.reason

    @cached_property
    def _deciding(self) -> Check | None:
        telling = [check for check in self.checks if check.reason is not None]
        failed = (check for check in telling if check.outcome is Outcome.FAIL)
        open_ = (check for check in telling if check.outcome is Outcome.NOT_CHECKED)
        return next(failed, next(open_, None))

    @cached_property
    def kept(self) -> "KeptChecks":
        """The checks as traces keep them; not to be changed."""
        return KeptChecks(
            {
                "name": check.name,
                "outcome": check.outcome,
                "zh": check.detail.zh,
                "en": check.detail.en,
                "clause": check.clause,
            }
            for check in self.checks
        )


class KeptChecks(list[dict[str, str]]):
    """Checks as traces keep them, written down once for all the traces that have the same."""

    @cached_property
    def written(self) -> str:
        """As canonical JSON."""
        return orjson.dumps(self, option=orjson.OPT_SORT_KEYS).decode()


# Of millions of verifications most end alike: what follows from the same checks is told once.
finding_of = lru_cache(maxsize=1_024)(Finding)
