"""Nodes (节点): Relay's global ids, opaque and typed."""

import base64
import binascii

import strawberry

from zwhub.graph.fields import says


@strawberry.interface(description="可按全局标识重取 · anything with a global id")
class Node:
    """Relay's Node."""

    id: strawberry.ID = says("全局标识", "global id")


def global_id(kind: str, key: object) -> strawberry.ID:
    """The opaque id of one row of `kind`."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode().rstrip("="))


def read_global_id(text: str) -> tuple[str, str]:
    """The kind and the key of an id; ("", "") for what is none, which then finds nothing."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        kind, _, key = raw.decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return kind, key


def row_id_of(kind: str, text: str) -> int:
    """The numeric key of an id of `kind`; 0, which no row has, for any other text."""
    named, key = read_global_id(text)
    return (
        int(key)
        if named == kind and key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS
        else 0
    )


_MOST_DIGITS = 18  # what surely fits a bigint
