"""The worked examples (格式示例): the licences printed in docs/licence-format.md, and their keys.

Nobody can sign with these keys any more (keys/README.md), so every sample city may believe them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from zwhub.kernel.crypto.certificates import Certificate
from zwhub.kernel.crypto.trust import TrustedKey
from zwhub.platform.bundle import bundled
from zwhub.profile.folder import read_rows


@dataclass(frozen=True, slots=True)
class Example:
    """One record as its issuer signed it, and the key that checks it."""

    key: TrustedKey
    record: bytes


def example_roots() -> list[Certificate]:
    """The two roots above the examples' keys."""
    return [
        Certificate.from_pem(path.read_bytes())
        for path in sorted((bundled("keys") / "examples").glob("root-*.cert.pem"))
    ]


def examples(codes: Mapping[str, str]) -> list[Example]:
    """One for each algorithm; `codes` are the licence type codes by key."""
    keys, records = bundled("keys") / "examples", bundled("schema") / "examples"
    return [
        Example(
            TrustedKey(
                kid=row["kid"],
                issuer=row["issuer"],
                certificate=Certificate.from_pem((keys / row["certificate"]).read_bytes()),
                may_sign=frozenset(codes[key] for key in row["types"].split("|")),
            ),
            (records / row["example"]).read_bytes(),
        )
        for row in read_rows(keys / "examples.csv")
    ]
