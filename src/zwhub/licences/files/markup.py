"""Markup (XML): parsed without entities, without a network, without a document type."""

from collections.abc import Iterator

from lxml import etree

MOST_NAMES = 200_000  # of elements, opened and closed, and of attributes


class Unreadable(Exception):
    """No XML, XML with a document type, or with more in it than its size says."""


def parse(octets: bytes) -> etree._Element:
    """The root element. Raises Unreadable."""
    # Parsed, an element or an attribute takes thirty times the room of its name.
    if octets.count(b"<") + octets.count(b"=") > MOST_NAMES:
        raise Unreadable
    try:
        root = etree.fromstring(octets, _parser())
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Unreadable from error
    if str(getattr(root.getroottree().docinfo, "doctype", "")):
        raise Unreadable
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def every(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The children of that local name: vendors disagree about the namespace."""
    return element.iterchildren(f"{{*}}{name}")


def first(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The first element down that path of local names."""
    for name in path:
        element = None if element is None else next(every(element, name), None)
    return element


def text(element: etree._Element | None) -> str:
    """Its text without space around it; nothing for nothing."""
    return "" if element is None else (element.text or "").strip()
