"""Paging (分页): keyset pages and the signed cursors that lead to them."""

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Generic, TypeVar

from zwhub.kernel.refusal import Reason, Refused
from zwhub.kernel.words import Words

LARGEST_PAGE = 100
COUNT_CAP = 1_000
_MAC_BYTES = 12

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page asked for: `first` rows (1–100) that follow the keyset position `after`."""

    first: int
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Cursors:
    """Seals keyset positions so that a caller can only continue where the hub left off."""

    secret: bytes

    def seal(self, listing: str, key: Key) -> str:
        """An opaque cursor: the listing it belongs to and the position, under a MAC."""
        body = json.dumps([listing, *key], ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def page(self, listing: str, first: int, after: str | None) -> Page:
        """The page a caller asks for. Raises `Refused` for a bad size or a foreign cursor."""
        if not 1 <= first <= LARGEST_PAGE:
            words = Words(
                f"first 须在 1 到 {LARGEST_PAGE} 之间。",
                f"`first` must lie between 1 and {LARGEST_PAGE}.",
            )
            raise Refused(Reason.INVALID_INPUT, words, ("first",))
        return Page(first, None if after is None else self._open(listing, after))

    def _open(self, listing: str, cursor: str) -> Key:
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _foreign_cursor() from None
        mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise _foreign_cursor()
        named, *key = json.loads(body)
        if named != listing:
            raise _foreign_cursor()
        return tuple(key)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self.secret, b"cursor\0" + body, sha256)[:_MAC_BYTES]


def _foreign_cursor() -> Refused:
    words = Words(
        "游标无效：请使用本列表上一页返回的 endCursor。",
        "This cursor is not one of this list's: use the `endCursor` of the page before.",
    )
    return Refused(Reason.INVALID_INPUT, words, ("after",))


Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Slice(Generic[Row]):
    """The rows of one page, and whether more follow; stores fetch `first + 1` rows to know."""

    rows: Sequence[Row]
    has_next: bool

    @classmethod
    def of(cls, page: Page, fetched: Sequence[Row]) -> "Slice[Row]":
        return cls(fetched[: page.first], len(fetched) > page.first)
