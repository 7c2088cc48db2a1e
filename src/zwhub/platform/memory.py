"""Memory (内存): what a hub has loaded by the time it serves stays, and is not gone through again."""

import gc

# Objects made before the youngest are looked through, and rounds before the older ones are: a
# request of a thousand licences makes many objects and hardly a cycle.
_THRESHOLDS = 10_000, 20, 50


def settle_memory() -> None:
    """Take all that is loaded now out of the garbage collector's rounds, and make these fewer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
