"""When a send begins: `datesend`, `AAAA-MM-JJ HH:MM` (I-2), in UTC, which is Abidjan's own time."""

import re
from datetime import UTC, datetime

from worker.sandbox.clock import Clock
from worker.sandbox.codes import Refused

_SHAPE = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", re.ASCII)


def begins(datesend: str, *, clock: Clock) -> int:
    """The tick at which a send begins: the moment asked for, or now if that is past or empty. Raises Refused(-13)."""
    if not datesend:
        return clock.tick()
    if not _SHAPE.fullmatch(datesend):
        raise Refused(-13)
    try:
        moment = datetime.strptime(datesend, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise Refused(-13) from None
    return clock.tick() + clock.ticks_until(moment)
