"""Cells → values that may be put into a text; by the row, or by the column in a twentieth of the time.

A column is looked at as one string. What is plain in it needs no cleaning and no transliteration, and costs what it is
long. In most audiences one value in fifty is not plain; those are told, to be looked at by the row.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

from campaigns.filters import Unrenderable
from campaigns.language import N_
from campaigns.text import BASIC, clean

# All the cells of one recipient that a template names; `truncate` may make a text of more than would fit.
MAX_VALUES = 10_000

_Match = Callable[..., re.Match[str]]

_END = "\0"

_LINE = BASIC.replace("\n", "").replace("\r", "")
_lines: _Match = re.compile(f"[{re.escape(_LINE + _END)}]*").match  # type: ignore[assignment]  # matches anything
_texts: _Match = re.compile(f"[{re.escape(BASIC + _END)}]*").match  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Cells:
    """Picks the cells that a template names, and makes values of them."""

    indices: tuple[int, ...]

    def values(self, cells: Sequence[str]) -> tuple[str, ...]:
        """Those of one row. Raises Unrenderable where they are too long."""
        values = tuple([cells[index] if index < len(cells) else "" for index in self.indices])
        joined = "".join(values)
        if len(joined) > MAX_VALUES:
            raise Unrenderable(N_("the fields hold more than {most} characters").format(most=MAX_VALUES))
        if joined.isprintable() and (joined.isascii() or unicodedata.is_normalized("NFC", joined)):
            return tuple([value.strip() for value in values])
        return tuple(_on_one_line(value) for value in values)

    def columns(self, rows: Sequence[Sequence[str]]) -> tuple[list[Sequence[str]], set[int]]:
        """Those of many rows, column by column, and the places of rows that must be looked at one by one."""
        try:
            columns: list[Sequence[str]] = [list(map(itemgetter(index), rows)) for index in self.indices]
        except IndexError:  # a row is too short
            return [[""] * len(rows) for _ in self.indices], set(range(len(rows)))
        if sum(max(map(len, column), default=0) for column in columns) > MAX_VALUES:
            return columns, set(range(len(rows)))
        columns = [stripped(column) for column in columns]
        return columns, {place for column in columns for place in odd_lines(column)}


def _on_one_line(value: str) -> str:
    line = clean(value).replace("\n", " ").strip()
    return line if line.strip(" \u200c\u200d") else ""  # joiners alone would be seen as a gap


def stripped(column: Sequence[str]) -> Sequence[str]:
    """Without the blanks around each text."""
    joined = _joined(column)
    if f" {_END}" in joined or f"{_END} " in joined:
        return [text.strip(" ") for text in column]
    return column


def odd_lines(column: Sequence[str]) -> list[int]:
    """Places of texts with a character that is not in `text.BASIC`, or is a line break; braces are not in it."""
    return _odd(column, _lines)


def odd_texts(column: Sequence[str]) -> list[int]:
    """Places of texts with a character that is not in `text.BASIC`."""
    return _odd(column, _texts)


def blanks(column: Sequence[str]) -> list[int]:
    """Places of empty texts."""
    return [place for place, text in enumerate(column) if not text] if "" in column else []


def _joined(column: Sequence[str]) -> str:
    return f"{_END}{_END.join(column)}{_END}"


def _odd(column: Sequence[str], plain: _Match) -> list[int]:
    joined = _joined(column)
    if joined.count(_END) != len(column) + 1:  # a text with one of its own, that would pass for ours
        return list(range(len(column)))
    at = plain(joined).end()
    if at == len(joined):
        return []
    ends = list(accumulate(map(len, column), lambda end, size: end + 1 + size, initial=0))
    found = []
    while at < len(joined):
        found.append(bisect_left(ends, at) - 1)
        at = plain(joined, joined.index(_END, at)).end()
    return found
