"""The recipients as they came: names of columns, which of them holds the numbers, and the rows, one after the other.

Reading files and iterables is left to `sources.py`; what becomes of a row, to expansion.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from types import TracebackType
from typing import Self

from campaigns.cells import AudienceError
from campaigns.delimited import NumberedRow
from campaigns.language import _, figure
from campaigns.sources import Rows, Source, open_rows

__all__ = ["Audience", "AudienceError", "NumberedRow", "Source", "open_audience"]

MOST_COLUMNS = 1_000
"""A table with more has lost its line ends."""

_SAMPLED_ROWS = 20
_NAMED_IN_A_MESSAGE = 20

# Words in the name of a column, without accents, capitals and plural.
_MOBILE = {"msisdn", "mobile", "portable", "gsm", "cell", "cellphone", "cellulaire", "sms"}
_PHONE = _MOBILE | {"telephone", "tel", "phone", "phonenumber"}
_PERHAPS = {"numero", "number", "num", "contact"}
_NOT_A_MOBILE = {"fixe", "fax", "landline"}

# A blank has one place to match, or the ways to share blanks out between two would multiply from digit to digit.
_LOOKS_LIKE_A_NUMBER = re.compile(
    r"[\s='\"(\u200b-\u202e\ufeff]*(?:\+[\s(]*)?(?:\d[\s.(\-–/)\u200b-\u202e\ufeff\"]*){8,15}"
)
_LOOKS_LIKE_A_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}")
_DECIMAL = re.compile(r"(\d+)\.(\d+)")


class Audience:
    """Rows to read once, as `(row_number, cells)` with as many cells as columns; a context manager.

    Attributes:
        columns: names as in the header, stripped; a blank one is `column_3`, a second `Nom` is `Nom_2`.
        number_column: index of the column that holds the numbers.

    A row number is what a person sees in the spreadsheet: a header is row 1. Items of an iterable and rows of a Parquet
    file count from 1, objects by their line. Cells that a row lacks are ""; cells beyond the columns are dropped; blank
    rows of a file are passed over, but counted.
    """

    def __init__(self, columns: tuple[str, ...], number_column: int, rows: Iterator[NumberedRow], stack: ExitStack):
        self.columns = columns
        self.number_column = number_column
        self._rows = rows
        self._stack = stack

    def __iter__(self) -> Iterator[NumberedRow]:
        return self._rows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if a path was given; a file that came open stays open."""
        self._stack.close()


def open_audience(source: Source, *, number_column: str | None = None) -> Audience:
    """Read the beginning of an audience, and tell its columns; the rows stream when they are asked for.

    Args:
        source: a path or an open file (CSV, TSV, text, JSON lines, Parquet, XLSX, XLS, ODS: told by content; a workbook
            is held in memory), or an iterable: of mappings (columns are the keys of the first; a later row's missing
            key is "", its other keys are passed over), of named tuples, of sequences (with or without a header, as in
            a file), or of plain numbers as text or int.
        number_column: the column that holds the numbers, by its name. Without it: by the usual names in French and
            English, else the only column whose first rows look like numbers.

    Raises:
        AudienceError: here or while rows are drawn; the file cannot be read, or the number column cannot be told.
        TypeError: `source` is none of these.
    """
    with ExitStack() as opened:
        rows = open_rows(source, opened)
        columns, index, numbered = _told(rows, number_column)
        return Audience(columns, index, _fitted(numbered, len(columns), index, rows.columns is None), opened.pop_all())


def _told(rows: Rows, asked: str | None) -> tuple[tuple[str, ...], int, Iterator[NumberedRow]]:
    """Columns, the index of the number column, and the rows without their header."""
    columns, numbered, headless = rows.columns, rows.numbered, False
    if columns is None:
        first = next((row for row in numbered if any(map(str.strip, row[1]))), None)
        if first is None:
            return ("number",), 0, numbered
        headless = not _is_header(first[1], asked)
        columns = tuple("" for _ in first[1]) if headless else tuple(first[1])
        numbered = chain([first], numbered) if headless else numbered
    columns = _named(columns)
    sample = list(islice(numbered, _SAMPLED_ROWS))
    asked = None if headless and asked == "number" else asked
    index = _number_column(columns, asked, [cells for _, cells in sample])
    if headless:
        columns = (*columns[:index], "number", *columns[index + 1 :])
    return columns, index, chain(sample, numbered)


