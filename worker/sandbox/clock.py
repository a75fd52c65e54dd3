"""One clock for all: ticks of a hundredth of a second that never go back, and the time of day they stand for.

Reports fall due by ticks, so that setting the machine's clock neither hastens nor delays them.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

TICKS_PER_SECOND = 100


class Clock:
    """Ticks since this object was made. Tests hand in a `monotonic` that they move themselves."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._started_at = time.time()
        self._stamps: dict[int, str] = {}

    def tick(self) -> int:
        """Now, in ticks."""
        return int((self._monotonic() - self._started) * TICKS_PER_SECOND)

    def now(self) -> float:
        """Now, in seconds since 1970."""
        return self._started_at + self._monotonic() - self._started

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
