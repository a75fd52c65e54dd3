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
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from worker.language import N_, _, figure, ngettext, nN_

THINGS = {
    "body": nN_("{count} body", "{count} bodies"),
    "file": nN_("{count} file", "{count} files"),
    "message": nN_("{count} message", "{count} messages"),
    "more character": nN_("{count} more character", "{count} more characters"),
    "more reading": nN_("{count} more reading", "{count} more readings"),
    "number": nN_("{count} number", "{count} numbers"),
    "phone": nN_("{count} phone", "{count} phones"),
    "reading": nN_("{count} reading", "{count} readings"),
    "report": nN_("{count} report", "{count} reports"),
    "request": nN_("{count} request", "{count} requests"),
    "row": nN_("{count} row", "{count} rows"),
    "segment": nN_("{count} segment", "{count} segments"),
    "sending": nN_("{count} sending", "{count} sendings"),
    "text": nN_("{count} text", "{count} texts"),
    "try": nN_("{count} try", "{count} tries"),
    # of reports
    "other prefix": nN_("{count} other prefix", "{count} other prefixes"),
    "second": nN_("{count} second", "{count} seconds"),
    "minute": nN_("{count} minute", "{count} minutes"),
    "hour": nN_("{count} hour", "{count} hours"),
    "day": nN_("{count} day", "{count} days"),
}
"""What is counted before a person's eyes, with its forms."""

BLANKS = "\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}"
"""French has them before a colon and in figures; Python calls them unprintable, and they do nothing to a terminal."""

ENDLESS = 10_000
"""Columns of a pipe: a table is as wide as what is in it."""

GAP = 2
"""Columns of a terminal between those of a table."""

FOLDED = 12
"""Columns of a terminal in which a sentence can still be read."""


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
    return Text("".join(letter if letter.isprintable() or letter in BLANKS else "�" for letter in text), style)


def columns(*headers: str | tuple[str, str], title: str | None = None) -> Table:
    """An open table; a header may come with its justification."""
    table = Table(box=None, pad_edge=False, header_style="bold", title=title, title_justify="left", title_style="bold")
    for header in headers:
        name, justify = header if isinstance(header, tuple) else (header, "left")
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    return table


def fitting(
    headers: Sequence[str | tuple[str, str]],
    rows: Sequence[Sequence[str | Text]],
    *,
    spare: Sequence[int],
    folding: Sequence[int] = (),
    title: str | None = None,
) -> Table:
    """A table as `columns` makes it, without what a narrow terminal has no place for: else each letter had its line.

    Args:
        headers: as `columns` has them.
        rows: the same number of cells each.
        spare: which columns may be left out, the first one first.
        folding: which may be folded, down to FOLDED columns of the terminal; no others are.
        title: above it.
    """
    heads = [name if isinstance(name, str) else name[0] for name in headers]
    widths = [max(map(cell_len, map(str, cells))) for cells in zip(heads, *rows, strict=True)]
    least = [min(width, FOLDED) if place in folding else width for place, width in enumerate(widths)]
    kept, room = list(range(len(heads))), out().width
    for place in spare:
        if sum(least[each] + GAP for each in kept) - GAP > room:
            kept.remove(place)
    table = columns(*[headers[place] for place in kept], title=title)
    for column, place in zip(table.columns, kept, strict=True):
        column.no_wrap = place not in folding
    for row in rows:
        table.add_row(*[row[place] for place in kept])
    return table


def print_json(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """One JSON value on one line: amounts as numbers, moments as ISO 8601 in UTC."""
    click.echo(json.dumps(value, default=_jsonable))


def amount(value: Decimal) -> str:
    """Credits for a person: `1,234` or `1,234.5`."""
    return figure(number(value))


def credit(value: Decimal) -> str:
    """`1 credit`, `2.5 credits`."""
    form = ngettext("{count} credit", "{count} credits", math.ceil(value))  # in French, 1.5 is still one
    return form.format(count=amount(value))


def number(value: Decimal) -> int | float:
    """Credits as a number of JSON: whole where they are."""
    return int(value) if value == value.to_integral_value() else float(value)


def counted(count: int, thing: str) -> str:
    """`1 row`, `2,000 rows`: so many of one of the `THINGS`."""
    return ngettext(*THINGS[thing], count).format(count=figure(count))


def lasting(seconds: float) -> str:
    """A time as a person says it, as short as it is useful: `45 s`, `12 min`, `3 h`, `4 days`."""
    if seconds == math.inf:
        return _("a time that nobody knows (the database's clock was set back)")
    for form, size in ((N_("{count} days"), 86_400), (N_("{count} h"), 3_600), (N_("{count} min"), 60)):
        if seconds >= 2 * size:
            return _(form).format(count=figure(seconds / size, 0))
    return _("{count} s").format(count=figure(max(seconds, 0), 0))


def moment(value: datetime) -> str:
    """A time for a person, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _jsonable(value: object) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
