"""A key in other hands (密钥失守): what it signed is believed no more, but for what was held before."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.crypto.trust import TrustBook, TrustList
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.trust import listed_key, trust, trust_list


async def compromise_key(
    session: AsyncSession, kid: str, since: datetime | None, now: datetime
) -> TrustList:
    """The next version of the trust list, on which the key is withdrawn since that moment.

    None = nobody knows since when: nothing it ever signed is believed. Otherwise what the hub had
    collected before stays good, for nobody else could have signed it; everything else fails,
    whatever its `signedAt` (`TrustedKey.distrust`). Raises `Refused` and writes nothing for an
    unknown key, for a day to come, and where it would give trust back that was ended earlier.
    """
    key = await listed_key(session, kid)
    begin = since or key.certificate.not_before
    if begin > now:
        words = Words("起始日期不能在将来", "the date lies in the future")
        raise Refused(Reason.INVALID_INPUT, words, ("since",))
    if key.withdrawn_since is not None and key.withdrawn_since <= begin:
        words = Words(
            "此密钥已在该日期或更早撤回", "the key is withdrawn since that date or earlier"
        )
        raise Refused(Reason.INVALID_INPUT, words, ("since",))
    await trust(session, [], [replace(key, withdrawn_since=begin)], now)
    return await trust_list(session, TrustBook())
