"""Which licence types a key may sign, and in which days (签发授权)."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.trust import ALWAYS, Term, TrustBook, TrustedKey, TrustList
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.add_key import require_term, type_codes
from zwhub.licences.trust import listed_key, trust, trust_list


async def authorise_key(
    session: AsyncSession, kid: str, types: Collection[str], term: Term, now: datetime
) -> TrustList:
    """The next version of the trust list, with these types in this term beside what it may sign.

    A side of the term that is left open stays as it was, for a new type without end. The day of
    signing counts. Raises `Refused` and writes nothing for an unknown or a withdrawn key, an
    unknown type, a term that ends before it begins, and where it would change nothing.
    """
    key = await listed_key(session, kid)
    if key.withdrawn_since is not None:
        words = Words("对此密钥的信任已撤回", "trust in this key was withdrawn already")
        raise Refused(Reason.INVALID_INPUT, words, ("kid",))
    authorised = _with(key, await type_codes(session, types), term)
    if authorised == key:
        words = Words("授权已是如此", "that is how it is authorised already")
        raise Refused(Reason.INVALID_INPUT, words, ("types",))
    await trust(session, [], [authorised], now)
    return await trust_list(session, TrustBook())


def _with(key: TrustedKey, codes: Collection[str], term: Term) -> TrustedKey:
    terms = dict(key.terms)
    for code in codes:
        before = terms.get(code, ALWAYS)
        merged = Term(term.first or before.first, term.last or before.last)
        require_term(merged)
        terms[code] = merged
    bounded = {code: one for code, one in terms.items() if one != ALWAYS}
    return replace(key, may_sign=key.may_sign | frozenset(codes), terms=bounded)
