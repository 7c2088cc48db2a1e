"""Lines (文本行): a stranger's text, line by line, whatever its size."""

from collections.abc import Iterator
from typing import BinaryIO

LONGEST_LINE = 262_144  # bytes: a record of 65,536 characters, and all that may stand beside it
BUFFER = _PIECE = 1_048_576


def bounded_lines(file: BinaryIO, at: int) -> Iterator[tuple[int, bytes | None]]:
    """From byte `at`: each line, its end included, and the place behind it.

    None stands for a line of more than `LONGEST_LINE` bytes, which is passed over piece by piece.
    """
    file.seek(at)
    while line := file.readline(LONGEST_LINE + 1):
        at += len(line)
        if len(line) <= LONGEST_LINE:
            yield at, line
            continue
        while not line.endswith(b"\n") and (line := file.readline(_PIECE)):
            at += len(line)
        yield at, None
