"""`zwhub keys` (签名密钥): whose signatures the hub believes, for which licence types."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.sandbox import certify_key, sample_tables
from zwhub.cli.speak import out, refuse, say
from zwhub.cli.standing import opened, standing_database
from zwhub.directory import store as directory
from zwhub.kernel.clock import BEIJING, civil_date
from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate
from zwhub.kernel.crypto.keys import MalformedKey, PublicKey
from zwhub.kernel.crypto.trust import Term, TrustBook, TrustedKey, TrustList
from zwhub.kernel.identifiers import uscc
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.licences.add_key import Application, add_key, add_root
from zwhub.licences.authorise_key import authorise_key
from zwhub.licences.compromise_key import compromise_key
from zwhub.licences.retire_key import retire_key
from zwhub.licences.trust import trust_list

keys = typer.Typer(help="Issuers' keys on the trust list (信任列表).", no_args_is_help=True)
_LARGEST_FILE = 65_536
_DAY = ["%Y-%m-%d"]

Issuer = Annotated[
    str, typer.Option(help="The issuing body's social credit code (颁发机构统一社会信用代码).")
]
Kid = Annotated[str, typer.Argument(help="The key's name on the trust list.")]
Types = Annotated[
    str, typer.Option(help="Licence types it may sign (证照类型), keys or codes, with commas.")
]
First = Annotated[
    datetime | None,
    typer.Option("--from", formats=_DAY, help="First day of the right to issue them (北京时间)."),
]
Last = Annotated[
    datetime | None,
    typer.Option("--until", formats=_DAY, help="Last day of that right, included (北京时间)."),
]


@keys.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the trusted keys (列出受信密钥): kid, issuer, algorithm, certificate's last day, state.

    Under each, the licence types it may sign, with the days of that right where it has any.
    """
    with standing_database(settings_for(data_dir)) as url:
        listed, names = asyncio.run(_listed(url))
    now = datetime.now(UTC)
    for key in sorted(listed.keys.values(), key=lambda one: one.kid):
        out.print(_line(key, now), markup=False)
        types = sorted(names.get(c, c) + _days(key.terms.get(c)) for c in key.may_sign)
        out.print(f"    {' '.join(types)}", markup=False)
    out.print(f"version {listed.version}")


@keys.command()
def add(
    certificate: Annotated[Path, typer.Argument(help="The issuer's certificate, PEM (证书文件).")],
    kid: Annotated[str, typer.Option(help="The name its records carry as `kid`.")],
    issuer: Issuer,
    types: Types,
    first: First = None,
    last: Last = None,
    data_dir: DataDir = None,
) -> None:
    """Put an issuer's key on the trust list (列入信任列表).

    A running hub believes it from its next request on. The certificate must stand under a root
    that is trusted already. With --from and --until the issuer is authorised only for what it
    signed in those days; without them, as long as the certificate lasts.
    """
    entry = Application(
        kid, issuer, _certificate(certificate), _listed_in(types), _term(first, last)
    )
    listed = _changed(data_dir, lambda session, now: add_key(session, entry, now))
    _told(kid, listed.version)


@keys.command()
def authorise(
    kid: Kid,
    types: Types,
    first: First = None,
    last: Last = None,
    data_dir: DataDir = None,
) -> None:
    """Say which licence types a key may sign, and in which days (签发授权).

    Adds types to those it has, and begins or ends the right to sign one: the day of signing
    (签章时间) counts, so what was signed in time stays good. What is not said stays as it was.
    """
    wanted, term = _listed_in(types), _term(first, last)
    listed = _changed(data_dir, lambda session, now: authorise_key(session, kid, wanted, term, now))
    say(
        Words(
            f"已更新 {kid} 的签发授权；列表版本 {listed.version}。",
            f"{kid} is authorised as said; list version {listed.version}.",
        )
    )


