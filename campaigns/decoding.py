"""Bytes of a text, in whatever encoding it was saved → text in pieces that end where a line ends, streamed.

What the lines mean is left to `delimited.py` and `objects.py`. Memory holds one block of the text, however long it is.
"""

import codecs
from collections.abc import Iterator
from itertools import chain
from typing import AnyStr, cast

from campaigns.cells import AudienceError
from campaigns.language import _

BLOCK = 262_144
"""Bytes, or characters, read at a time."""
LONGEST_LINE = 1_048_576
"""Bytes, or characters, that may come without a line end."""

MARK = "\ufeff"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class LineTooLongError(Exception):
    """A line has not ended after LONGEST_LINE; raised when all text before it is drawn."""


def texts(blocks: Iterator[bytes | str]) -> Iterator[str]:
    """Decoded text without NUL, in pieces that end where a line ends; a mark at the beginning may still be there.

    Encoding: by byte order mark (UTF-8, UTF-16), else line by line, UTF-8 if it is that strictly and cp1252 if not,
    because lists are pasted together from several programs. Raises AudienceError for what is no text; LineTooLongError
    and UnicodeDecodeError for whoever knows which row it is.
    """
    first = next(blocks, b"")
    everything = chain([first], blocks)
    if isinstance(first, str):
        decoded = _whole_lines(cast(Iterator[str], everything), "\n", "\r")
    elif first.startswith(_UTF16_MARKS):
        decoded = _whole_lines(codecs.iterdecode(cast(Iterator[bytes], everything), "utf-16"), "\n", "\r")
    elif first.count(0) * 100 > len(first):
        raise AudienceError(_("this is no table: save it as CSV (UTF-8) or as XLSX"))
    else:
        decoded = map(_decoded, _whole_lines(cast(Iterator[bytes], everything), b"\n", b"\r"))
    return (text.replace("\0", "") if "\0" in text else text for text in decoded)


def beginning(head: bytes | str) -> str:
    """The first characters of a text by its first block, without a mark and blanks: enough to tell what it is."""
    if isinstance(head, str):
        return head.lstrip(MARK).lstrip()[:100]
    encoding = "utf-16" if head.startswith(_UTF16_MARKS) else "utf-8-sig"
    return head.decode(encoding, errors="ignore").lstrip()[:100]


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
            raise LineTooLongError
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
