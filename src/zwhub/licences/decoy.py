"""A decoy (陪衬记录): examined where nothing was found, so that absence takes as long as presence."""

from functools import cache

from zwhub.licences.held import Held
from zwhub.platform.bundle import bundled

NO_ROW = -1  # an id that no row has


@cache
def decoy() -> Held:
    """A worked example of the licence format, as if it stood in the registry."""
    return Held.read(NO_ROW, (bundled("schema") / "examples" / "es256.jws").read_bytes())
