"""Put a root or an issuer's key on the trust list (列入信任列表): each check its own refusal."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.directory import store as directory
from zwhub.kernel.crypto.certificates import Certificate, chain_problem
from zwhub.kernel.crypto.jws import MAX_NAME
from zwhub.kernel.crypto.trust import ALWAYS, Term, TrustBook, TrustedKey, TrustList
from zwhub.kernel.identifiers import uscc
from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words
from zwhub.licences.trust import one_change_at_a_time, trust, trust_list


@dataclass(frozen=True, slots=True)
class Application:
    """What an issuer asks for: `types` are licence types by key or by code.

    `term`: the days in which it has the right to issue them; the day of signing counts.
    """

    kid: str
    issuer: str
    certificate: Certificate
    types: Collection[str]
    term: Term = ALWAYS


async def add_key(session: AsyncSession, application: Application, now: datetime) -> TrustList:
    """The next version of the trust list, with the key on it. Raises `Refused` and writes nothing.

    A `kid` names one key for ever: records signed with it must stay checkable.
    """
    await one_change_at_a_time(session)
    current = await trust_list(session, TrustBook())
    _require_name(application.kid, current)
    _require_issuer(application)
    may_sign = await type_codes(session, application.types)
    require_term(application.term)
    problem = chain_problem(application.certificate, current.roots, now)
    if problem is not None:
        raise Refused(Reason.INVALID_INPUT, problem, ("certificate",))
    key = TrustedKey(application.kid, application.issuer, application.certificate, may_sign)
    if application.term != ALWAYS:
        key = replace(key, terms=dict.fromkeys(may_sign, application.term))
    await trust(session, [], [key], now)
    return await trust_list(session, TrustBook())


async def add_root(session: AsyncSession, root: Certificate, now: datetime) -> TrustList:
    """The next version, with an authority under which issuers' keys may stand. Raises `Refused`.

    An issuing authority below another one can be a root here, too: chains are one step long.
    """
    await one_change_at_a_time(session)
    current = await trust_list(session, TrustBook())
    if not (root.is_authority and root.may_certify):
        words = Words("此证书不是证书认证机构的证书", "the certificate is no authority's")
    elif not root.valid_at(now):
        words = Words("此证书不在有效期内", "the certificate is not valid now")
    elif root in current.roots:
        words = Words("此根证书已受信任", "the root is trusted already")
    else:
        await trust(session, [root], [], now)
        return await trust_list(session, TrustBook())
    raise Refused(Reason.INVALID_INPUT, words, ("certificate",))


def _require_name(kid: str, current: TrustList) -> None:
    if not (1 <= len(kid) <= MAX_NAME and kid.isprintable() and kid == kid.strip()):
        words = Words(
            f"kid 须为 1 至 {MAX_NAME} 个可见字符", f"a kid has 1 to {MAX_NAME} visible characters"
        )
        raise Refused(Reason.INVALID_INPUT, words, ("kid",))
    if kid in current.keys:
        words = Words(
            "信任列表中已有此 kid；新密钥须用新的 kid",
            "the trust list has this kid already; a new key needs a new kid",
        )
        raise Refused(Reason.INVALID_INPUT, words, ("kid",))


def _require_issuer(application: Application) -> None:
    """GB 32100; and a certificate that names a body must name this one."""
    if uscc.check(application.issuer) is not uscc.State.OK:
        words = Words(
            "颁发机构代码不是有效的统一社会信用代码",
            "the issuer is not a valid unified social credit code",
        )
        raise Refused(Reason.INVALID_INPUT, words, ("issuer",))
    if application.certificate.organisation_code not in {None, application.issuer}:
        words = Words("证书属于另一机构", "the certificate belongs to another body")
        raise Refused(Reason.INVALID_INPUT, words, ("certificate",))


async def type_codes(session: AsyncSession, types: Collection[str]) -> frozenset[str]:
    """The codes of licence types named by key or by code. Raises `Refused`."""
    rows = await directory.licence_types(session)
    known = {row.key: row.code for row in rows} | {row.code: row.code for row in rows}
    unknown = sorted(set(types) - set(known))
    if not types:
        words = Words("须至少列出一个证照类型", "name at least one licence type")
        raise Refused(Reason.INVALID_INPUT, words, ("types",))
    if unknown:
        listed = " ".join(unknown)
        words = Words(f"没有此证照类型：{listed}", f"no such licence type: {listed}")
        raise Refused(Reason.INVALID_INPUT, words, ("types",))
    return frozenset(known[one] for one in types)


def require_term(term: Term) -> None:
    """Raises `Refused` for a term that ends before it begins."""
    if term.first is not None and term.last is not None and term.last < term.first:
        words = Words("授权止日早于起日", "the right would end before it begins")
        raise Refused(Reason.INVALID_INPUT, words, ("until",))
