"""The sandbox's files (沙箱文件): the sample's tables, and the keys it made."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.issuance import issue
from zwhub.kernel.crypto.keys import Algorithm, PrivateKey, PublicKey
from zwhub.platform.bundle import bundled
from zwhub.platform.private_files import private_folder, read_private, write_private
from zwhub.profile.folder import Row, read_rows, sample_folder
from zwhub.profile.holders import Tables
from zwhub.profile.sample_city import SamplePki


def sample_tables() -> Tables:
    """Every table of the sample, and the trust list's `issuers.csv`, by name."""
    tables: dict[str, Sequence[Row]] = {
        path.stem: read_rows(path) for path in sorted(sample_folder().glob("*.csv"))
    }
    tables["issuers"] = read_rows(bundled("keys") / "issuers.csv")
    return tables


def save_keys(data_dir: Path, pki: SamplePki) -> None:
    """The sandbox's private keys and certificates, 0600, so that more can be issued with them."""
    folder = data_dir / "sandbox"
    private_folder(folder)
    for algorithm, made in pki.roots.items():
        _save(folder, f"root-{algorithm}", *made)
    for kid, made in pki.issuers.items():
        _save(folder, kid, *made)


def load_keys(data_dir: Path, kids: Iterable[str]) -> dict[str, PrivateKey]:
    """The sandbox's private keys of that name. Raises FileNotFoundError where one is missing."""
    folder = data_dir / "sandbox"
    return {kid: PrivateKey.from_pem(read_private(folder / f"{kid}.key.pem")) for kid in kids}


def certify_key(
    data_dir: Path, key: PublicKey, organisation: str, name: str, begin: datetime
) -> Certificate | None:
    """A certificate of ten years under the sandbox's root; None where there is no sandbox."""
    national = key.algorithm is Algorithm.SM2
    stem = data_dir / "sandbox" / f"root-{Algorithm.SM2 if national else Algorithm.ES256}"
    try:
        root = Certificate.from_pem(read_private(stem.with_suffix(".cert.pem")))
        root_key = PrivateKey.from_pem(read_private(stem.with_suffix(".key.pem")))
    except FileNotFoundError:
        return None
    end = min(begin + timedelta(days=3_652), root.not_after)
    return issue(name, organisation, key, root_key, not_before=begin, not_after=end, issuer=root)


def _save(folder: Path, name: str, certificate: Certificate, key: PrivateKey) -> None:
    write_private(folder / f"{name}.key.pem", key.pem().encode())
    write_private(folder / f"{name}.cert.pem", certificate.pem().encode())
