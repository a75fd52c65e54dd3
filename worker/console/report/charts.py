"""Where the bars of a chart stand: figures → lengths and places of an SVG, which the template draws.

The picture is 340 units wide: one a pixel on a small phone, so that its letters can be read there, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from worker.language import _, figure

WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 6, 12, 26
ROW = 38
"""Of a chart of rows: a line of words, and its bar below it."""


@dataclass(frozen=True)
class Bar:
    """A rectangle, and the words that it stands for."""

    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True)
class Mark:
    """Words at a place of an axis; `anchor` is the side of them that is there."""

    x: float
    y: float
    anchor: str
    says: str


@dataclass(frozen=True)
class Chart:
    """A picture: its size, its bars, its words, and the heights of its lines."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    lines: tuple[float, ...] = ()


def columns(figures: Sequence[tuple[str, int]], *, ends: str) -> Chart:
    """A column for each figure, in order; with words below some of them, `ends` the last."""
    top = _rounded(max(count for _, count in figures))
    step = (WIDTH - LEFT - RIGHT) / len(figures)
    floor = HEIGHT - BOTTOM
    bars = [
        Bar(
            *_cut(LEFT + index * step + 0.5, floor - _high(count, top), step - 1, _high(count, top)),
            _told(says, count),
        )
        for index, (says, count) in enumerate(figures)
    ]
    ticks = sorted({0, top // 2, top})
    marks = [Mark(LEFT - 5, floor - _high(tick, top) + 4, "end", figure(tick)) for tick in ticks]
    marks.append(Mark(LEFT, HEIGHT - 8, "start", figures[0][0]))
    if ends:
        marks.append(Mark(WIDTH - RIGHT, HEIGHT - 8, "end", ends))
    lines = tuple(round(floor - _high(tick, top), 1) for tick in ticks)
    return Chart(WIDTH, HEIGHT, tuple(bars), tuple(marks), lines)


def rows(figures: Sequence[tuple[str, int]]) -> Chart:
    """A bar for each figure, one below the other, with its words above it; as long as its share of the largest."""
    top = max((count for _, count in figures), default=0) or 1
    bars, marks = [], []
    for index, (says, count) in enumerate(figures):
        y = index * ROW
        bars.append(Bar(*_cut(0, y + 18, count / top * WIDTH, 14), _told(says, count)))
        marks += [Mark(0, y + 13, "start", says), Mark(WIDTH, y + 13, "end", figure(count))]
    return Chart(WIDTH, len(figures) * ROW, tuple(bars), tuple(marks))


def _told(says: str, count: int) -> str:
    return _(": ").join([says, figure(count)])


def _high(count: int, top: int) -> float:
    return count / top * (HEIGHT - TOP - BOTTOM)


def _cut(*places: float) -> tuple[float, float, float, float]:
    x, y, width, height = (round(place, 1) for place in places)
    return x, y, width, height


def _rounded(value: int) -> int:
    """An even number of a plain kind that is not below it."""
    unit: int = 10 ** int(math.log10(max(value, 1)))
    return max(2, next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value))
