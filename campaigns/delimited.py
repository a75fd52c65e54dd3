"""A delimited text (CSV, TSV, one number a line) → numbered rows of cells, streamed.

Delimiter and quotes are found out here. Its encoding is `decoding.py`; what the columns mean is left to `audience.py`.
"""

import csv
import io
from collections.abc import Iterator
from itertools import chain, islice

from campaigns.cells import AudienceError
from campaigns.decoding import LONGEST_LINE, MARK, LineTooLongError, texts
from campaigns.language import _, figure

_DELIMITERS = ";\t|,"
_SAMPLED_CHARACTERS = 65_536
_SAMPLED_ROWS = 20

NumberedRow = tuple[int, list[str]]


def read_rows(blocks: Iterator[bytes | str]) -> Iterator[NumberedRow]:
    """Rows with their number as a spreadsheet shows it: from 1, a quoted line break does not count, a blank line does.

    A first line `sep=;` names the delimiter and is no row.
    Raises AudienceError, while rows are drawn, for what is no text, for a line or cell too long, and for a quote
    that is never closed.
    """
    number = 0
    try:
        for number, cells in enumerate(_parsed(texts(blocks)), 1):
            yield number, cells
    except _QuoteOpenError:
        raise AudienceError(_('row {row}: a quote (") is opened and never closed').format(row=number + 1)) from None
    except LineTooLongError:
        raise AudienceError(
            _("row {row} is longer than {most} characters").format(row=number + 1, most=figure(LONGEST_LINE))
        ) from None
    except csv.Error:
        raise AudienceError(
            _(
                'row {row}: a cell is longer than {most} characters; perhaps a quote (") is opened and never closed'
            ).format(row=number + 1, most=figure(csv.field_size_limit()))
        ) from None
    except UnicodeDecodeError:
        raise AudienceError(
            _("row {row} or soon after: not the text that it claims to be; save as UTF-8").format(row=number + 1)
        ) from None


class _QuoteOpenError(Exception):
    """The text has ended inside quotes, so the row has swallowed every row behind it."""


def _parsed(pieces: Iterator[str]) -> Iterator[list[str]]:
    first = next(pieces, "").removeprefix(MARK)
    delimiter, first = _delimiter(first)
    ended: list[bool] = []
    lines = chain.from_iterable(io.StringIO(text, newline="") for text in chain([first], pieces))
    for cells in csv.reader(chain(lines, _noting(ended)), delimiter=delimiter):
        # A row is complete before the text ends, unless a quote still waits for its other half.
        if ended:
            raise _QuoteOpenError
        yield cells


def _noting(ended: list[bool]) -> Iterator[str]:
    """No line at all, but a note that somebody asked for one."""
    ended.append(True)
    yield from ()


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
