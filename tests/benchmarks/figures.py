"""What a part of the benchmark found: figures beside their goals, and what must hold; and the arithmetic of moments.

Goals are those of the issue on speed and scale; how a figure comes about is said where it is measured.
"""

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: what was measured, with its unit.
        measured: the figure; not a number where it could not be measured.
        at_least, at_most: its goal, if it has one.
        digits: so many of them after the point are shown.
        doubt: why it does not count, in a sentence; empty if it does.
    """

    name: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None
    digits: int = 2
    doubt: str = ""

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `does not count`, or nothing where there is no goal."""
        if self.at_least is None and self.at_most is None:
            return ""
        if self.doubt or math.isnan(self.measured):
            return "does not count"
        reached = self.measured >= (self.at_least or -math.inf) and self.measured <= (
            math.inf if self.at_most is None else self.at_most
        )
        return "met" if reached else "missed"

    @property
    def goal(self) -> str:
        """As a person reads it."""
        if self.at_least is not None:
            return f"≥ {self.shown(self.at_least)}"
        return "" if self.at_most is None else f"≤ {self.shown(self.at_most)}"

    def shown(self, value: float) -> str:
        """A value as the figure is shown."""
        return "—" if math.isnan(value) else f"{value:,.{self.digits}f}"

    def as_json(self) -> dict[str, Any]:
        """The figure and its verdict."""
        measured = None if math.isnan(self.measured) else round(self.measured, 4)
        known = {"measured": measured, "goal": self.goal, "verdict": self.verdict, "doubt": self.doubt}
        return {"name": self.name, **known}


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a part came to: its figures, what must hold (each as a sentence), and everything behind them as JSON."""

    figures: Sequence[Figure]
    checks: dict[str, bool] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


def median(values: Sequence[float]) -> float:
    """The middle one; not a number of none."""
    return statistics.median(values) if values else math.nan


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of all does not exceed (nearest rank); not a number of none.

    >>> percentile([3, 1, 2, 4], 0.5)
    2
    """
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def within(moments: Sequence[float], start: float, seconds: float) -> int:
    """How many of the sorted moments lie in [start, start + seconds)."""
    return bisect_left(moments, start + seconds) - bisect_left(moments, start)


def fullest(moments: Sequence[float], seconds: float) -> int:
    """The most of the sorted moments that lie in any window of so many seconds; its end belongs to it no more."""
    return max((within(moments, start, seconds) for start in dict.fromkeys(moments)), default=0)
