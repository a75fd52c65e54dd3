"""How fast a stage of a campaign goes now, and how long it still takes at that: figures → figures.

Now is the last seconds, not the time since somebody began to look: a campaign that was paused for an hour, or whose
gateway was away, goes as fast as it goes since.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

LAST_SECONDS = 10.0
LAST_MINUTE = 60.0

FEW = 3
"""Requests: where fewer were answered in the last seconds, one more or less would be a rate of its own."""


@dataclass(frozen=True)
class Lately:
    """What was done lately, by what is written down.

    Attributes:
        requests: answered in the last seconds; `messages` were in them.
        in_a_minute: messages in those of the last minute.
        since: seconds since the first one began; a rate is not over the time before it.
    """

    requests: int
    messages: int
    in_a_minute: int
    since: float

    @property
    def rate(self) -> float:
        """Messages a second: over the last seconds, or over a minute where little happens."""
        if self.requests >= FEW:
            return over(self.messages, LAST_SECONDS, since=self.since)
        return over(self.in_a_minute, LAST_MINUTE, since=self.since)


@dataclass(frozen=True)
class Stage:
    """How far a stage is.

    Attributes:
        name: `expansion`, `lookup`, `sending` or `delivery`.
        done: of how many it is done.
        of: how many there are; none as long as that is not known.
        rate: how many a second, now.
    """

    name: str
    done: int
    of: int | None
    rate: float

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left; of what has not begun, nobody can tell."""
        return self.of is not None and self.done >= self.of

    @property
    def left(self) -> float | None:
        """Seconds until it has ended, if it goes on like this; none where that cannot be told."""
        if self.ended:
            return 0.0
        return (self.of - self.done) / self.rate if self.of is not None and self.rate > 0 else None


def over(count: int, seconds: float, *, since: float) -> float:
    """So many a second of the last `seconds`, if they began so long ago, `since` seconds; no time is under a second."""
    return count / max(min(seconds, since), 1.0)


class Steps:
    """How fast something goes of which no time is written down: told by how far it was when one last looked."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, int]] = deque()

    def rate(self, moment: datetime, done: int) -> float:
        """So many a second since a moment some seconds ago; nought at the first look.

        Args:
            moment: of this look, by the database.
            done: how far it is.
        """
        self._seen.append((moment, done))
        while len(self._seen) > 2 and (moment - self._seen[1][0]).total_seconds() >= LAST_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        seconds = (moment - began).total_seconds()
        return max(done - before, 0) / seconds if seconds > 0 else 0.0
