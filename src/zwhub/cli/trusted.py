"""Whom a command believes (命令行信任来源): a folder of certificates, or the hub's trust list."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from zwhub.cli.said import settings_for
from zwhub.cli.speak import refuse
from zwhub.cli.standing import opened, standing_database
from zwhub.kernel.crypto.certificates import Certificate, MalformedCertificate
from zwhub.kernel.crypto.trust import TrustBook, TrustedKey, TrustList
from zwhub.kernel.words import Words
from zwhub.licences.files.verdict import Anchors
from zwhub.licences.trust import trust_list

_ENDINGS = frozenset({".pem", ".crt", ".cer", ".der"})
_LARGEST = 65_536


def anchors(folder: Path | None, data_dir: Path | None) -> Anchors:
    """From the folder if one is named, else from the data folder if there is one, else nobody."""
    now = datetime.now(UTC)
    if folder is not None:
        return Anchors(_of_folder(folder), now, knows_rights=False)
    settings = settings_for(data_dir)
    if settings.database_url is None and not settings.data_dir.is_dir():
        return Anchors(TrustList("none", {}, ()), now)
    with standing_database(settings) as url:
        return Anchors(asyncio.run(_of_hub(url)), now)


async def _of_hub(url: str) -> TrustList:
    async with opened(url) as db, db.read() as session:
        return await trust_list(session, TrustBook())


def _of_folder(folder: Path) -> TrustList:
    """Authorities are roots; any other certificate is the key that records call by its file name.

    `kid.pem` or `kid.cert.pem`, as in the folder `keys/examples`.
    """
    try:
        paths = sorted(one for one in folder.iterdir() if one.suffix.lower() in _ENDINGS)
        found = {path: _certificate(path) for path in paths}
    except OSError:
        refuse(Words(f"无法读取 {folder}。", f"{folder} cannot be read."))
    if not found:
        refuse(Words(f"{folder} 中没有证书。", f"There is no certificate in {folder}."))
    return TrustList(folder.name, _keys(found), _roots(list(found.values())))


def _keys(found: Mapping[Path, Certificate]) -> Mapping[str, TrustedKey]:
    issuers = {
        path.stem.removesuffix(".cert"): one for path, one in found.items() if not one.is_authority
    }
    return {
        kid: TrustedKey(kid, one.organisation_code or "", one, frozenset())
        for kid, one in issuers.items()
    }


def _roots(found: Sequence[Certificate]) -> tuple[Certificate, ...]:
    return tuple(one for one in found if one.is_authority)


def _certificate(path: Path) -> Certificate:
    with path.open("rb") as file:
        octets = file.read(_LARGEST)
    try:
        return (
            Certificate.from_pem(octets)
            if b"-----BEGIN" in octets
            else Certificate.from_der(octets)
        )
    except MalformedCertificate as malformed:
        words = malformed.words
        refuse(Words(f"{path}：{words.zh}", f"{path}: {words.en}"))
