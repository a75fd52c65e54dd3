"""One clock for all: ticks of a hundredth of a second that never go back, and the time of day they stand for.

Reports fall due by ticks, so that setting the machine's clock neither hastens nor delays them. While a request is
carried out the clock is held: one request is one moment, and can be carried out again later as if it were then.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import NamedTuple

TICKS_PER_SECOND = 100


class Moment(NamedTuple):
    """Seconds since 1970, and the tick."""

    at: float
    tick: int


class Clock:
    """Ticks since this object was made. Tests hand in a `monotonic` that they move themselves."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._started_at = time.time()
        self._held: Moment | None = None
        self._stamps: dict[int, str] = {}

    def tick(self) -> int:
        """Now, in ticks."""
        return self._held.tick if self._held else int((self._monotonic() - self._started) * TICKS_PER_SECOND)

    def now(self) -> float:
        """Now, in seconds since 1970."""
        return self._held.at if self._held else self._started_at + self._monotonic() - self._started

    @contextmanager
    def held(self, moment: Moment | None = None) -> Iterator[Moment]:
        """Stands still while the block lasts: at `moment`, or at the one when it was entered."""
        before = self._held
        self._held = moment or before or Moment(self.now(), self.tick())
        try:
            yield self._held
        finally:
            self._held = before

    def resume(self, began: float, last: Moment) -> None:
        """Goes on counting from `began` (seconds since 1970), as if it had never been stopped; never before `last`."""
        self._started_at = began
        passed = max(time.time() - began, (last.tick + 1) / TICKS_PER_SECOND)
        self._started = self._monotonic() - passed

    @property
    def began(self) -> float:
        """When tick 0 was, in seconds since 1970."""
        return self._started_at

    def ticks_until(self, moment: datetime) -> int:
        """How many ticks from now until `moment`; 0 for one that is past."""
        return max(0, int((moment.timestamp() - self.now()) * TICKS_PER_SECOND))

    def stamp(self, tick: int) -> str:
        """The time of day of a tick as the vendor writes it, `AAAA-MM-JJ HH:MM:SS`, in UTC (Abidjan's own time)."""
        second = int(self._started_at + tick / TICKS_PER_SECOND)
        stamp = self._stamps.get(second)
        if stamp is None:
            if len(self._stamps) > 100_000:
                self._stamps.clear()
            stamp = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%S")
            self._stamps[second] = stamp
        return stamp
