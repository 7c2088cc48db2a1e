"""The sandbox's files (沙箱文件): the sample's tables, its personas, and the keys it made."""

from collections.abc import Sequence
from pathlib import Path

from zwhub.gateway.sandbox import DemoPersona
from zwhub.kernel.actor import Persona, Scope
from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.keys import PrivateKey
from zwhub.platform.bundle import bundled
from zwhub.platform.private_files import private_folder, write_private
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


def demo_personas() -> list[DemoPersona]:
    """The sandbox's callers, as `personas.csv` describes them."""
    return [
        DemoPersona(
            key=row["key"],
            persona=Persona(row["persona"]),
            name=row["name"],
            number=row["number"] or None,
            organisation=row["organisation"] or None,
            level=row["level"] or None,
            scopes=frozenset(Scope(one) for one in row["scopes"].split("|") if one),
        )
        for row in read_rows(sample_folder() / "personas.csv")
    ]


def save_keys(data_dir: Path, pki: SamplePki) -> None:
    """The sandbox's private keys and certificates, 0600, so that more can be issued with them."""
    folder = data_dir / "sandbox"
    private_folder(folder)
    for algorithm, made in pki.roots.items():
        _save(folder, f"root-{algorithm}", *made)
    for kid, made in pki.issuers.items():
        _save(folder, kid, *made)


def _save(folder: Path, name: str, certificate: Certificate, key: PrivateKey) -> None:
    write_private(folder / f"{name}.key.pem", key.pem().encode())
    write_private(folder / f"{name}.cert.pem", certificate.pem().encode())
