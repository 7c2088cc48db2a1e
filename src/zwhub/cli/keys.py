"""`zwhub keys` (签名密钥): whose signatures the hub believes, for which licence types."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from zwhub.cli.said import DataDir, settings_for
from zwhub.cli.sandbox import certify_key, sample_tables
from zwhub.cli.speak import out, refuse, say
from zwhub.cli.standing import opened, standing_database
from zwhub.directory import store as directory
from zwhub.kernel.clock import BEIJING, civil_date
from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate
from zwhub.kernel.crypto.keys import MalformedKey, PublicKey
from zwhub.kernel.crypto.trust import TrustBook, TrustedKey, TrustList
from zwhub.kernel.identifiers import uscc
from zwhub.kernel.refusal import Refused
from zwhub.kernel.words import Words
from zwhub.licences.add_key import Application, add_key, add_root
from zwhub.licences.compromise_key import compromise_key
from zwhub.licences.trust import trust_list

keys = typer.Typer(help="Issuers' keys on the trust list (信任列表).", no_args_is_help=True)
_LARGEST_FILE = 65_536

Issuer = Annotated[
    str, typer.Option(help="The issuing body's social credit code (颁发机构统一社会信用代码).")
]


@keys.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the trusted keys (列出受信密钥): kid, issuer, algorithm, certificate's last day, state.

    Under each, the licence types it may sign.
    """
    with standing_database(settings_for(data_dir)) as url:
        listed, names = asyncio.run(_listed(url))
    now = datetime.now(UTC)
    for key in sorted(listed.keys.values(), key=lambda one: one.kid):
        out.print(_line(key, now), markup=False)
        types = " ".join(sorted(names.get(code, code) for code in key.may_sign))
        out.print(f"    {types}", markup=False)
    out.print(f"version {listed.version}")


@keys.command()
def add(
    certificate: Annotated[Path, typer.Argument(help="The issuer's certificate, PEM (证书文件).")],
    kid: Annotated[str, typer.Option(help="The name its records carry as `kid`.")],
    issuer: Issuer,
    types: Annotated[
        str, typer.Option(help="Licence types it may sign (证照类型), keys or codes, with commas.")
    ],
    data_dir: DataDir = None,
) -> None:
    """Put an issuer's key on the trust list (列入信任列表).

    A running hub believes it from its next request on. The certificate must stand under a root
    that is trusted already.
    """
    read = _certificate(certificate)
    wanted = frozenset(one.strip() for one in types.split(",") if one.strip())
    with standing_database(settings_for(data_dir)) as url:
        listed = asyncio.run(_add(url, Application(kid, issuer, read, wanted)))
    _told(kid, listed.version)


@keys.command()
def compromise(
    kid: Annotated[str, typer.Argument(help="The key's name on the trust list.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Its first day in other hands (北京时间). Default: now."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """End the trust in a key that fell into other hands (密钥失守).

    All it ever signed is ISSUER_NOT_TRUSTED from then on, in a running hub from its next request.
    """
    begin = None if since is None else since.replace(tzinfo=BEIJING)
    with standing_database(settings_for(data_dir)) as url:
        listed = asyncio.run(_compromise(url, kid, begin))
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
    with standing_database(settings_for(data_dir)) as url:
        listed = asyncio.run(_add(url, root))
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
    if key.withdrawn_since is not None and key.withdrawn_since <= now:
        return f"withdrawn since {civil_date(key.withdrawn_since)}"
    return "trusted" if key.certificate.valid_at(now) else "expired"


async def _listed(url: str) -> tuple[TrustList, dict[str, str]]:
    async with opened(url) as db, db.read() as session:
        names = {row.code: row.key for row in await directory.licence_types(session)}
        return await trust_list(session, TrustBook()), names


async def _compromise(url: str, kid: str, since: datetime | None) -> TrustList:
    now = datetime.now(UTC)
    try:
        async with opened(url) as db, db.write() as session:
            return await compromise_key(session, kid, since or now, now)
    except Refused as refused:
        refuse(refused.words)


async def _add(url: str, what: Application | Certificate) -> TrustList:
    now = datetime.now(UTC)
    try:
        async with opened(url) as db, db.write() as session:
            if isinstance(what, Certificate):
                return await add_root(session, what, now)
            return await add_key(session, what, now)
    except Refused as refused:
        refuse(refused.words)
