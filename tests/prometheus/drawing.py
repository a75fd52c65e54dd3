"""The dashboard as a picture: its panels in their places, drawn from what a real Prometheus answers to their queries.

It is no picture of Grafana, which is nowhere needed to make it; but whatever is on it was asked for as Grafana asks.
SVG by hand, as the benchmarks' pictures.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from tests.prometheus.asked import dashboard
from tests.prometheus.running import Watch

COLUMN, LINE, GAP = 50, 30, 6
STEPS = 90
COLOURS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#96d98d", "#ffb357", "#c0d8ff")
NAMED = {"green": "#37872d", "orange": "#c4661f", "red": "#b3202c"}
INK, PAPER, CARD, GRID = "#d8d9da", "#111217", "#181b1f", "#2c3235"

Points = list[tuple[float, float]]


def draw(seen: Watch, *, start: float, end: float, title: str) -> str:
    """The whole dashboard over a time, in seconds since 1970."""
    panels = dashboard()["panels"]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * LINE + 40
    width = 24 * COLUMN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>',
        _text(GAP, 24, title, size=15),
    ]
    parts += [part for panel in panels for part in _panel(seen, panel, start, end)]
    return "\n".join([*parts, "</svg>", ""])


def _panel(seen: Watch, panel: dict[str, Any], start: float, end: float) -> list[str]:
    its = panel["gridPos"]
    x, y = its["x"] * COLUMN + GAP / 2, its["y"] * LINE + 40
    w, h = its["w"] * COLUMN - GAP, its["h"] * LINE - GAP
    if panel["type"] == "row":
        return [_text(x + 2, y + 18, panel["title"], size=14, weight="bold")]
    frame = f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3" fill="{CARD}" stroke="{GRID}"/>'
    heading = _text(x + 8, y + 17, panel["title"], size=12)
    inside = (
        _stat(seen, panel, x, y, w, h, end) if panel["type"] == "stat" else _graph(seen, panel, x, y, w, h, start, end)
    )
    return [frame, *inside, heading]


def _stat(seen: Watch, panel: dict[str, Any], x: float, y: float, w: float, h: float, end: float) -> list[str]:
    defaults = panel["fieldConfig"]["defaults"]
    (target,) = panel["targets"]
    found = [float(each["value"][1]) for each in seen.asked("query", query=_heard(target), time=end)["result"]]
    value = found[0] if found else math.nan
    background = next(
        (step["color"] for step in reversed(defaults["thresholds"]["steps"]) if (step["value"] or -math.inf) <= value),
        "green",
    )
    said = next(
        (m["options"][f"{value:g}"]["text"] for m in defaults["mappings"] if f"{value:g}" in m["options"]), None
    )
    return [
        f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="3" fill="{NAMED[background]}"/>',
        _text(x + w / 2, y + h / 2 + 18, said or _figure(value, defaults["unit"]), size=24, anchor="middle"),
    ]


def _graph(
    seen: Watch, panel: dict[str, Any], x: float, y: float, w: float, h: float, start: float, end: float
) -> list[str]:
    defaults = panel["fieldConfig"]["defaults"]
    lines = [line for target in panel["targets"] for line in _lines(seen, target, start, end)]
    stacked = defaults["custom"]["stacking"]["mode"] == "normal"
    drawn = _stacked([points for _, points in lines]) if stacked else [points for _, points in lines]
    values = [value for points in drawn for _, value in points] or [0.0]
    low, high = min(defaults.get("min", min(values)), min(values)), max([*values, defaults.get("max", 0.0)])
    high = high if high > low else low + 1
    left, right, top, bottom = x + 58, x + w - 10, y + 28, y + h - 40

    def at(moment: float, value: float) -> str:
        across, up = (moment - start) / (end - start), (value - low) / (high - low)
        return f"{left + across * (right - left):.1f},{bottom - up * (bottom - top):.1f}"

    parts = []
    for step in range(5):
        value = low + (high - low) * step / 4
        height = bottom - (bottom - top) * step / 4
        parts.append(f'<path d="M{left} {height:.1f}H{right}" stroke="{GRID}"/>')
        parts.append(_text(left - 6, height + 4, _figure(value, defaults["unit"]), anchor="end", size=10))
    for moment, anchor in ((start, "start"), ((start + end) / 2, "middle"), (end, "end")):
        place = left + (moment - start) / (end - start) * (right - left)
        parts.append(_text(place, bottom + 14, f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}", anchor, size=10))
    for (_, points), upper, colour in reversed(list(zip(lines, drawn, _colours(lines), strict=True))):
        for piece in _pieces(upper, (end - start) / STEPS) if points else []:
            spots = " ".join(at(*point) for point in piece)
            if stacked:
                floor = f"{at(piece[-1][0], low)} {at(piece[0][0], low)}"
                parts.append(f'<polygon points="{spots} {floor}" fill="{colour}" fill-opacity="0.55"/>')
            parts.append(f'<polyline points="{spots}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    return parts + _legend(lines, x + 10, y + h - 10, w - 20)


def _legend(lines: Sequence[tuple[str, Points]], x: float, y: float, w: float) -> list[str]:
    parts, place = [], x
    for (name, _), colour in zip(lines, _colours(lines), strict=True):
        if place + 12 + 6 * len(name) > x + w:
            parts.append(_text(place, y, "…", size=10))
            break
        parts.append(f'<rect x="{place:.0f}" y="{y - 8}" width="9" height="9" fill="{colour}"/>')
        parts.append(_text(place + 13, y, name, size=10))
        place += 26 + 5.4 * len(name)
    return parts


def _lines(seen: Watch, target: dict[str, Any], start: float, end: float) -> list[tuple[str, Points]]:
    """Name and points of each series; one without a finite value is left out where it has a name of its own."""
    lines = []
    for series in seen.over(_heard(target), start, end, (end - start) / STEPS):
        name = target["legendFormat"]
        for label, value in series["metric"].items():
            name = name.replace("{{" + label + "}}", value)
        points = [(float(at), float(value)) for at, value in series["values"]]
        lines.append((name, [(at, value) for at, value in points if math.isfinite(value)]))
    some = [(name, points) for name, points in lines if any(value for _, value in points)]
    return some or lines[:1]


def _heard(target: dict[str, Any]) -> str:
    return str(target["expr"].replace("$__rate_interval", "15s").replace("$account", ".*"))


def _stacked(lines: Sequence[Points]) -> list[Points]:
    below: dict[float, float] = {}
    drawn = []
    for points in lines:
        for at, value in points:
            below[at] = below.get(at, 0.0) + value
        drawn.append([(at, below[at]) for at, _ in points])
    return drawn


def _pieces(points: Points, step: float) -> list[Points]:
    """A line is broken where it has no point for a while."""
    pieces: list[Points] = []
    for point in points:
        if pieces and point[0] - pieces[-1][-1][0] < 2 * step:
            pieces[-1].append(point)
        else:
            pieces.append([point])
    return pieces


def _colours(lines: Sequence[Any]) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(len(lines))]


def _figure(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "∞" if value == math.inf else "–"
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "dateTimeAsIso":
        return f"{datetime.fromtimestamp(value / 1000, UTC):%d %b %H:%M}"
    if unit == "s":
        size, name = next(
            (s for s in ((86_400, " d"), (3_600, " h"), (60, " min")) if abs(value) >= 2 * s[0]), (1, " s")
        )
        return f"{value / size:.3g}{name}"
    return f"{value:,.0f}" if abs(value) >= 20 or value == int(value) else f"{value:.2g}"


def _text(x: float, y: float, words: str, anchor: str = "start", *, size: int = 12, weight: str = "normal") -> str:
    style = f'font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{INK}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