@keys.command()
def retire(
    kid: Kid,
    begin: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_DAY,
            help="The first day on which it signs no more (北京时间), ahead or past. Default: now. "
            "Once it has come, it can be moved back only.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """End the use of a key that nobody else has (密钥停用), as when an issuer turns keys over.

    What it signed before stays good; what says it was signed from that day on (signedAt) is
    ISSUER_NOT_TRUSTED. If the key may be in other hands, `compromise` it instead: then its own
    word on when it signed is worth nothing.
    """
    listed = _changed(
        data_dir, lambda session, now: retire_key(session, kid, _midnight(begin) or now, now)
    )
    say(
        Words(
            f"{kid} 已停用；此前所签仍有效。列表版本 {listed.version}。",
            f"{kid} is retired; what it signed before stays good. List version {listed.version}.",
        )
    )


@keys.command()
def compromise(
    kid: Kid,
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=_DAY,
            help="The first day on which it may have been in other hands (北京时间). "
            "Default: not known, so nothing it ever signed is believed.",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """End the trust in a key that fell into other hands (密钥失守).

    Whoever holds it can date a record back, so all it signed is ISSUER_NOT_TRUSTED, but for what
    this hub had collected before that day: only that is proved to be the issuer's. A running hub
    follows from its next request on. For a key that nobody else has, `retire` is enough.
    """
    listed = _changed(
        data_dir, lambda session, now: compromise_key(session, kid, _midnight(since), now)
    )
    say(
        Words(
            f"不再信任 {kid}；列表版本 {listed.version}。",
            f"{kid} is no longer trusted; list version {listed.version}.",
        )
    )


@keys.command("add-root")
def add_root_certificate(
    certificate: Annotated[Path, typer.Argument(help="An authority's certificate, PEM (根证书).")],
    data_dir: DataDir = None,
) -> None:
    """Trust an authority (信任根证书): issuers' certificates must stand directly under it.

    It can vouch for any body, so compare its fingerprint with the authority's own publication.
    """
    root = _certificate(certificate)
    listed = _changed(data_dir, lambda session, now: add_root(session, root, now))
    _told(f"{root.subject} (SHA-256 {root.fingerprint})", listed.version)


@keys.command()
def certify(
    public_key: Annotated[Path, typer.Argument(help="A public key, PEM (公钥文件); SM2 too.")],
    issuer: Issuer,
    name: Annotated[str | None, typer.Option(help="The body's name in the certificate.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Have the sandbox's root certify a public key (沙箱签发证书); PEM on standard output.

    For trying things out: only the hub of the same data folder believes that root. From a request
    (CSR), take the key with `openssl req -in request.csr -noout -pubkey`.
    """
    if uscc.check(issuer) is not uscc.State.OK:
        refuse(Words("颁发机构代码无效。", "The issuer is not a valid social credit code."))
    try:
        key = PublicKey.from_pem(_bytes(public_key))
    except MalformedKey as malformed:
        refuse(malformed.words)
    begin = datetime.now(UTC) - timedelta(days=1)
    made = certify_key(settings_for(data_dir).data_dir, key, issuer, name or _name(issuer), begin)
    if made is None:
        refuse(
            Words(
                "此数据目录没有沙箱根密钥；请先运行 zwhub demo。",
                "This data folder has no sandbox root; run `zwhub demo` first.",
            )
        )
    sys.stdout.write(made.pem())


def _certificate(path: Path) -> Certificate:
    try:
        return Certificate.from_pem(_bytes(path))
    except MalformedCertificate as malformed:
        refuse(malformed.words)


def _told(what: str, version: str) -> None:
    say(
        Words(f"已信任 {what}；列表版本 {version}。", f"{what} is trusted; list version {version}.")
    )


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError:
        refuse(Words(f"无法读取 {path}。", f"{path} cannot be read."))


def _name(issuer: str) -> str:
    """A body of the sample by its name, any other by its code."""
    names = {row["code"]: row["name"] for row in sample_tables()["organisations"]}
    return names.get(issuer, issuer)


def _line(key: TrustedKey, now: datetime) -> str:
    algorithm = key.certificate.public_key.algorithm
    until = civil_date(key.certificate.not_after)
    return f"{key.kid:<24} {key.issuer} {algorithm:<6} {until} {_state(key, now)}"


def _state(key: TrustedKey, now: datetime) -> str:
    if key.withdrawn_since is not None:
        return f"withdrawn since {civil_date(key.withdrawn_since)}"
    state = "trusted" if key.certificate.valid_at(now) else "expired"
    if key.retired_from is None:
        return state
    day = civil_date(key.retired_from)
    return f"retired from {day}" if key.retired_from <= now else f"{state}, retires {day}"


def _days(term: Term | None) -> str:
    """ " (2022-01-01..)", or nothing for a right without end."""
    return "" if term is None else f" ({term.first or ''}..{term.last or ''})"


def _term(first: datetime | None, last: datetime | None) -> Term:
    return Term(first.date() if first else None, last.date() if last else None)


def _midnight(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=BEIJING)


def _listed_in(types: str) -> frozenset[str]:
    return frozenset(one.strip() for one in types.split(",") if one.strip())


async def _listed(url: str) -> tuple[TrustList, dict[str, str]]:
    async with opened(url) as db, db.read() as session:
        names = {row.code: row.key for row in await directory.licence_types(session)}
        return await trust_list(session, TrustBook()), names


Change = Callable[[AsyncSession, datetime], Awaitable[TrustList]]


def _changed(data_dir: Path | None, change: Change) -> TrustList:
    """The list after a change, in a transaction of its own."""
    with standing_database(settings_for(data_dir)) as url:
        return asyncio.run(_change(url, change))


async def _change(url: str, change: Change) -> TrustList:
    try:
        async with opened(url) as db, db.write() as session:
            return await change(session, datetime.now(UTC))
    except Refused as refused:
        refuse(refused.words)
