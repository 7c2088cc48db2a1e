"""A deadline (时限): whoever walks in circles over a stranger's file is called back."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 8.0  # less than a request may take


class TooSlow(BaseException):
    """The time is over. No `except Exception` of the library on the way stops it."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raises `TooSlow` at the first call that this thread makes after so many seconds.

    For Python code: it makes calls all the time, whereas one call into C is not interrupted.
    """
    end = time.monotonic() + seconds

    def look(*_: object) -> None:
        if time.monotonic() > end:
            raise TooSlow

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
