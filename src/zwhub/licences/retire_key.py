"""A key that signs no more (密钥停用): what it signed until then stays good."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.kernel.clock import civil_date
from zwhub.kernel.crypto.trust import TrustBook, TrustedKey, TrustList
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.trust import listed_key, trust, trust_list


async def retire_key(session: AsyncSession, kid: str, begin: datetime, now: datetime) -> TrustList:
    """The next version of the trust list, on which the key signs nothing from `begin` on.

    `begin` may lie ahead, and be changed until it has come; then it only moves back, for trust is
    not given back. Raises `Refused` and writes nothing for an unknown or a withdrawn key, and
    where it would change nothing.
    """
    key = await listed_key(session, kid)
    words = _objection(key, begin, now)
    if words is not None:
        raise Refused(Reason.INVALID_INPUT, words, ("from",))
    await trust(session, [], [replace(key, retired_from=begin)], now)
    return await trust_list(session, TrustBook())


def _objection(key: TrustedKey, begin: datetime, now: datetime) -> Words | None:
    if key.withdrawn_since is not None:
        return Words("对此密钥的信任已撤回", "trust in this key was withdrawn already")
    if begin > key.certificate.not_after:
        return Words("其证书更早到期", "its certificate ends before that day")
    if key.retired_from is None:
        return None
    since = civil_date(key.retired_from)
    if begin == key.retired_from:
        return Words(f"此密钥已定于 {since} 停用", f"the key is retired from {since} already")
    if key.retired_from <= now and begin > key.retired_from:
        return Words(
            f"此密钥已于 {since} 停用：停用日期到来之后只能提前，不能推后",
            f"the key is retired since {since}: "
            "once that date has come it can be moved back only, not ahead",
        )
    return None
