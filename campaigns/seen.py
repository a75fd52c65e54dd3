"""Numbers that came before, for a look at an audience that no table holds: `expansion` asks its messages' key instead.

They stand in one array of 64-bit places, at most half of which are taken: 16 to 32 bytes a number (16 MB for a million,
and half as much again while it grows), where a set of Python's takes 70 to 100.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

_SPREAD = 0x9E3779B97F4A7C15
"""Of 64 bits, odd: times this, numbers that follow one another come to lie far apart (Fibonacci hashing)."""

_BITS = (1 << 64) - 1
_FIRST_SIZE = 12  # as a power of two


class Seen:
    """A set of MSISDNs that only grows."""

    def __init__(self) -> None:
        self._count = 0
        self._make(_FIRST_SIZE)

    def __len__(self) -> int:
        return self._count

    def among(self, numbers: Iterable[int]) -> set[int]:
        """Those of some numbers that were added."""
        places, shift, mask = self._places, self._shift, self._mask
        found = set()
        for number in numbers:
            at = (number * _SPREAD & _BITS) >> shift
            while (there := places[at]) and there != number:
                at = at + 1 & mask
            if there:
                found.add(number)
        return found

    def add(self, numbers: Iterable[int]) -> None:
        """Numbers above 0, whether they are new or not."""
        added = list(numbers)
        while (self._count + len(added)) * 2 > self._mask:
            self._grow()
        self._put(added)

    def _put(self, numbers: Iterable[int]) -> None:
        places, shift, mask = self._places, self._shift, self._mask
        for number in numbers:
            at = (number * _SPREAD & _BITS) >> shift
            while (there := places[at]) and there != number:
                at = at + 1 & mask
            if not there:
                places[at] = number
                self._count += 1

    def _make(self, size: int) -> None:
        self._places = array("Q", [0]) * (1 << size)
        self._shift, self._mask = 64 - size, (1 << size) - 1

    def _grow(self) -> None:
        before, self._count = self._places, 0
        self._make(65 - self._shift)
        self._put(filter(None, before))
