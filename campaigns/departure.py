"""By when this process is to be gone, once it was asked to end: known at once to those that were forked from it too.

Who insists on a database that is away (`outages`) gives up by then: what it knows is lost with the process in any case,
and who is not gone by the time that its supervisor grants is killed in whatever else it does.
"""

from __future__ import annotations

import struct
from math import inf
from mmap import mmap
from time import monotonic

_BY = mmap(-1, struct.calcsize("d"))
"""Memory that forked processes share; `monotonic` counts alike for all of them. Zero: nobody has asked."""


def announce(seconds: float) -> None:
    """It is to be gone in so many seconds. Called again, it changes nothing: nobody is given more time by asking."""
    if by() == inf:
        struct.pack_into("d", _BY, 0, monotonic() + seconds)


def by() -> float:
    """The moment, by `monotonic`; infinity as long as nobody has asked."""
    (moment,) = struct.unpack_from("d", _BY, 0)
    return moment or inf
