"""Where output goes: tables for people by rich, one JSON value for scripts, and nothing of the one in the other.

A pipe gets no colours (nor does a terminal if NO_COLOR is set) and no line that is cut or folded to a width.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

ENDLESS = 10_000
"""Columns of a pipe: a table is as wide as what is in it."""


def out() -> Console:
    """What was asked for."""
    return _console(Console(highlight=False, markup=False, emoji=False))


def err() -> Console:
    """How it is getting on: never mixed with what was asked for."""
    return _console(Console(stderr=True, highlight=False, markup=False, emoji=False))


def _console(console: Console) -> Console:
    if not console.is_terminal:
        console.width = ENDLESS
    return console


def plain(text: str, style: str = "") -> Text:
    """Text that a person chose, as it may be shown: a control character in it could rewrite the terminal."""
    return Text("".join(letter if letter.isprintable() else "�" for letter in text), style)


def columns(*headers: str | tuple[str, str], title: str | None = None) -> Table:
    """An open table; a header may come with its justification."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left", title_style="bold")
    for header in headers:
        name, justify = header if isinstance(header, tuple) else (header, "left")
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return table


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """One JSON value on one line: amounts as numbers, moments as ISO 8601 in UTC."""
    click.echo(json.dumps(value, default=_jsonable))


def amount(value: Decimal) -> str:
    """Credits for a person: `1,234` or `1,234.5`."""
    return f"{number(value):,}"


def credit(value: Decimal) -> str:
    """`1 credit`, `2.5 credits`."""
    return f"{amount(value)} {'credit' if value == 1 else 'credits'}"


def number(value: Decimal) -> int | float:
    """Credits as a number of JSON: whole where they are."""
    return int(value) if value == value.to_integral_value() else float(value)


def counted(count: int, thing: str, things: str = "") -> str:
    """`1 row`, `2,000 rows`; `2 bodies`, where it is not enough to add an s."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def lasting(seconds: float) -> str:
    """A time as a person says it, as short as it is useful: `45 s`, `12 min`, `3 h`, `4 days`."""
    if seconds == math.inf:
        return "a time that nobody knows (the database's clock was set back)"
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def moment(value: datetime) -> str:
    """A time for a person, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _jsonable(value: object) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
