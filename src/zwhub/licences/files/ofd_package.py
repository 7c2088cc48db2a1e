"""The package of an OFD (版式文档结构): where its signatures are and what they refer to."""

import base64
import binascii
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lxml import etree

from zwhub.kernel.words import Words
from zwhub.licences.files.container import Container, Refused
from zwhub.licences.files.markup import Unreadable, every, first, parse, text

MOST_SIGNATURES = 32
MOST_REFERENCES = 20_000  # by all signatures: twice as many as a container has files
_START = "OFD.xml"
_IDENTIFIER = re.compile(r"1\.2\.156\.3005\.2\.[0-9A-Z.]{20,120}")


class Malformed(Exception):
    """A package that cannot be followed; `words` says where it ends."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = Words(zh, en)


@dataclass(frozen=True, slots=True)
class Reference:
    """One file, and the digest it had; `name` None when it leads nowhere, `digest` when unread."""

    said: str
    name: str | None
    digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignatureFile:
    """A Signature.xml (签名文件): raw, because a digest covers it as it stands."""

    name: str
    raw: bytes = field(repr=False)
    method: str
    references: tuple[Reference, ...]
    stated_time: str
    value_name: str | None
    value: bytes | None = field(repr=False)
    seal_name: str | None


@dataclass(frozen=True, slots=True)
class Package:
    """An OFD's signatures (None: listed but unreadable), the lists of them, the licences named."""

    signatures: tuple[SignatureFile | None, ...]
    lists: frozenset[str]
    identifiers: frozenset[str]


def read_package(container: Container) -> Package:
    """OFD.xml → Signatures.xml → each Signature.xml. Raises Malformed, and Refused for too much."""
    root = _parsed(container, _START)
    if root is None:
        raise Malformed("没有可读的 OFD.xml", "there is no readable OFD.xml")
    bodies = list(every(root, "DocBody"))
    if len(bodies) != 1:
        # A reader shows the first document, another the last: which one was signed?
        raise Malformed("须恰有一个 DocBody", "there must be exactly one DocBody")
    said = [text(one) for one in every(bodies[0], "Signatures") if text(one)]
    lists = [resolve(container, _START, one) for one in said]
    if None in lists:
        raise Malformed("签名列表不存在", "the list of signatures is not there")
    names = [name for name in lists if name is not None]
    places = [(name, said) for name in names for said in _listed(container, name)]
    if len(places) > MOST_SIGNATURES:
        raise Malformed("签名过多", "there are too many signatures")
    found = _signatures(container, places)
    return Package(tuple(found), frozenset(names), _identifiers(bodies[0]))


def resolve(container: Container, base: str, said: str) -> str | None:
    """The file that `said` means in the file `base`; None when there is none.

    Absolute paths begin at the package's root. Relative ones are tried from the folder of `base`
    and then, because some products write them so, from the root.
    """
    said = said.strip().replace("\\", "/")
    if said.startswith("/"):
        tried = [posixpath.normpath(said.lstrip("/"))]
    else:
        beside = posixpath.join(posixpath.dirname(base), said)
        tried = [posixpath.normpath(beside), posixpath.normpath(said)]
    return next((one for one in tried if one in container), None)


def _parsed(container: Container, name: str) -> etree._Element | None:
    octets = container.read(name)
    try:
        return None if octets is None else parse(octets)
    except Unreadable:
        return None


def _listed(container: Container, name: str) -> list[str]:
    """Where the signatures of one list are, as it says."""
    root = _parsed(container, name)
    if root is None:
        raise Malformed("签名列表无法读取", "the list of signatures cannot be read")
    return [entry.get("BaseLoc", "") for entry in every(root, "Signature")]


def _signatures(
    container: Container, places: Sequence[tuple[str, str]]
) -> list[SignatureFile | None]:
    found, room = [], MOST_REFERENCES
    for base, said in places:
        one = _signature(container, base, said, room)
        room -= 0 if one is None else len(one.references)
        found.append(one)
    return found


def _signature(container: Container, base: str, said: str, room: int) -> SignatureFile | None:
    """None when unreadable. Raises Refused for more than `room` references."""
    name = resolve(container, base, said)
    raw = None if name is None else container.read(name)
    if name is None or raw is None:
        return None
    try:
        root = parse(raw)
    except Unreadable:
        return None
    listed = first(root, "SignedInfo", "References")
    if listed is not None and len(listed) > room:
        raise Refused("签名引用的文件过多", "the signatures refer to too many files")
    value_name = resolve(container, name, text(first(root, "SignedValue")))
    seal = text(first(root, "SignedInfo", "Seal", "BaseLoc"))
    return SignatureFile(
        name=name,
        raw=raw,
        method="" if listed is None else listed.get("CheckMethod", "").strip(),
        references=() if listed is None else tuple(_references(container, name, listed)),
        stated_time=text(first(root, "SignedInfo", "SignatureDateTime")),
        value_name=value_name,
        value=None if value_name is None else container.read(value_name),
        seal_name=resolve(container, name, seal) if seal else None,
    )


def _references(container: Container, base: str, listed: etree._Element) -> list[Reference]:
    return [
        Reference(said, resolve(container, base, said), _digest(text(first(one, "CheckValue"))))
        for one in every(listed, "Reference")
        for said in [one.get("FileRef", "")]
    ]


def _digest(said: str) -> bytes | None:
    try:
        return base64.b64decode("".join(said.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _identifiers(body: etree._Element) -> frozenset[str]:
    """The licences that the document's custom data name (证照标识)."""
    custom = first(body, "DocInfo", "CustomDatas")
    values = [] if custom is None else [text(one) for one in every(custom, "CustomData")]
    return frozenset(one for one in values if _IDENTIFIER.fullmatch(one))
