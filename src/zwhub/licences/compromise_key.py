"""A key in other hands (密钥失守): trust in it ends, also for what it signed before."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.trust import trust, trust_list


async def compromise_key(
    session: AsyncSession, kid: str, since: datetime, now: datetime
) -> TrustList:
    """The next version of the trust list, on which the key is withdrawn from `since` on.

    Whoever holds the key can date a record back, so every record it signed fails from then on
    (RFC 5280 §5.3.1, keyCompromise). Raises `Refused` and writes nothing for an unknown key, for
    a day to come, and where it would give trust back that was ended earlier.
    """
    key = (await trust_list(session, TrustBook())).keys.get(kid)
    if key is None:
        words = Words("信任列表中没有此 kid", "the trust list has no such kid")
        raise Refused(Reason.INVALID_INPUT, words, ("kid",))
    if since > now:
        words = Words("起始日期不能在将来", "the date lies in the future")
        raise Refused(Reason.INVALID_INPUT, words, ("since",))
    if key.withdrawn_since is not None and key.withdrawn_since <= since:
        words = Words(
            "此密钥已在该日期或更早撤回", "the key is withdrawn since that date or earlier"
        )
        raise Refused(Reason.INVALID_INPUT, words, ("since",))
    await trust(session, [], [replace(key, withdrawn_since=since)], now)
    return await trust_list(session, TrustBook())