def _fitted(rows: Iterator[NumberedRow], width: int, number: int, skip_blank: bool) -> Iterator[NumberedRow]:
    padding = [""] * width
    for row_number, cells in rows:
        if len(cells) != width:
            cells = (cells + padding)[:width]
        if skip_blank and not cells[number].strip() and not any(map(str.strip, cells)):
            continue
        yield row_number, cells


def _is_header(cells: Sequence[str], asked: str | None) -> bool:
    """A first row is a header unless it has a number in it."""
    if asked is not None and _folded(asked) in map(_folded, cells):
        return True
    return not any(map(_looks_like_a_number, cells))


def _named(header: Sequence[str]) -> tuple[str, ...]:
    """A name for each column, each its own."""
    if len(header) > MOST_COLUMNS:
        raise AudienceError(
            _("there are {count} columns, and no more than {most} are read").format(
                count=figure(len(header)), most=figure(MOST_COLUMNS)
            )
        )
    names: dict[str, None] = {}
    for position, cell in enumerate(header, 1):
        name = plain = " ".join(cell.split()) or f"column_{position}"
        again = 2
        while name in names:
            name, again = f"{plain}_{again}", again + 1
        names[name] = None
    return tuple(names)


def _number_column(columns: tuple[str, ...], asked: str | None, sample: list[list[str]]) -> int:
    """Raises AudienceError if it cannot be told: a wrong guess would cost money and text strangers."""
    found = ", ".join(name[:40] for name in columns[:_NAMED_IN_A_MESSAGE])
    if asked is not None:
        same = [i for i, name in enumerate(columns) if name == asked]
        same = same or [i for i, name in enumerate(columns) if _folded(name) == _folded(asked)]
        if len(same) != 1:
            raise AudienceError(
                _("there is no column {name!r}; the columns are: {columns}").format(name=asked, columns=found)
            )
        return same[0]
    index = _guessed(columns, sample)
    if index is None:
        raise AudienceError(
            _(
                "which column holds the phone numbers cannot be told; name it as number_column; the "
                "columns are: {columns}"
            ).format(columns=found)
        )
    return index


def _guessed(columns: tuple[str, ...], sample: list[list[str]]) -> int | None:
    """By name first: a column of eight-digit customer codes looks like numbers, too."""
    if len(columns) == 1:
        return 0
    words = [{form for word in _folded(name).split() for form in (word, word.removesuffix("s"))} for name in columns]
    looking = {i for i in range(len(columns)) if _holds_numbers([row[i] for row in sample if i < len(row)])}
    phones = [i for i, name in enumerate(words) if name & _PHONE and not name & _NOT_A_MOBILE]
    if phones:
        full = phones if len(phones) == 1 else [i for i in phones if i in looking]
        return _only(full) if len(full) < 2 else _only([i for i in full if words[i] & _MOBILE])
    perhaps = [i for i, name in enumerate(words) if name & _PERHAPS and not name & _NOT_A_MOBILE]
    if looking:
        perhaps = [i for i in perhaps if i in looking] or list(looking)
    return _only(perhaps)


def _only(candidates: list[int]) -> int | None:
    return candidates[0] if len(candidates) == 1 else None


def _holds_numbers(cells: list[str]) -> bool:
    filled = [cell for cell in cells if cell.strip()]
    return bool(filled) and sum(map(_looks_like_a_number, filled)) * 2 >= len(filled)


def _looks_like_a_number(cell: str) -> bool:
    """8 to 15 digits however grouped, and neither a date nor an amount. Whether it is one is left to `phone.py`."""
    text = cell.strip()
    if len(text) > 40 or _LOOKS_LIKE_A_DATE.fullmatch(text):
        return False
    if decimal := _DECIMAL.fullmatch(text):
        if decimal[2].strip("0"):
            return False
        text = decimal[1]
    return _LOOKS_LIKE_A_NUMBER.fullmatch(text) is not None


def _folded(name: str) -> str:
    """`N° de Téléphone` → `n de telephone`; `phoneNumber` → `phone number`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = "".join(c for c in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(c)).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))
