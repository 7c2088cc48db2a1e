"""The body of a sample licence (示例证照数据体): types, keys, versions, and what is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from typing import Any

from zwhub.kernel.identifiers import licence
from zwhub.profile.holders import Holder, Row, Tables


@dataclass(frozen=True, slots=True)
class IssuingKey:
    """A key of the trust list (or one that never was on it) and the term of its certificate."""

    kid: str
    issuer: Row
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class SampleType:
    """A licence type: its attributes with their samples, and by issuer the keys that sign it."""

    row: Row
    years: int | None
    surface: tuple[tuple[str, list[str]], ...]
    trusted: tuple[tuple[IssuingKey, ...], ...]
    untrusted: tuple[tuple[IssuingKey, ...], ...]


@dataclass(frozen=True, slots=True)
class SampleLicence:
    """What all versions of one licence share; `keys` are its issuer's, oldest first."""

    type: SampleType
    holders: tuple[Holder, ...]
    keys: tuple[IssuingKey, ...]
    serial: int
    year: int
    number: str
    surface: Mapping[str, str]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a licence: its days, and the identifier of the one before."""

    issued: date
    start: date
    until: date | None
    signed: date
    number: int = 1
    operation: str = "新发"
    previous: str | None = None


def payload(one: SampleLicence, version: Version, signed_at: datetime) -> dict[str, Any]:
    """The signed body, its members in the order of the licence format."""
    row, issuer = one.type.row, one.keys[0].issuer
    facts = {
        **one.facts,
        "issued": version.issued.isoformat(),
        "year": version.issued.year,
        "region": one.holders[0].region,
        "valid_from": version.start.isoformat(),
        "valid_until": version.until.isoformat() if version.until else "长期",
    }
    return {
        "format": "zwhub-licence/1",
        "identifier": identifier(one, version),
        "number": one.number,
        "name": row["name"],
        "typeCode": row["code"],
        "typeName": row["name"],
        "issuerCode": issuer["code"],
        "issuerName": issuer["name"],
        "issuedOn": version.issued.isoformat(),
        "validFrom": version.start.isoformat(),
        "validUntil": version.until.isoformat() if version.until else None,
        "holders": [{"name": h.name, "code": h.code, "codeType": h.code_type} for h in one.holders],
        "version": f"{version.number:03}",
        "operation": version.operation,
        "previous": version.previous,
        "region": one.holders[0].region,
        "surface": {name: _filled(text, facts) for name, text in one.surface.items()},
        "signedAt": signed_at.isoformat(),
        "signedBy": issuer["name"],
    }


def _filled(text: str, facts: Mapping[str, Any]) -> str:
    """`text.format_map(facts)`, quickly where it is one fact or none, as most are."""
    if "{" not in text:
        return text
    fact = facts.get(text[1:-1])
    return fact if isinstance(fact, str) else text.format_map(facts)


def identifier(one: SampleLicence, version: Version) -> str:
    issuer, serial = one.keys[0].issuer["code"], f"{one.year}{one.serial:08}"
    return licence.build(one.type.row["code"], issuer, serial, version.number)


def key_on(keys: tuple[IssuingKey, ...], day: date) -> IssuingKey:
    """The newest key whose certificate is valid on `day` (a turned-over key overlaps its heir)."""
    for key in reversed(keys):
        if key.first <= day <= key.last:
            return key
    raise ValueError(f"{keys[0].issuer['name']} has no certificate for {day}")


def years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, day=28)


def sample_types(tables: Tables) -> dict[str, SampleType]:
    samples = {row["attribute"]: row["sample"].split("|") for row in tables["attributes"]}
    return {
        row["key"]: SampleType(
            row=row,
            years=int(row["validity"]) if row["validity"] else None,
            surface=tuple((name, samples[name]) for name in row["surface"].split("|")),
            trusted=_keys(tables, row["key"], trusted=True),
            untrusted=_keys(tables, row["key"], trusted=False),
        )
        for row in tables["licence_types"]
    }


def _keys(tables: Tables, key: str, trusted: bool) -> tuple[tuple[IssuingKey, ...], ...]:
    """The keys that sign a type, one tuple for each issuer, oldest first."""
    issuers = {row["code"]: row for row in tables["organisations"]}
    keys: dict[str, list[IssuingKey]] = {}
    for row in sorted(tables["issuers"], key=itemgetter("valid_from")):
        if key in row["types"].split("|") and trusted is (row["state"] == "trusted"):
            days = date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_until"])
            keys.setdefault(row["issuer"], []).append(
                IssuingKey(row["kid"], issuers[row["issuer"]], *days)
            )
    return tuple(tuple(of_issuer) for of_issuer in keys.values())
