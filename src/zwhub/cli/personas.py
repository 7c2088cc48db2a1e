"""The sandbox's callers (沙箱身份), as `personas.csv` describes them."""

from zwhub.gateway.sandbox import DemoPersona
from zwhub.kernel.actor import Persona, Scope
from zwhub.profile.folder import read_rows, sample_folder


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
