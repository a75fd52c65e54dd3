"""A delimited text (CSV, TSV, one number a line) → numbered rows of cells, streamed.

Encoding, delimiter and quotes are found out here; what the columns mean is left to `audience.py`. Memory holds one
block of the text, however long it is.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain, islice
from typing import AnyStr, cast

from campaigns.cells import AudienceError

BLOCK = 262_144
"""Bytes, or characters, read at a time."""
LONGEST_LINE = 1_048_576
"""Bytes, or characters, that may come without a line end."""

_DELIMITERS = ";\t|,"
_SAMPLED_CHARACTERS = 65_536
_SAMPLED_ROWS = 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARK = "\ufeff"

NumberedRow = tuple[int, list[str]]


def read_rows(blocks: Iterator[bytes | str]) -> Iterator[NumberedRow]:
    """Rows with their number as a spreadsheet shows it: from 1, a quoted line break does not count, a blank line does.

    Encoding: by byte order mark (UTF-8, UTF-16), else line by line, UTF-8 if it is that strictly and cp1252 if not,
    because lists are pasted together from several programs. A first line `sep=;` names the delimiter and is no row.
    Raises AudienceError, while rows are drawn, for what is no text, for a line or cell too long, and for a quote
    that is never closed.
    """
    number = 0
    try:
        for number, cells in enumerate(_parsed(_texts(blocks)), 1):
            yield number, cells
    except _QuoteOpenError:
        raise AudienceError(f'row {number + 1}: a quote (") is opened and never closed') from None
    except _LineTooLongError:
        raise AudienceError(f"row {number + 1} is longer than {LONGEST_LINE:,} characters") from None
    except csv.Error:
        raise AudienceError(
            f"row {number + 1}: a cell is longer than {csv.field_size_limit():,} characters; "
            'perhaps a quote (") is opened and never closed'
        ) from None
    except UnicodeDecodeError:
        raise AudienceError(
            f"row {number + 1} or soon after: not the text that it claims to be; save as UTF-8"
        ) from None


class _LineTooLongError(Exception):
    """A line has not ended after LONGEST_LINE; raised when all rows before it are drawn."""


class _QuoteOpenError(Exception):
    """The text has ended inside quotes, so the row has swallowed every row behind it."""


def _parsed(texts: Iterator[str]) -> Iterator[list[str]]:
    first = next(texts, "").removeprefix(_MARK)
    delimiter, first = _delimiter(first)
    ended: list[bool] = []
    lines = chain.from_iterable(io.StringIO(text, newline="") for text in chain([first], texts))
    for cells in csv.reader(chain(lines, _noting(ended)), delimiter=delimiter):
        # A row is complete before the text ends, unless a quote still waits for its other half.
        if ended:
            raise _QuoteOpenError
        yield cells


def _noting(ended: list[bool]) -> Iterator[str]:
    """No line at all, but a note that somebody asked for one."""
    ended.append(True)
    yield from ()


def _texts(blocks: Iterator[bytes | str]) -> Iterator[str]:
    """Decoded text without NUL, in pieces that end where a line ends."""
    first = next(blocks, b"")
    everything = chain([first], blocks)
    if isinstance(first, str):
        texts = _whole_lines(cast(Iterator[str], everything), "\n", "\r")
    elif first.startswith(_UTF16_MARKS):
        texts = _whole_lines(codecs.iterdecode(cast(Iterator[bytes], everything), "utf-16"), "\n", "\r")
    elif first.count(0) * 100 > len(first):
        raise AudienceError("this is no table: save it as CSV (UTF-8) or as XLSX")
    else:
        texts = map(_decoded, _whole_lines(cast(Iterator[bytes], everything), b"\n", b"\r"))
    return (text.replace("\0", "") if "\0" in text else text for text in texts)


def _whole_lines(blocks: Iterator[AnyStr], line_feed: AnyStr, carriage_return: AnyStr) -> Iterator[AnyStr]:
    rest = line_feed[:0]
    for block in blocks:
        joined = rest + block
        # A carriage return at the very end may be half of a line end. Alone it ended lines on old Macs.
        cut = joined.rfind(line_feed) + 1 or joined.rfind(carriage_return, 0, -1) + 1
        if cut:
            yield joined[:cut]
        rest = joined[cut:]
        if len(rest) > LONGEST_LINE:
            raise _LineTooLongError
    if rest:
        yield rest


def _decoded(block: bytes) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(map(_decoded_line, block.splitlines(keepends=True)))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        # Five bytes mean nothing in cp1252: better one odd character in a name than a file refused.
        return line.decode("cp1252", errors="replace")


def _delimiter(text: str) -> tuple[str, str]:
    """The delimiter, and the text without the line `sep=;` that spreadsheets put first to name it."""
    first_line, end, _ = text[:16].partition("\n")
    named = first_line.strip().strip('"')
    if end and len(named) == 5 and named.lower().startswith("sep="):
        return named[4], text[text.index("\n") + 1 :]
    sample = text[:_SAMPLED_CHARACTERS]
    best = max(_DELIMITERS, key=lambda delimiter: _fitness(sample, delimiter))
    if _fitness(sample, best)[0]:
        return best, text
    # One column: a delimiter that is not there cannot cut its cells.
    return next((delimiter for delimiter in _DELIMITERS if delimiter not in sample), ";"), text


def _fitness(sample: str, delimiter: str) -> tuple[bool, float, int]:
    """Whether it cuts the first row and at least half of the others; in what share of rows; into how many cells.

    The first row comes first because a header has no decimals: in `Nom;Solde` over `Awa;15,50` the comma is none.
    """
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        widths = [len(row) for row in islice(rows, _SAMPLED_ROWS) if row]
    except csv.Error:
        return False, 0.0, 0
    if not widths:
        return False, 0.0, 0
    share = sum(width > 1 for width in widths) / len(widths)
    return widths[0] > 1 and share >= 0.5, share, widths[0]
