"""`python -m tests.benchmarks.picture RESULT.json FOLDER`: throughput and memory against recipients, as two pictures.

They are drawn from the part `growth` of a run. SVG by hand: two lines and their axes need no library.
"""

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.usage import MEBIBYTE

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 320, 70, 120, 40, 50
COLOURS = ("#1b6ca8", "#c05a1c", "#3f7d3f")
STEPS = 4  # lines across

Point = tuple[int, float]
Lines = Mapping[str, Sequence[Point]]


def pictures(result: Mapping[str, Any]) -> dict[str, str]:
    """File names and SVG; raises KeyError if the run has no part `growth`."""
    outcomes = result["parts"]["growth"]["details"]["outcomes"]
    rates = [(each["messages"], each["messages_per_second"]) for each in outcomes]
    peaks = {part: _of(outcomes, lambda used, part=part: used[part]["peak"] / MEBIBYTE) for part in _parts(outcomes)}
    machine = result["machine"]
    below = f"{machine['cores']} cores for everything, PostgreSQL {machine['postgresql']}, {result['at'][:10]}"
    return {
        "throughput.svg": chart("Messages a second, submit to last status", below, {"product": rates}),
        "memory.svg": chart("Peak memory of the largest process, MiB", below, peaks),
    }


def _parts(outcomes: Sequence[Mapping[str, Any]]) -> list[str]:
    return [part for part in ("worker", "producer") if part in outcomes[0]["usage"]]


def _of(outcomes: Sequence[Mapping[str, Any]], value: Callable[[Mapping[str, Any]], float]) -> list[Point]:
    return [(each["messages"], value(each["usage"])) for each in outcomes]


def chart(title: str, below: str, lines: Lines) -> str:
    """Lines over recipients, which are drawn by their logarithm; from zero upwards."""
    points = [point for line in lines.values() for point in line]
    top = _round_up(max(value for _, value in points))
    first, last = (math.log10(end(count for count, _ in points)) for end in (min, max))

    def across(count: int) -> float:
        return LEFT + (math.log10(count) - first) / ((last - first) or 1) * (WIDTH - LEFT - RIGHT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)

    parts = [_text(LEFT, 22, title, "start", size=15), _text(LEFT, HEIGHT - 8, f"recipients; {below}", "start")]
    for value in (top * step / STEPS for step in range(STEPS + 1)):
        parts.append(f'<path d="M{LEFT} {up(value):.1f}H{WIDTH - RIGHT}" stroke="#ccc"/>')
        parts.append(_text(LEFT - 8, up(value) + 4, f"{value:,.0f}", "end"))
    parts += [_text(across(count), HEIGHT - BOTTOM + 18, f"{count:,}", "middle") for count in sorted(dict(points))]
    for (name, line), colour in zip(lines.items(), COLOURS, strict=False):
        way = " ".join(f"{across(count):.1f},{up(value):.1f}" for count, value in line)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{colour}"/>' for x, y in line]
        end_x, end_y = line[-1]
        parts.append(_text(across(end_x) + 10, up(end_y) + 4, name, "start", colour=colour))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif"><title>{title}</title>'
    return "\n".join([head, ground, *parts, "</svg>"]) + "\n"


def _round_up(value: float) -> float:
    unit = 10 ** math.floor(math.log10(value))
    return float(next(step * unit for step in (1, 2, 4, 6, 8, 10) if step * unit >= value))


def _text(x: float, y: float, text: str, anchor: str, *, size: int = 12, colour: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{text}</text>'


def main() -> None:
    """Draw both pictures of a run into a folder."""
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m tests.benchmarks.picture RESULT.json FOLDER")
    for name, svg in pictures(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).items():
        path = Path(sys.argv[2], name)
        path.write_text(svg, encoding="utf-8")
        print(path)  # noqa: T201  it is a command


if __name__ == "__main__":
    main()
