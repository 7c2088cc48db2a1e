"""What is rare in a repository (少见情形): other kinds of holders, other states, transfers. Pure.

The sandbox's own city does without; generated licences have a few of each, so that whoever loads
them meets all that the licence format knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from random import Random

from zwhub.kernel.identifiers import uscc
from zwhub.kernel.identifiers.licence import build
from zwhub.profile.holders import Holder, Row, Tables
from zwhub.profile.issuing import Draft, Flaw

_OF_PEOPLE, _OF_BODIES = 0.04, 0.06  # the shares, of holders whose licence knows such codes
_STATES, _TRANSFERS = 0.009, 0.006  # of valid licences
_ROLLS = 1_000_000

# 持证主体代码类型 and how such a number may look; the digits are drawn, and nobody has them.
_PAPERS: Mapping[str, str] = {
    "114": "军字第{}号",
    "115": "武字第{}号",
    "118": "士字第{}号",
    "411": "DX{}",
    "412": "SX{}",
    "414": "XX{}",
    "511": "{}",
    "516": "X{}",
    "999": "示例证件{}",
}
_PASSPORTS = frozenset({"411", "412", "414"})
_ABROAD = (
    *("ANNA MUSTER", "JOHN SAMPLE", "MARIA EJEMPLO", "PAUL EXEMPLE", "OLGA PRIMEROVA"),
    *("KENJI REIDAI", "MINA YEJE", "LARS EKSEMPEL", "NGOC VIDU", "SITI CONTOH"),
)
_BODY_PAPER = "示法证字第{}号"  # 099 其他法人证件
# Those whose own content is a citizen's number, or that only somebody with one is given.
_CITIZENS_ALONE = frozenset(
    {
        *("identity-card", "household-register", "birth-certificate", "disability-certificate"),
        *("marriage-certificate", "divorce-certificate", "minimum-living-allowance"),
    }
)
_CHANGES = (
    ("05", "逾期未延续,已失效"),
    ("06", "迁往外地,已办理转出"),
    ("99", "历史数据,状态待核实"),
)
_ELSEWHERE = "119902000098{:05}"  # bodies of another city, which does not exist either


@dataclass(frozen=True, slots=True)
class Rarities:
    """What becomes of the few, drawn from `rng`; a holder's papers follow from the holder alone."""

    types: Mapping[str, Row]
    spared: frozenset[str]
    today: date
    rng: Random

    @classmethod
    def of(cls, tables: Tables, spared: list[str], today: date, rng: Random) -> "Rarities":
        rows = {row["key"]: row for row in tables["licence_types"]}
        return cls(rows, frozenset(spared), today, rng)

    def holder(self, holder: Holder, key: str) -> Holder:
        """The holder, or for a few the same one under another paper than the usual."""
        kind = self.types[key]["holder_kind"]
        roll = int.from_bytes(sha256(holder.code.encode()).digest()[:8], "big")
        digits, rare = f"{roll // _ROLLS % 10**8:08}", roll % _ROLLS / _ROLLS
        if holder.code_type == "001":
            given = kind == "either" and rare < _OF_BODIES
            code = _BODY_PAPER.format(digits)
            return replace(holder, code=code, code_type="099") if given else holder
        couple = holder.partner is not None and self.types[key]["multi_holder"] == "yes"
        if rare >= _OF_PEOPLE or kind == "enterprise" or couple or key in _CITIZENS_ALONE:
            return holder
        code_type = sorted(_PAPERS)[roll % len(_PAPERS)]
        name = _ABROAD[roll % len(_ABROAD)] if code_type in _PASSPORTS else holder.name
        code = _PAPERS[code_type].format(digits)
        return replace(holder, name=name, code=code, code_type=code_type)

    def changed(self, draft: Draft, key: str) -> Draft:
        """The draft, or for a few valid ones another state, or a licence that came from elsewhere."""
        plain = draft.status == "01" and draft.flaw is Flaw.NONE and key not in self.spared
        rare = self.rng.random()
        if not plain or rare >= _STATES + _TRANSFERS:
            return draft
        if rare < _STATES:
            return self._in_state(draft, *self.rng.choice(_CHANGES))
        return self._transferred(draft)

    def _in_state(self, draft: Draft, status: str, reason: str) -> Draft:
        room = (self.today - timedelta(days=1) - draft.status_since).days
        since = draft.status_since + timedelta(days=self.rng.randrange(max(room, 0) + 1))
        return replace(draft, status=status, status_since=since, status_reason=reason)

    def _transferred(self, draft: Draft) -> Draft:
        """转入: what it replaces was issued by another city's body, and is of the same type."""
        body = draft.payload
        if body["operation"] != "新发":
            return draft
        head = _ELSEWHERE.format(self.rng.randrange(100_000))
        issuer = head + uscc.check_character(head)
        serial = f"Z{self.rng.randrange(10**10):010}"
        previous = build(body["typeCode"], issuer, serial, 1)
        return replace(draft, payload={**body, "operation": "转入", "previous": previous})
