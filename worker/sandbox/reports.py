"""The life of delivery reports of one account: scheduled, due, read once, gone.

Each step of a message is one packed integer, first in the bucket of the tick when it falls due, then in the list of its
sending until somebody reads it; so a read costs what it returns, however many are still to come.
A reading that hands out nothing changes nothing, so that it need not be remembered (memory.py).
What was laid down is kept too, 5 bytes an SMS, so that what has become of one can be told at any time, read or not.
Which steps a message takes is decided elsewhere (outcomes.py), what a report costs as well (gateway.py).
"""

import heapq
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from worker.sandbox.codes import UNBILLED_ENDS
from worker.sandbox.outcomes import SILENT, WAYS

# number of the sending (32 bits) | position (24) | status (8), and when due: tick (32) | position (24) | status (8)
_POSITION = 0xFFFFFF
_LOW = 0xFFFFFFFF
_LAST_TICK = 0xFFFFFFFF
MOST_IN_A_SENDING = _POSITION


class Due(NamedTuple):
    """One status of one SMS of a sending: where in the sending, what, and since when."""

    position: int
    status: int
    tick: int


class _Plan(NamedTuple):
    """What was laid down for a sending: when it starts, the end of each SMS, and how many ticks later."""

    start: int
    ends: bytes
    delays: Sequence[int]
    steps: bool


class Reports:
    """Schedules by the number of a sending, which the caller chooses and keeps."""

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}
        self._ticks: list[int] = []
        self._ready: dict[int, array[int]] = {}
        self._consulted: dict[int, set[int]] = {}
        self._plans: dict[int, _Plan] = {}
        self.handed_out = 0

    def schedule(self, number: int, *, start: int, ends: bytes, delays: Sequence[int], steps: bool = False) -> None:
        """Lays down what will become of each SMS of a sending: its end, `delay` ticks after `start`.

        Both sequences are kept, so nobody may change them afterwards.
        """
        self._plans[number] = _Plan(start, ends, delays, steps)
        high = number << 32
        for position, (end, delay) in enumerate(zip(ends, delays, strict=True)):
            low = high | position << 8
            if steps:
                for tick, status in _way(start, end, delay):
                    self._put(tick, low | status)
            if end != SILENT:
                self._put(min(start + delay, _LAST_TICK), low | end)

    def advance(self, tick: int, *, once_per_sms: bool = False) -> list[tuple[int, int]]:
        """Makes ready what is due by `tick`. Returns (sending, position) of each that ended unbilled just now.

        `once_per_sms`, here and in reading: an SMS that was consulted under it is never reported again.
        """
        unbilled = []
        while self._ticks and self._ticks[0] <= tick:
            due = heapq.heappop(self._ticks)
            for event in self._buckets.pop(due):
                number, low = event >> 32, event & _LOW
                if low & 0xFF in UNBILLED_ENDS:
                    unbilled.append((number, low >> 8))
                if once_per_sms and low >> 8 in self._consulted.get(number, ()):
                    continue
                self._ready.setdefault(number, array("Q")).append(due << 32 | low)
        return unbilled

    def status_at(self, tick: int, number: int, position: int) -> Due | None:
        """What has become of one SMS by `tick`, whether or not anybody read it; None before its first status."""
        start, ends, delays, steps = self._plans[number]
        end, delay = ends[position], delays[position]
        if end != SILENT and start + delay <= tick:
            return Due(position, end, start + delay)
        passed = [Due(position, status, at) for at, status in _way(start, end, delay) if steps and at <= tick]
        return passed[-1] if passed else None

    def read(self, *, limit: int, once_per_sms: bool = False) -> Iterator[tuple[int, list[Due]]]:
        """Hands out, and forgets, up to `limit` ready statuses of all sendings, the longest ready first."""
        for number in list(self._ready):
            if limit <= 0:
                return
            taken = self.read_of(number, limit=limit, once_per_sms=once_per_sms)
            limit -= len(taken)
            if taken:
                yield number, taken

    def read_of(self, number: int, *, limit: int, position: int | None = None, once_per_sms: bool = False) -> list[Due]:
        """Hands out, and forgets, up to `limit` ready statuses of one sending, or of one SMS of it, in their order."""
        ready = self._ready.get(number)
        if ready is None:
            return []
        kept = array("Q")
        if position is not None:
            kept = array("Q", [event for event in ready if event >> 8 & _POSITION != position])
            ready = array("Q", [event for event in ready if event >> 8 & _POSITION == position])
        taken = [Due(event >> 8 & _POSITION, event & 0xFF, event >> 32) for event in ready[:limit]]
        if taken:
            self._keep(number, kept + ready[limit:], consulted=taken if once_per_sms else ())
        self.handed_out += len(taken)
        return taken

    def _keep(self, number: int, kept: "array[int]", *, consulted: Sequence[Due]) -> None:
        """Leaves a sending what was not handed out, in its place among the others, but nothing of an SMS that has been
        consulted for the only time."""
        if consulted:
            known = self._consulted.setdefault(number, set())
            known.update(due.position for due in consulted)
            kept = array("Q", [event for event in kept if event >> 8 & _POSITION not in known])
        if kept:
            self._ready[number] = kept
        else:
            del self._ready[number]

    def _put(self, tick: int, event: int) -> None:
        bucket = self._buckets.get(tick)
        if bucket is None:
            bucket = self._buckets[tick] = array("Q")
            heapq.heappush(self._ticks, tick)
        bucket.append(event)


def _way(start: int, end: int, delay: int) -> Iterator[tuple[int, int]]:
    """Each step on the way to an end, without the end: when, and the status."""
    way = WAYS[end]
    for step, status in enumerate(way):
        yield min(start + delay * step // len(way), _LAST_TICK), status
