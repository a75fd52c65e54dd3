"""What a segment costs, by the number's prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True)
class Prices:
    """Credits a segment by number prefix (the longest that fits), and credits a lookup.

    Attributes:
        segment: prefix → credits; the empty prefix is for all others (1 where it is not given).
        lookup: credits for looking one number up.
    """

    segment: Mapping[str, Decimal]
    lookup: Decimal = Decimal(1)

    def of(self, number: int) -> Decimal:
        """Credits a segment to this MSISDN."""
        digits = str(number)
        for length in self._lengths:
            price = self.segment.get(digits[:length])
            if price is not None:
                return price
        return Decimal(1)

    def total(self, numbers: Sequence[int], segments: Sequence[int]) -> Decimal:
        """Credits for texts of so many segments to these MSISDNs."""
        if self._lengths in ([], [0]):
            return self.of(0) * sum(segments)
        return sum((self.of(number) * count for number, count in zip(numbers, segments, strict=True)), Decimal(0))

    @cached_property
    def _lengths(self) -> list[int]:
        """Those of the prefixes, the longest first."""
        return sorted({len(prefix) for prefix in self.segment}, reverse=True)
